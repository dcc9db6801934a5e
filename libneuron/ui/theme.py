"""How the suite looks: three colour sets over Qt's Fusion style, one spacing step, one type scale.

Fusion's own highlight (3.7:1) and placeholder (4.0:1) are too faint, so each role of the palette is set here.
``tests/ui/test_theme.py`` measures each pair that is ever drawn on top of another.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from libneuron.system.paths import resources
from libneuron.ui.sizes import SPACE as SPACE
from libneuron.ui.sizes import line_height as line_height
from libneuron.ui.sizes import scaled as scaled
from libneuron.ui.stylesheet import stylesheet


class Look(Enum):
    """The colour sets. ``SYSTEM`` follows the desktop."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"
    HIGH_CONTRAST = "high-contrast"


class Scale(Enum):
    """The type scale, as factors of the person's own font size."""

    TITLE = 1.6
    HEADING = 1.2
    BODY = 1.0
    SMALL = 0.92


@dataclass(frozen=True)
class Colors:
    """Colours by purpose, as ``#rrggbb``. ``on_x`` is drawn on ``x``; the rest on window and surface.

    ``ink`` and ``on_accent_ink`` name the marks in ``resources/icons/marks``: a style sheet takes files only.
    """

    window: str
    surface: str
    raised: str
    hover: str
    text: str
    muted: str
    disabled: str
    border: str
    control: str
    accent: str
    on_accent: str
    selected: str
    on_selected: str
    focus: str
    danger: str
    good: str
    warn: str
    info: str
    ink: str
    on_accent_ink: str


LIGHT = Colors(
    window="#f4f5f8",
    surface="#ffffff",
    raised="#ffffff",
    hover="#eceff5",
    text="#191c22",
    muted="#555c69",
    disabled="#555c69",
    border="#dcdfe6",
    control="#828996",
    accent="#2f56c8",
    on_accent="#ffffff",
    selected="#dfe7fb",
    on_selected="#14224d",
    focus="#2f56c8",
    danger="#b0241b",
    good="#19693a",
    warn="#855000",
    info="#2f56c8",
    ink="black",
    on_accent_ink="white",
)
DARK = Colors(
    window="#15171c",
    surface="#1d2027",
    raised="#282c35",
    hover="#323743",
    text="#eceef2",
    muted="#abb2be",
    disabled="#abb2be",
    border="#323743",
    control="#838b9a",
    accent="#9fb9ff",
    on_accent="#0d1530",
    selected="#2c3a63",
    on_selected="#f1f4ff",
    focus="#9fb9ff",
    danger="#ffb1a8",
    good="#82d99f",
    warn="#f3c170",
    info="#9fb9ff",
    ink="white",
    on_accent_ink="black",
)
HIGH_CONTRAST = Colors(
    window="#000000",
    surface="#000000",
    raised="#000000",
    hover="#333333",
    text="#ffffff",
    muted="#ffffff",
    disabled="#a0a0a0",
    border="#ffffff",
    control="#ffffff",
    accent="#ffe14d",
    on_accent="#000000",
    selected="#ffe14d",
    on_selected="#000000",
    focus="#4de3ff",
    danger="#ff9e94",
    good="#7dff9e",
    warn="#ffd24d",
    info="#8fd3ff",
    ink="white",
    on_accent_ink="black",
)

_SETS = {Look.LIGHT: LIGHT, Look.DARK: DARK, Look.HIGH_CONTRAST: HIGH_CONTRAST}


def luminance(color: str) -> float:
    """Relative luminance of ``#rrggbb``, 0 to 1 (WCAG 2.2, "relative luminance")."""

    def linear(part: str) -> float:
        value = int(part, 16) / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color[1:3]) + 0.7152 * linear(color[3:5]) + 0.0722 * linear(color[5:7])


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two ``#rrggbb`` colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def palette(colors: Colors) -> QPalette:
    """Qt's palette for ``colors``, every role set for every state."""
    made = QPalette()
    role = QPalette.ColorRole
    values = {
        role.Window: colors.window,
        role.WindowText: colors.text,
        role.Base: colors.surface,
        role.AlternateBase: colors.window,
        role.Text: colors.text,
        role.PlaceholderText: colors.muted,
        role.Button: colors.raised,
        role.ButtonText: colors.text,
        role.BrightText: colors.danger,
        role.ToolTipBase: colors.surface,
        role.ToolTipText: colors.text,
        role.Highlight: colors.selected,
        role.HighlightedText: colors.on_selected,
        role.Accent: colors.accent,
        role.Link: colors.info,
        role.LinkVisited: colors.info,
        role.Light: colors.surface,
        role.Midlight: colors.hover,
        role.Mid: colors.border,
        role.Dark: colors.control,
        role.Shadow: colors.control,
    }
    for key, value in values.items():
        made.setColor(key, QColor(value))
    for key in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, key, QColor(colors.disabled))
    return made


def _system_look() -> Look:
    hints = QGuiApplication.styleHints()
    accessibility = getattr(hints, "accessibility", None)  # Qt 6.10 on
    if (
        accessibility is not None
        and accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast
    ):
        return Look.HIGH_CONTRAST
    return Look.DARK if hints.colorScheme() == Qt.ColorScheme.Dark else Look.LIGHT


def dialog_width(pixels: int) -> int:
    """:func:`scaled`, as far as the screen has room."""
    return min(scaled(pixels), QGuiApplication.primaryScreen().availableSize().width() - 6 * SPACE)


class Theme(QObject):
    """The application's colours; follows the desktop while its look is ``SYSTEM``.

    The application wears them from :meth:`dress` on, which every window and message of ours calls.
    """

    def __init__(self, app: QApplication, look: Look) -> None:
        super().__init__(app)
        self._app = app
        self._look = look
        self._dressed = False
        self.colors = LIGHT
        hints = app.styleHints()
        hints.colorSchemeChanged.connect(self._follow)
        if hasattr(hints, "accessibility"):
            hints.accessibility().contrastPreferenceChanged.connect(self._follow)
        app.fontChanged.connect(self._restyle)
        self._apply()

    def dress(self) -> None:
        """Give the application its palette and style sheet; the second call does nothing."""
        if not self._dressed:
            self._dressed = True
            self._apply()

    @property
    def look(self) -> Look:
        """What was asked for."""
        return self._look

    @look.setter
    def look(self, look: Look) -> None:
        self._look = look
        self._apply()

    def _follow(self) -> None:
        if self._look is Look.SYSTEM:
            self._apply()

    def _apply(self) -> None:
        colors = _SETS[_system_look() if self._look is Look.SYSTEM else self._look]
        if colors is self.colors and self._app.styleSheet():
            return  # a new style sheet polishes every widget again: only when something changed
        self.colors = colors
        if self._dressed:
            self._app.setPalette(palette(colors))
            self._restyle()

    def _restyle(self) -> None:
        if not self._dressed:
            return
        colors = self.colors
        named = {field.name: getattr(colors, field.name) for field in fields(colors)}
        marks = (resources() / "icons" / "marks").as_posix()
        self._app.setStyleSheet(stylesheet({**named, "marks": marks}, height=line_height()))


def theme() -> Theme:
    """The running application's theme. ``libneuron.ui.app.application`` must have been called."""
    found = QApplication.instance().findChild(Theme)  # type: ignore[union-attr]  # an application exists here
    assert isinstance(found, Theme)
    return found


def recolored(event: QEvent) -> bool:
    """Whether ``event`` (of ``changeEvent``) says that colours changed and pictures must be drawn again."""
    return event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange)
