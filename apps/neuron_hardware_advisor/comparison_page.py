"""What differs between a saved PC and the one that is looked at: before and after new firmware, say."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from libneuron.hardware.compare import Difference
from libneuron.ui.announce import announce
from libneuron.ui.text import translate
from libneuron.ui.widgets import Card, EmptyState, Scroller, Text, Tone, column, heading


def _card(difference: Difference) -> Card:
    card = Card()
    card.add(Text(difference.title(translate), bold=True))
    empty = translate("Advisor", "nothing, or not known")
    before, after = difference.before or empty, difference.after or empty
    card.add(Text(translate("Advisor", "Before: {text}").format(text=before), tone=Tone.MUTED))
    card.add(Text(translate("Advisor", "After: {text}").format(text=after)))
    return card


class ComparisonPage(QWidget):
    """The differences as cards; ``before`` and ``after`` name the two."""

    def __init__(self, found: Sequence[Difference], before: str, after: str) -> None:
        super().__init__()
        names = translate("Advisor", "Before: {before}. After: {after}.").format(before=before, after=after)
        self.cards = [_card(difference) for difference in found]
        if found:
            self._said = translate("Advisor", "%n thing(s) differ", None, len(found))
            body = column(heading(self._said), Text(names, tone=Tone.MUTED), *self.cards, gap=2, margin=2)
            body.addStretch(1)
            self.setLayout(column(Scroller(body)))
        else:
            self._said = translate("Advisor", "Nothing that matters differs")
            self.setLayout(column(EmptyState("check", self._said, names)))

    def say(self) -> None:
        """Tell a screen reader what was found."""
        announce(self, self._said)
