"""The suite's building blocks: text in the type scale, buttons, cards, notices, lists, empty states.

Every button takes its tooltip, so none is forgotten; an icon alone takes a name and a description as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from libneuron.ui import icons
from libneuron.ui.theme import SPACE, Scale, recolored, scaled
from libneuron.ui.tone import Tone as Tone


class Align(Enum):
    """Where text stands in its room, in reading direction."""

    START = "start"
    CENTER = "center"
    END = "end"


class Text(QLabel):
    """Text in the type scale: wraps, keeps its scale when the person's font changes, never reads HTML.

    Unlike QLabel it claims the height that its wrapped lines need (layouts inside layouts forget it), and
    stands where the window's direction says, even if its own words run the other way (a file name in Arabic).
    """

    def __init__(
        self,
        text: str = "",
        *,
        scale: Scale = Scale.BODY,
        tone: Tone = Tone.PLAIN,
        align: Align = Align.START,
        bold: bool = False,
    ) -> None:
        super().__init__()
        self._scale, self._align, self._bold = scale, align, bold
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setProperty("tone", tone.color)
        self._rescale()
        self._realign()
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show ``text``."""
        super().setText(text)
        self._claim()

    def set_tone(self, tone: Tone) -> None:
        """Change the colour; the words must say the same."""
        self.setProperty("tone", tone.color)
        self.style().polish(self)

    def set_bold(self, *, bold: bool) -> None:
        """Stand out, or not."""
        self._bold = bold
        self._rescale()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the person's font and reading direction."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._rescale()
        elif event.type() == QEvent.Type.LayoutDirectionChange:
            self._realign()
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Claim the height for the new width."""
        super().resizeEvent(event)
        self._claim()

    def _claim(self) -> None:
        if self.wordWrap():
            self.setMinimumHeight(max(0, self.heightForWidth(self.width())) if self.text() else 0)

    def _rescale(self) -> None:
        font = QApplication.font()
        if font.pointSizeF() > 0:
            font.setPointSizeF(font.pointSizeF() * self._scale.value)
        else:
            font.setPixelSize(round(font.pixelSize() * self._scale.value))
        if self._bold or self._scale in (Scale.TITLE, Scale.HEADING):
            font.setWeight(font.Weight.DemiBold)
        self.setFont(font)

    def _realign(self) -> None:
        flag = Qt.AlignmentFlag
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        side = {
            Align.START: flag.AlignRight if mirrored else flag.AlignLeft,
            Align.END: flag.AlignLeft if mirrored else flag.AlignRight,
            Align.CENTER: flag.AlignHCenter,
        }[self._align]
        self.setAlignment(side | flag.AlignAbsolute | flag.AlignVCenter)


def plain_tip(text: str) -> str:
    """``text`` as a tooltip that shows it letter by letter: Qt would render what looks like HTML."""
    if "<" not in text:
        return text
    from html import escape  # its table of every entity would lie in memory for nothing

    return f"<p>{escape(text)}</p>"


class OneLine(Text):
    """Text on one line, cut in the middle where there is no room; the whole of it is its name and tooltip."""

    def __init__(self, text: str = "", *, tone: Tone = Tone.PLAIN) -> None:
        self._whole = text
        super().__init__(text, tone=tone)
        self.setWordWrap(False)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_text(self, text: str) -> None:
        """Show another text."""
        self._whole = text
        self.setAccessibleName(text)
        self.setToolTip(plain_tip(text))
        self._cut()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut again for the new width."""
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        middle = Qt.TextElideMode.ElideMiddle
        self.setText(self.fontMetrics().elidedText(self._whole, middle, self.width()))


def title(text: str) -> Text:
    """The heading of a page or window."""
    return Text(text, scale=Scale.TITLE)


def heading(text: str) -> Text:
    """The heading of a card or section."""
    return Text(text, scale=Scale.HEADING)


def muted(text: str) -> Text:
    """Less important text."""
    return Text(text, tone=Tone.MUTED)


class Picture(QLabel):
    """A drawing. ``says`` is what it tells; without, it only decorates and screen readers pass it by.

    ``size`` is in device-independent pixels at the usual font; it grows with the person's.
    """

    def __init__(self, name: str, size: int, *, tone: Tone = Tone.PLAIN, says: str = "") -> None:
        super().__init__()
        self.say(says)
        self._name, self._wish, self._tone = name, size, tone
        self._draw()

    def say(self, says: str) -> None:
        """Tell something else; empty: it decorates."""
        self.setAccessibleName(says)
        self.setProperty("decorative", not says)

    def show_tone(self, tone: Tone) -> None:
        """Show another tone's drawing, and say its word."""
        self._name, self._tone = tone.icon, tone
        self.say(tone.word)
        self._draw()

    def _draw(self) -> None:
        side = scaled(self._wish)
        self.setFixedSize(side, side)
        self.setPixmap(icons.pixmap(self._name, side, tone=self._tone.color, ratio=self.devicePixelRatioF()))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the font."""
        if recolored(event) or event.type() == QEvent.Type.ApplicationFontChange:
            self._draw()
        super().changeEvent(event)


class Button(QPushButton):
    """A push button with a tooltip and, if wanted, an icon that follows the theme."""

    def __init__(
        self,
        text: str,
        tip: str,
        *,
        icon: str = "",
        on_click: Callable[[], None] | None = None,
        kind: str = "",
    ) -> None:
        super().__init__(text)
        self._icon = icon
        self._kind = kind
        self.setToolTip(tip)
        self.setAutoDefault(False)
        if kind:
            self.setProperty("kind", kind)
        self._draw()
        if on_click is not None:
            self.clicked.connect(lambda _checked=False: on_click())

    def _draw(self) -> None:
        if self._icon:
            special = {"danger": "danger", "flat": "info"}
            tone = "on_accent" if self.isDefault() else special.get(self._kind, "text")
            self.setIcon(icons.icon(self._icon, tone=tone))
            self.setIconSize(QSize(scaled(16), scaled(16)))

    def setDefault(self, default: bool) -> None:  # noqa: FBT001 — Qt's signature
        """Make this the button that Enter presses."""
        super().setDefault(default)
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if recolored(event):
            self._draw()
        super().changeEvent(event)


def danger_button(text: str, tip: str, *, on_click: Callable[[], None] | None = None) -> Button:
    """A button that destroys something: red, never the default, to be followed by a confirmation."""
    return Button(text, tip, on_click=on_click, kind="danger")


def icon_button(
    icon: str, name: str, description: str, *, on_click: Callable[[], None] | None = None
) -> Button:
    """A button without text: its name is also its tooltip, ``description`` says what it will do."""
    made = Button("", name, icon=icon, on_click=on_click, kind="icon")
    made.setAccessibleName(name)
    made.setAccessibleDescription(description)
    return made


def menu_button(text: str, tip: str, actions: Sequence[QAction], *, icon: str = "") -> Button:
    """A button that opens a menu of ``actions``."""
    made = Button(text, tip, icon=icon, kind="menu")
    menu = QMenu(made)
    menu.addActions(list(actions))
    made.setMenu(menu)
    return made


def column(*items: QWidget | QLayout | None, gap: int = 1, margin: int = 0) -> QVBoxLayout:
    """Items below each other, ``gap`` and ``margin`` in steps of :data:`SPACE`; None is a stretch."""
    made = QVBoxLayout()
    _fill(made, items, gap, margin)
    return made


def row(*items: QWidget | QLayout | None, gap: int = 1, margin: int = 0) -> QHBoxLayout:
    """Items beside each other, ``gap`` and ``margin`` in steps of :data:`SPACE`; None is a stretch."""
    made = QHBoxLayout()
    _fill(made, items, gap, margin)
    return made


def _fill(
    layout: QHBoxLayout | QVBoxLayout, items: Sequence[QWidget | QLayout | None], gap: int, margin: int
) -> None:
    side = margin * SPACE
    layout.setContentsMargins(side, side, side, side)
    layout.setSpacing(gap * SPACE)
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, QWidget):
            layout.addWidget(item)
        else:
            layout.addLayout(item)


class Card(QFrame):
    """A framed group: a heading if given, then what is added to ``body``."""

    def __init__(self, name: str = "", *items: QWidget | QLayout | None) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.body = column(gap=1, margin=2)
        self.setLayout(self.body)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        if name:
            self.body.addWidget(heading(name))
        for item in items:
            self.add(item)

    def add(self, item: QWidget | QLayout | None) -> None:
        """Append a widget, a layout, or (None) a stretch."""
        if item is None:
            self.body.addStretch(1)
        elif isinstance(item, QWidget):
            self.body.addWidget(item)
        else:
            self.body.addLayout(item)


class Notice(QFrame):
    """A sentence that stands out, with the icon of its tone and, if wanted, buttons."""

    def __init__(self, text: str, *, tone: Tone, buttons: Sequence[QWidget] = ()) -> None:
        super().__init__()
        self.setProperty("kind", "notice")
        self.setProperty("tone", tone.value)
        self.label = Text(text)
        self._picture = Picture(tone.icon, 20, tone=tone, says=tone.word)
        line = row(self._picture, self.label, *buttons, gap=1)
        line.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE)
        if not buttons:  # beside one the text stands in the middle of its height, and so does the picture
            line.setAlignment(self._picture, Qt.AlignmentFlag.AlignTop)
        line.setStretchFactor(self.label, 1)
        self.setLayout(line)

    def show_text(self, text: str, tone: Tone) -> None:
        """Say something else."""
        self.label.setText(text)
        self._picture.show_tone(tone)
        self.setProperty("tone", tone.value)
        self.style().polish(self)


class Status(QWidget):
    """A state in an icon and words."""

    def __init__(self, text: str, tone: Tone) -> None:
        super().__init__()
        self._picture = Picture(tone.icon, 16, tone=tone, says=tone.word)
        self.label = Text(text, tone=tone)
        line = row(self._picture, self.label, gap=1)
        line.setSpacing(6)
        line.setStretchFactor(self.label, 1)
        self.setLayout(line)

    def show_state(self, text: str, tone: Tone) -> None:
        """Show another state."""
        self.label.setText(text)
        self.label.set_tone(tone)
        self._picture.show_tone(tone)


class EmptyState(QWidget):
    """What a list shows when there is nothing in it: why, and what to do about it."""

    def __init__(self, icon: str, name: str, sentence: str, *buttons: QWidget) -> None:
        super().__init__()
        picture = Picture(icon, 48, tone=Tone.MUTED)
        self.name = Text(name, scale=Scale.HEADING, align=Align.CENTER)
        self.sentence = Text(sentence, tone=Tone.MUTED, align=Align.CENTER)
        body = column(None, picture, self.name, self.sentence, gap=1, margin=3)
        body.setAlignment(picture, Qt.AlignmentFlag.AlignHCenter)
        if buttons:
            body.addLayout(row(None, *buttons, None))
        body.addStretch(1)
        self.setLayout(body)


def labelled(text: str, field: QWidget) -> QLabel:
    """A label whose mnemonic leads to ``field``, and which names it also where Qt would say its value."""
    made = QLabel(text)
    made.setBuddy(field)
    field.setAccessibleName(text.replace("&", ""))
    return made


def line() -> QFrame:
    """A thin line between two parts."""
    made = QFrame()
    made.setProperty("kind", "line")
    return made


class Scroller(QScrollArea):
    """Scrolls ``content`` up and down when the window is too small, as at 200 % text; never sideways."""

    def __init__(self, content: QLayout) -> None:
        super().__init__()
        inner = QWidget()
        inner.setObjectName("scrolled")
        inner.setLayout(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._inner = inner
        self.setWidget(inner)

    def minimumSizeHint(self) -> QSize:
        """Wide enough for the content, so that only the height needs scrolling."""
        inner = self._inner.minimumSizeHint()
        return QSize(inner.width() + self.verticalScrollBar().sizeHint().width(), 12 * SPACE)
