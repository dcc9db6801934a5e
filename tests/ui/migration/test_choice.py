"""A list of names from a disk: shown as they are."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from neuron_migration_assistant.choice import Choice


def test_a_name_with_tags_is_no_rich_text(qtbot: QtBot) -> None:
    choice = Choice("People", "Everybody")
    qtbot.addWidget(choice)
    choice.fill([("Anna", "Anna"), ("<img src=x>", "<img src=x>")], "Anna")
    rows = [choice.topLevelItem(index) for index in range(2)]
    assert [row.toolTip(0) for row in rows if row is not None] == ["Anna", ""]
    assert choice.texts() == ["Anna", "<img src=x>"]
