"""What a text means, apart from how it is drawn: a tray says it too, and loads no widgets for that."""

from __future__ import annotations

from enum import Enum

from libneuron.ui.text import translate


class Tone(Enum):
    """What a text or notice means; always shown by an icon or word as well, never by colour alone."""

    PLAIN = "text"
    MUTED = "muted"
    INFO = "info"
    GOOD = "good"
    WARN = "warn"
    DANGER = "danger"
    UNKNOWN = "unknown"

    @property
    def color(self) -> str:
        """The theme's colour for it."""
        return "muted" if self is Tone.UNKNOWN else self.value

    @property
    def icon(self) -> str:
        """The drawing that stands for it."""
        return "info" if self in (Tone.PLAIN, Tone.MUTED) else self.value

    @property
    def word(self) -> str:
        """What its drawing says to someone who cannot see it; empty where it says nothing."""
        return {
            Tone.INFO: translate("Widgets", "Note"),
            Tone.GOOD: translate("Widgets", "Good"),
            Tone.WARN: translate("Widgets", "Warning"),
            Tone.DANGER: translate("Widgets", "Problem"),
            Tone.UNKNOWN: translate("Widgets", "Unknown"),
        }.get(self, "")
