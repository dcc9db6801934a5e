"""A wizard of pages: a title, the steps at the side, and Back, Next and Cancel below.

Our own, not QWizard: pages come and go as the person decides, the steps can be read by a screen reader, and
long work on a page disables exactly what would disturb it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLayout, QStackedWidget, QWidget

from libneuron.ui.announce import announce
from libneuron.ui.text import number, translate
from libneuron.ui.theme import SPACE, scaled
from libneuron.ui.widgets import Button, Scroller, Text, Tone, column, muted, row, title


@dataclass(frozen=True)
class Buttons:
    """What a page wants of the buttons; empty texts mean the usual "Next" and "Cancel"."""

    next_text: str = ""
    next_tip: str = ""
    next_enabled: bool = True
    back_enabled: bool = True
    cancel_text: str = ""
    cancel_tip: str = ""
    cancel_enabled: bool = True


class Page(QWidget):
    """One page. Subclasses fill ``content`` and set :attr:`buttons`; ``entered`` runs each time it is shown.

    ``first_focus`` gets the keyboard when the page is shown; without it Next does.
    """

    changed = Signal()
    """The page's :attr:`buttons` changed."""

    def __init__(
        self, name: str, sentence: str, *items: QWidget | QLayout | None, scrolls: bool = True
    ) -> None:
        super().__init__()
        self.name = name
        self.first_focus: QWidget | None = None
        self._buttons = Buttons()
        self.sentence = muted(sentence)
        self.sentence.setVisible(bool(sentence))
        self.content = column(*items, gap=2)
        head = column(title(name), self.sentence, gap=1)
        body = column(head, gap=3)
        body.setContentsMargins(3 * SPACE, 2 * SPACE, 2 * SPACE, 0)
        if scrolls:
            self.content.addStretch(1)
            self.content.setContentsMargins(0, 0, SPACE, 0)
            body.addWidget(Scroller(self.content), 1)
        else:
            body.addLayout(self.content, 1)
        self.setLayout(body)

    @property
    def buttons(self) -> Buttons:
        """What the page wants of the buttons now."""
        return self._buttons

    @buttons.setter
    def buttons(self, buttons: Buttons) -> None:
        self._buttons = buttons
        self.changed.emit()

    def entered(self) -> None:
        """The page is shown now; subclasses start their work here."""

    def leave(self) -> bool:
        """Next was pressed; False stays, and the page says why."""
        return True


class PageStack(QWidget):
    """Shows one of ``pages`` and moves between them.

    The window that holds it connects ``finished`` (Next on the last page) and ``cancelled`` (Cancel, Escape).
    """

    finished = Signal()
    cancelled = Signal()
    moved = Signal(int)

    def __init__(self, pages: Sequence[Page]) -> None:
        super().__init__()
        self.pages = list(pages)
        self._stack = QStackedWidget()
        for page in self.pages:
            self._stack.addWidget(page)
            page.changed.connect(self._refresh)
        self.steps = QFrame()
        self.steps.setProperty("kind", "card")
        self.steps.setFixedWidth(scaled(21 * SPACE))
        self._labels = [Text("") for _ in self.pages]
        self.steps.setLayout(column(*self._labels, None, gap=2, margin=3))
        self.back = Button("", translate("Pages", "Go back one step"), on_click=self.go_back)
        self.next = Button("", "", on_click=self.go_next)
        self.next.setDefault(True)
        self.cancel = Button("", "", on_click=self.cancelled.emit)
        bar = QFrame()
        bar.setProperty("kind", "bar")
        bar.setLayout(row(self.cancel, None, self.back, self.next, margin=2))
        upper = row(self.steps, self._stack, gap=0)
        upper.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        upper.setStretch(1, 1)
        body = column(upper, bar, gap=0)
        body.setStretch(0, 1)
        self.setLayout(body)
        self.setTabOrder(self._stack, self.back)
        self.setTabOrder(self.back, self.next)
        self.setTabOrder(self.next, self.cancel)
        self._show(0)

    @property
    def page(self) -> Page:
        """The page shown."""
        return self.pages[self._stack.currentIndex()]

    def go_next(self) -> None:
        """Next, as if pressed."""
        if not self.page.leave():
            return
        at = self._stack.currentIndex()
        if at + 1 == len(self.pages):
            self.finished.emit()
        else:
            self._show(at + 1)

    def go_back(self) -> None:
        """Back, as if pressed."""
        if self._stack.currentIndex() > 0:
            self._show(self._stack.currentIndex() - 1)

    def go_to(self, page: Page) -> None:
        """Show ``page``, one of :attr:`pages`."""
        self._show(self.pages.index(page))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape is Cancel, Enter is Next."""
        if event.key() == Qt.Key.Key_Escape and self.cancel.isEnabled():
            self.cancel.click()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.next.isEnabled():
            self.next.click()
        else:
            super().keyPressEvent(event)

    def _show(self, at: int) -> None:
        self._stack.setCurrentIndex(at)
        self._refresh()
        page = self.pages[at]
        (page.first_focus or self.next).setFocus(Qt.FocusReason.OtherFocusReason)
        place = translate("Pages", "Step {step} of {steps}").format(
            step=number(at + 1), steps=number(len(self.pages))
        )
        announce(self, f"{place}: {page.name}")
        self.moved.emit(at)
        page.entered()

    def _refresh(self) -> None:
        at = self._stack.currentIndex()
        wants = self.pages[at].buttons
        last = at + 1 == len(self.pages)
        done = translate("Pages", "&Finish") if last else translate("Pages", "&Next")
        self.back.setText(translate("Pages", "&Back"))
        self.back.setEnabled(at > 0 and wants.back_enabled)
        self.next.setText(wants.next_text or done)
        self.next.setToolTip(wants.next_tip or translate("Pages", "Go on to the next step"))
        self.next.setEnabled(wants.next_enabled)
        self.cancel.setText(wants.cancel_text or translate("Pages", "&Cancel"))
        self.cancel.setToolTip(wants.cancel_tip or translate("Pages", "Stop here and close"))
        self.cancel.setEnabled(wants.cancel_enabled)
        for index, (label, page) in enumerate(zip(self._labels, self.pages, strict=True)):
            self._mark(label, page, index, at)

    def _mark(self, label: Text, page: Page, index: int, at: int) -> None:
        if index < at:
            label.setText(translate("Pages", "✓  {step}").format(step=page.name))
            label.setAccessibleName(translate("Pages", "Done: {step}").format(step=page.name))
        elif index == at:
            label.setText(translate("Pages", "●  {step}").format(step=page.name))
            label.setAccessibleName(translate("Pages", "Now: {step}").format(step=page.name))
        else:
            label.setText(translate("Pages", "○  {step}").format(step=page.name))
            label.setAccessibleName(translate("Pages", "To come: {step}").format(step=page.name))
        label.set_tone(Tone.PLAIN if index == at else Tone.MUTED)
        label.set_bold(bold=index == at)
