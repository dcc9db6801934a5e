"""Check 9: nothing is cut off or covered; in the pseudo-locale, nothing was left untranslated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product

from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QGroupBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QTabBar,
    QWidget,
)

from libneuron.ui.widgets import OneLine
from tests.ui.audit.tree import Finding, description_of, name_of, place, widgets

_BRACKETED = re.compile(r"\[[^\[\]]*\]")


def clipping(window: QWidget) -> Iterator[Finding]:
    """Each text has the room it needs, each widget is inside its parent, and none covers its sibling."""
    screen = window.screen().availableGeometry()
    if window.width() > screen.width() or window.height() > screen.height():
        yield Finding(9, place(window), f"{window.width()} × {window.height()} does not fit the screen")
    for widget in widgets(window):
        yield from _own_room(widget)
        yield from _in_parent(widget, window)
        yield from _siblings(widget)


def _own_room(widget: QWidget) -> Iterator[Finding]:
    if isinstance(widget, OneLine):
        if "…" in widget.text() and not widget.toolTip():
            yield Finding(9, place(widget), "is shortened and does not show the whole anywhere")
    elif isinstance(widget, QLabel) and widget.text():
        rect = widget.contentsRect()
        if widget.wordWrap():
            flags = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft
            text = widget.fontMetrics().boundingRect(QRect(0, 0, rect.width(), 1 << 16), flags, widget.text())
        else:
            text = widget.fontMetrics().boundingRect(QRect(), Qt.TextFlag.TextShowMnemonic, widget.text())
        if text.height() > rect.height() + 1 or text.width() > rect.width() + 1:
            yield Finding(9, place(widget), f"needs {_size(text)} px and has {_size(rect)}")
    elif isinstance(widget, (QAbstractButton, QComboBox, QLineEdit)):
        need = widget.sizeHint() if isinstance(widget, QAbstractButton) else widget.minimumSizeHint()
        if widget.height() < need.height() or widget.width() < need.width():
            yield Finding(9, place(widget), f"needs {_size(need)} px and has {_size(widget)}")
    elif isinstance(widget, QTabBar):
        for index in range(widget.count()):
            if widget.fontMetrics().horizontalAdvance(widget.tabText(index)) > widget.tabRect(index).width():
                yield Finding(9, place(widget), f"the tab “{widget.tabText(index)}” is cut")


def _size(of: QRect | QSize | QWidget) -> str:
    return f"{of.width()} × {of.height()}"


def _in_parent(widget: QWidget, window: QWidget) -> Iterator[Finding]:
    parent = widget.parentWidget()
    if widget is window or parent is None:
        return
    room, mine = parent.rect(), widget.geometry()
    if parent.objectName() == "qt_scrollarea_viewport":
        scroller = parent.parentWidget()
        off = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        fixed = isinstance(scroller, QScrollArea) and scroller.horizontalScrollBarPolicy() == off
        if fixed and mine.width() > room.width():
            yield Finding(9, place(widget), "is wider than the place it is scrolled in")
        return
    if not room.contains(mine) and not mine.isEmpty():
        yield Finding(9, place(widget), f"sticks out of {place(parent)}")


def _siblings(parent: QWidget) -> Iterator[Finding]:
    layout = parent.layout()
    if layout is None:
        return
    inside = [widget for widget in widgets(parent.window()) if widget.parentWidget() is parent]
    for at, one in enumerate(inside):
        for other in inside[at + 1 :]:
            common = one.geometry().intersected(other.geometry())
            if common.width() > 1 and common.height() > 1:
                yield Finding(9, place(one), f"and {place(other)} lie over each other")


def _texts(widget: QWidget) -> Iterator[str]:
    """Every text of ``widget`` that a person sees or hears."""
    yield from (widget.toolTip(), name_of(widget), description_of(widget))
    if widget.isWindow():
        yield widget.windowTitle()
    if isinstance(widget, OneLine):
        return  # its name, read above, is the whole of it
    if isinstance(widget, (QAbstractButton, QLabel)):
        yield widget.text()
    elif isinstance(widget, QGroupBox):
        yield widget.title()
    elif isinstance(widget, QLineEdit):
        yield widget.placeholderText()
    elif isinstance(widget, QTabBar):
        yield from (widget.tabText(index) for index in range(widget.count()))
    elif isinstance(widget, QComboBox):
        yield from (widget.itemText(index) for index in range(widget.count()))
    elif isinstance(widget, QAbstractItemView):
        yield from _cells(widget.model())
    yield from (action.text() for action in widget.actions())


def _cells(model: QAbstractItemModel | None) -> Iterator[str]:
    if model is None:
        return
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount()
    for row, at in product(range(model.rowCount()), range(columns)):
        item = model.index(row, at)
        yield str(item.data(Qt.ItemDataRole.DisplayRole) or "")
        yield str(item.data(Qt.ItemDataRole.AccessibleTextRole) or "")


def untranslated(window: QWidget, data: Sequence[str]) -> Iterator[Finding]:
    """In the pseudo-locale: letters outside the brackets that are not ``data`` (names of files, machines)."""
    known = sorted(data, key=len, reverse=True)
    for widget in widgets(window):
        for text in _texts(widget):
            rest = text
            for word in known:
                rest = rest.replace(word, "")
            while _BRACKETED.search(rest):
                rest = _BRACKETED.sub("", rest)
            if re.search(r"[^\W\d_]", rest):
                yield Finding(9, place(widget), f"cannot be translated: “{text[:80]}”")
