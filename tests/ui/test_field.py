"""A field that never waits for the clipboard."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from libneuron.system.clipboard.errors import ClipboardError
from libneuron.ui.dialogs import ErrorDialog
from libneuron.ui.field import Field


def _shown(qtbot: QtBot, field: Field) -> Field:
    qtbot.addWidget(field)
    field.show()
    field.setFocus()
    return field


def _paste(field: Field) -> None:
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)


def _action(field: Field, text: str) -> QAction:
    return next(action for action in field.menu().actions() if action.text().replace("&", "") == text)


def test_one_can_go_on_typing_until_the_copy_is_there(qtbot: QtBot) -> None:
    there = threading.Event()

    def read() -> str:
        assert there.wait(60)
        return "pasted"

    field = _shown(qtbot, Field(read))
    _paste(field)
    QTest.keyClicks(field, "typed ")
    assert field.text() == "typed "
    there.set()
    qtbot.waitUntil(lambda: field.text() == "typed pasted")


def test_where_only_qt_may_look_it_looks(qtbot: QtBot) -> None:
    QApplication.clipboard().setText("of this desktop")
    field = _shown(qtbot, Field(lambda: None))
    _action(field, "Paste").trigger()
    qtbot.waitUntil(lambda: field.text() == "of this desktop")


def test_a_copy_that_cannot_be_had_is_said(qtbot: QtBot) -> None:
    def read() -> str:
        raise ClipboardError("clipboard.owner-silent")

    field = _shown(qtbot, Field(read))
    _paste(field)
    qtbot.waitUntil(lambda: any(isinstance(item, ErrorDialog) for item in QApplication.topLevelWidgets()))
    assert field.text() == ""


@pytest.mark.parametrize(
    ("text", "select", "possible"),
    [
        ("", False, {"Paste"}),
        ("text", False, {"Paste", "Select all"}),
        ("text", True, {"Paste", "Select all", "Cut", "Copy", "Delete"}),
    ],
)
def test_its_menu_offers_what_is_possible_and_does_not_ask_for_the_copy(
    qtbot: QtBot, text: str, select: bool, possible: set[str]
) -> None:
    asked: list[None] = []
    field = _shown(qtbot, Field(lambda: asked.append(None)))
    field.setText(text)
    if select:
        field.selectAll()
    names = {action.text().replace("&", "") for action in field.menu().actions() if action.isEnabled()}
    assert names == possible
    assert not asked
    if select:
        _action(field, "Delete").trigger()
        assert field.text() == ""
        _action(field, "Undo").trigger()
        assert field.text() == text
