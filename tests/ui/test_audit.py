"""The audit itself: a good window passes, and each check is broken once by a window made for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QWidget,
)

from libneuron.ui.pages import Page, PageStack
from libneuron.ui.text import translate
from libneuron.ui.widgets import Button, Text, column, danger_button, icon_button, row
from libneuron.ui.window import Window
from tests.ui.audit.run import findings
from tests.ui.variants import VARIANTS, Variant

BY_NAME = {variant.name: variant for variant in VARIANTS}


def window(*items: QWidget) -> QWidget:
    """A named window of ``items`` whose first one has the focus."""
    made = QWidget()
    made.setWindowTitle(translate("T", "Window"))
    made.setLayout(column(*items, gap=2, margin=2))
    made.resize(400, 300)
    items[0].setFocus()
    return made


def button(text: str = "&Send", tip: str = "Send it") -> Button:
    return Button(translate("T", text), translate("T", tip))


def field() -> QLineEdit:
    made = QLineEdit("value")
    made.setAccessibleName(translate("T", "Name"))
    made.setToolTip(translate("T", "Your name"))
    return made


def nameless_field() -> QWidget:
    made = field()
    made.setAccessibleName("")
    return window(made)


def nameless_progress() -> QWidget:
    return window(button(), QProgressBar())


def name_is_value() -> QWidget:
    made = field()
    made.setAccessibleName("value")
    return window(made)


def mnemonic_in_name() -> QWidget:
    made = button()
    made.setAccessibleName("&Send")
    return window(made)


def nameless_picture() -> QWidget:
    label = QLabel()
    label.setPixmap(button().grab())
    return window(button(), label)


def nameless_row() -> QWidget:
    rows = QListWidget()
    rows.setAccessibleName(translate("T", "Rows"))
    rows.setToolTip(translate("T", "All rows"))
    rows.addItems(["one", ""])
    return window(rows)


def focusable_nothing() -> QWidget:
    made = QWidget()
    made.setAccessibleName("Thing")
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    made.setMinimumSize(40, 40)
    return window(button(), made)


def mouse_only() -> QWidget:
    label = Text("Press me")
    label.setCursor(Qt.CursorShape.PointingHandCursor)
    return window(button(), label)


def unfocusable_button() -> QWidget:
    made = button("&Open", "Open it")
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return window(button(), made)


def no_tooltip() -> QWidget:
    return window(button(tip=""))


def icon_without_description() -> QWidget:
    return window(icon_button("copy", "Copy", "Copy"))


def icon_with_other_tooltip() -> QWidget:
    made = icon_button("copy", "Copy", "Copies the text")
    made.setToolTip("Something else")
    return window(made)


def keyboard_trap() -> QWidget:
    text = QPlainTextEdit()
    text.setAccessibleName("Text")
    text.setToolTip("Your text")
    return window(button(), text, button("&Open", "Open it"))


def against_reading_order() -> QWidget:
    first, second, third = button("&One", "1"), button("&Two", "2"), button("T&hree", "3")
    made = window(first, second, third)
    QWidget.setTabOrder(first, third)
    QWidget.setTabOrder(third, second)
    return made


def against_reading_order_in_a_line() -> QWidget:
    first, second, third = button("&One", "1"), button("&Two", "2"), button("T&hree", "3")
    made = QWidget()
    made.setWindowTitle("Window")
    made.setLayout(row(first, second, third, margin=2))
    QWidget.setTabOrder(first, third)
    QWidget.setTabOrder(third, second)
    first.setFocus()
    return made


def no_first_focus() -> QWidget:
    made = window(button())
    made.setFocus()
    return made


class Blind(QPushButton):
    """Looks the same with and without the focus."""


def invisible_focus() -> QWidget:
    made = Blind("Send")
    made.setToolTip("Send it")
    made.setStyleSheet("QPushButton, QPushButton:focus { border: 1px solid black; padding: 7px 14px; }")
    return window(button("&Open", "Open it"), made)


def destructive_default() -> QWidget:
    dialog = QDialog()
    dialog.setWindowTitle("Delete?")
    delete = danger_button("&Delete", "Delete it")
    dialog.setLayout(row(delete, button("&Cancel", "Keep it"), margin=2))
    delete.setDefault(True)
    delete.setFocus()
    return dialog


def no_default() -> QWidget:
    dialog = QDialog()
    dialog.setWindowTitle("Question")
    first = button()
    dialog.setLayout(row(first, button("&Cancel", "Keep it"), margin=2))
    first.setFocus()
    return dialog


class Stubborn(QDialog):
    def reject(self) -> None:
        """Ignore Escape."""


def deaf_to_escape() -> QWidget:
    dialog = Stubborn()
    dialog.setWindowTitle("Question")
    ok = button()
    ok.setDefault(True)
    dialog.setLayout(row(ok, margin=2))
    ok.setFocus()
    return dialog


class DeafStack(PageStack):
    def keyPressEvent(self, event: object) -> None:
        """Ignore Escape."""


def deaf_wizard() -> QWidget:
    return Window("Wizard", column(DeafStack([Page("One", "")])), size=QSize(600, 400))


def same_mnemonic() -> QWidget:
    return window(button("&Send"), button("&Save", "Save it"))


def shortcut_twice() -> QWidget:
    made = window(button())
    for _ in range(2):
        QShortcut(QKeySequence("Ctrl+K"), made)
    return made


def faint_text() -> QWidget:
    label = Text("Hard to read, and yet it matters")
    label.setStyleSheet("color: #a0a0a0")
    return window(button(), label)


def faint_button() -> QWidget:
    made = button()
    made.setStyleSheet("color: #999999")
    return window(made)


def faint_outline() -> QWidget:
    made = field()
    made.setStyleSheet("border: 1px solid #e8e8e8; background: #ffffff")
    other = button()
    return window(other, made)


def small_target() -> QWidget:
    made = button("x", "Close it")
    made.setFixedSize(18, 18)
    return window(button(), made)


def clipped_label() -> QWidget:
    label = QLabel("A long sentence that does not fit into so little room")
    label.setFixedWidth(60)
    return window(button(), label)


def clipped_button() -> QWidget:
    made = button("A long text on a button")
    made.setFixedWidth(60)
    return window(made)


def covering() -> QWidget:
    first, second = button(), button("&Open", "Open it")
    made = window(first, second)
    QApplication.processEvents()
    made.show()
    second.setGeometry(first.geometry())
    return made


def sticking_out() -> QWidget:
    made = window(button())
    other = QLabel("Outside", made)
    other.setGeometry(390, 290, 100, 40)
    return made


def too_wide_for_its_scroller() -> QWidget:
    wide = Text("Wide")
    wide.setFixedWidth(900)
    scroller = QScrollArea()
    scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroller.setWidget(wide)
    return window(button(), scroller)


def untranslatable() -> QWidget:
    return window(button(), QLabel("Never marked"))


BROKEN: list[tuple[int, str, Callable[[], QWidget], str]] = [
    (1, "has no name", nameless_field, "light"),
    (1, "has no name", nameless_progress, "light"),
    (1, "has no name", nameless_picture, "light"),
    (1, "its name is its value", name_is_value, "light"),
    (1, "holds a mnemonic", mnemonic_in_name, "light"),
    (1, "row 2 has no name", nameless_row, "light"),
    (2, "takes the focus and has no role", focusable_nothing, "light"),
    (2, "by the mouse only", mouse_only, "light"),
    (2, "takes no focus", unfocusable_button, "light"),
    (3, "has no tooltip", no_tooltip, "light"),
    (3, "adds nothing", icon_without_description, "light"),
    (3, "is not its name", icon_with_other_tooltip, "light"),
    (4, "does not reach", keyboard_trap, "light"),
    (4, "reading order", against_reading_order, "light"),
    (4, "reading order", against_reading_order_in_a_line, "light"),
    (4, "reading order", against_reading_order_in_a_line, "rtl"),
    (4, "nothing has the focus", no_first_focus, "light"),
    (4, "with and without the focus", invisible_focus, "light"),
    (5, "what Enter presses", destructive_default, "light"),
    (5, "Enter presses nothing", no_default, "light"),
    (5, "Escape does not close", deaf_to_escape, "light"),
    (5, "Escape does not cancel", deaf_wizard, "light"),
    (6, "means several things", same_mnemonic, "light"),
    (6, "means several things", shortcut_twice, "light"),
    (7, "its text has a contrast", faint_text, "light"),
    (7, "its text has a contrast", faint_button, "light"),
    (7, "its outline has a contrast", faint_outline, "light"),
    (8, "18 × 18", small_target, "light"),
    (9, "needs", clipped_label, "light"),
    (9, "needs", clipped_button, "font-200"),
    (9, "over each other", covering, "light"),
    (9, "sticks out", sticking_out, "light"),
    (9, "wider than the place", too_wide_for_its_scroller, "light"),
    (9, "cannot be translated: “Never marked”", untranslatable, "pseudo"),
]


@pytest.mark.parametrize(
    ("check", "problem", "make", "variant"), BROKEN, ids=[f"{row[2].__name__}-{row[3]}" for row in BROKEN]
)
def test_a_violation_is_found(
    qapp: QApplication, check: int, problem: str, make: Callable[[], QWidget], variant: str
) -> None:
    found = findings(qapp, make, variants=[BY_NAME[variant]]).get(variant, [])
    assert [finding for finding in found if finding.check == check and problem in finding.problem], found


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_good_window_has_no_findings(qapp: QApplication, variant: Variant) -> None:
    def good() -> QWidget:
        text = Text(translate("T", "All is well."))
        copy = icon_button("copy", translate("T", "Copy"), translate("T", "Copies the text"))
        return window(field(), button(), text, copy)

    assert findings(qapp, good, variants=[variant]) == {}


def test_a_word_of_the_data_needs_no_translation(qapp: QApplication) -> None:
    assert findings(qapp, untranslatable, data=["Never marked"], variants=[BY_NAME["pseudo"]]) == {}
