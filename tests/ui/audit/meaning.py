"""Checks 1, 2, 3, 5, 6 and 8: names, roles, tooltips, defaults, mnemonics, sizes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QTabBar,
    QTabWidget,
    QWidget,
)

from tests.ui.audit.tree import FIELDS, Finding, description_of, name_of, place, takes_tab, widgets

_ROLE = QAccessible.Role
_PRESSABLE = {
    _ROLE.Button, _ROLE.CheckBox, _ROLE.RadioButton, _ROLE.ButtonMenu, _ROLE.ButtonDropDown, _ROLE.Link,
    _ROLE.Switch,
}  # fmt: skip
TARGET = 24
"""The smallest side of anything to be hit, in device-independent pixels (WCAG 2.2, 2.5.8)."""


def names(window: QWidget) -> Iterator[Finding]:
    """Check 1."""
    for widget in widgets(window):
        needs = takes_tab(widget) or widget.isWindow() or isinstance(widget, (QProgressBar, QDialog))
        if isinstance(widget, QLabel) and not widget.pixmap().isNull():
            needs = not widget.property("decorative")
        name = name_of(widget)
        if needs and not name.strip():
            yield Finding(1, place(widget), "has no name")
        if re.search(r"&\w", name):
            yield Finding(1, place(widget), f"its name holds a mnemonic: {name}")
        value = ""
        if isinstance(widget, QLineEdit):
            value = widget.text()
        elif isinstance(widget, QComboBox):
            value = widget.currentText()
        if value and name == value:
            yield Finding(1, place(widget), "its name is its value")
        if isinstance(widget, QAbstractItemView):
            yield from _rows(widget)


def _rows(view: QAbstractItemView) -> Iterator[Finding]:
    model = view.model()
    for row in range(min(50, model.rowCount() if model else 0)):
        item = model.index(row, 0)
        said = item.data(Qt.ItemDataRole.AccessibleTextRole) or item.data(Qt.ItemDataRole.DisplayRole)
        if not said and view.indexWidget(item) is None:
            yield Finding(1, place(view), f"row {row + 1} has no name")


def roles(window: QWidget) -> Iterator[Finding]:
    """Check 2."""
    for widget in widgets(window):
        found = QAccessible.queryAccessibleInterface(widget)
        actions = found.actionInterface()
        offered = set(actions.actionNames()) if actions is not None else set()
        if isinstance(widget, QAbstractButton):
            if found.role() not in _PRESSABLE:
                yield Finding(2, place(widget), f"a button with the role {found.role().name}")
            if not offered & {"Press", "Toggle", "ShowMenu"} and widget.isEnabled():
                yield Finding(2, place(widget), "a button without an action")
            # Tab stops at the chosen one of several radio buttons; the arrows reach the others.
            grouped = isinstance(widget, QRadioButton) and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
            if widget.isEnabled() and not takes_tab(widget) and not grouped:
                yield Finding(2, place(widget), "a button that takes no focus")
        elif takes_tab(widget) and found.role() in (_ROLE.Client, _ROLE.NoRole, _ROLE.Pane):
            yield Finding(2, place(widget), "takes the focus and has no role")
        elif widget.cursor().shape() == Qt.CursorShape.PointingHandCursor and not takes_tab(widget):
            yield Finding(2, place(widget), "can be pressed by the mouse only")


def tooltips(window: QWidget) -> Iterator[Finding]:
    """Check 3."""
    for widget in widgets(window):
        if not isinstance(widget, (QAbstractButton, *FIELDS)):
            continue
        tip = widget.toolTip()
        if not tip:
            yield Finding(3, place(widget), "has no tooltip")
        elif isinstance(widget, QAbstractButton) and not widget.text():
            name = name_of(widget)
            if tip != name:
                yield Finding(3, place(widget), f"an icon alone: tooltip “{tip}” is not its name “{name}”")
            if description_of(widget) in ("", name):
                yield Finding(3, place(widget), "an icon alone: its description adds nothing to its name")


def defaults(window: QWidget) -> Iterator[Finding]:
    """Check 5, what can be seen without a key; :func:`tests.ui.audit.keys.escape` presses Escape."""
    buttons = [widget for widget in widgets(window) if isinstance(widget, QPushButton)]
    for button in buttons:
        if button.property("kind") == "danger" and (button.isDefault() or button.autoDefault()):
            yield Finding(5, place(button), "destroys something and is what Enter presses")
    if isinstance(window, QDialog) and len(buttons) > 1 and not any(button.isDefault() for button in buttons):
        yield Finding(5, place(window), "Enter presses nothing")


def _tab_keys(window: QWidget) -> Iterator[tuple[str, str]]:
    """The bar of a tab widget is an inner part of it, but its mnemonics are the window's."""
    for tabs in window.findChildren(QTabWidget):
        for index in range(tabs.count() if tabs.isVisibleTo(window) else 0):
            key = QKeySequence.mnemonic(tabs.tabText(index)).toString()
            if key:
                yield key, f"the tab “{tabs.tabText(index)}”"


def mnemonics(window: QWidget) -> Iterator[Finding]:
    """Check 6."""
    owners: dict[str, list[str]] = defaultdict(list)
    for key, text in (*_widget_keys(window), *_tab_keys(window)):
        owners[key].append(text)
    for shortcut in window.findChildren(QShortcut):
        for sequence in shortcut.keys():  # noqa: SIM118 — no dictionary
            owners[sequence.toString()].append("a shortcut")
    for key, users in owners.items():
        if len(users) > 1:
            yield Finding(6, place(window), f"{key} means several things: {', '.join(users)}")


def _widget_keys(window: QWidget) -> Iterator[tuple[str, str]]:
    for widget in widgets(window):
        texts: list[str] = []
        if isinstance(widget, QAbstractButton):
            texts = [widget.text()]
            if not widget.shortcut().isEmpty() and widget.shortcut() != QKeySequence.mnemonic(widget.text()):
                yield widget.shortcut().toString(), place(widget)
        elif isinstance(widget, QLabel) and widget.buddy() is not None:
            texts = [widget.text()]
        elif isinstance(widget, QTabBar):
            texts = [widget.tabText(index) for index in range(widget.count())]
        for text in texts:
            key = QKeySequence.mnemonic(text).toString()
            if key:
                yield key, f"“{text}”"


def targets(window: QWidget) -> Iterator[Finding]:
    """Check 8."""
    for widget in widgets(window):
        if isinstance(widget, QAbstractItemView):
            height = widget.sizeHintForRow(0)
            if 0 <= height < TARGET:
                yield Finding(8, place(widget), f"its rows are {height} px high")
        elif isinstance(widget, QTabBar):
            if widget.count() and widget.tabRect(0).height() < TARGET:
                yield Finding(8, place(widget), f"its tabs are {widget.tabRect(0).height()} px high")
        elif isinstance(widget, (QAbstractButton, *FIELDS)) and min(widget.width(), widget.height()) < TARGET:
            yield Finding(8, place(widget), f"is {widget.width()} × {widget.height()} px")
