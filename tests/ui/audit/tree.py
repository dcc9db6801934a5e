"""What the checks share: findings, and the widgets of a window that a person can meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QTextEdit,
    QWidget,
)

FIELDS = (
    QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox, QComboBox, QAbstractSlider, QAbstractItemView,
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One thing that a person would stumble over."""

    check: int
    widget: str
    problem: str


def _inner(widget: QWidget) -> bool:
    """Whether Qt made ``widget`` as a part of another one, which the checks see as a whole."""
    parent = widget.parentWidget()
    if isinstance(widget, QScrollBar) or widget.objectName().startswith("qt_"):
        return True
    if isinstance(parent, (QComboBox, QAbstractSpinBox, QTabBar, QAbstractItemView)):
        return True
    return isinstance(widget, QAbstractButton) and isinstance(parent, QLineEdit)


def widgets(window: QWidget) -> Iterator[QWidget]:
    """``window`` and every widget in it that is shown, without the inner parts of Qt's own."""
    yield window
    for widget in window.findChildren(QWidget):
        if widget.window() is window and widget.isVisibleTo(window) and not _inner(widget):
            yield widget


def place(widget: QWidget) -> str:
    """Where a finding is, for the person who mends it."""
    words = widget.accessibleName() or str(widget.property("text") or widget.property("title") or "")
    return f"{type(widget).__name__} “{words[:40]}”"


def name_of(widget: QWidget) -> str:
    """What a screen reader calls it.

    On Unix Qt gives a combo box's value as its name and its label as a relation (QAccessibleComboBox::text),
    which screen readers follow.
    """
    if isinstance(widget, QComboBox):
        labels = [label for label in widget.window().findChildren(QLabel) if label.buddy() is widget]
        return labels[0].text().replace("&", "") if labels else ""
    return QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)


def description_of(widget: QWidget) -> str:
    """What a screen reader adds."""
    return QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Description)


def takes_tab(widget: QWidget) -> bool:
    """Whether Tab should stop here."""
    policy = widget.focusPolicy()
    if isinstance(widget, QAbstractScrollArea) and not isinstance(widget, FIELDS):
        return False
    return widget.isEnabled() and bool(policy & Qt.FocusPolicy.TabFocus) and widget.focusProxy() is None


def area(widget: QWidget, window: QWidget) -> QRect:
    """Where ``widget`` is in ``window``."""
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())
