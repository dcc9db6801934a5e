"""Pastes that take a while: shown with their progress, one after the other, and stopped by the person."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from libneuron.progress import Progress
from neuron_guest_bridge.activity import Moving, Way
from neuron_guest_bridge.window_carrying import Carrying
from tests.ui.bridge import Shown
from tests.ui.scenes.guest_bridge import WINDOWS

MINE, OTHER = WINDOWS.id, "8b"


class Paste:
    """One that goes on until :meth:`end`."""

    def __init__(self, machine: str = MINE, way: Way = Way.TO_GUEST) -> None:
        self.progress = Progress(clock=lambda: 0.0)
        self.progress.start(total=100, unit="bytes")
        self.moving = Moving(machine, way, self.progress)

    def end(self) -> None:
        self.moving.over.set()


@pytest.fixture
def shown(qtbot: QtBot) -> Shown:
    return Shown(qtbot)


@pytest.fixture
def carrying(shown: Shown) -> Carrying:
    return shown.window.page.carrying


@pytest.fixture
def paste(shown: Shown) -> Iterator[Paste]:
    made = Paste()
    yield made
    made.end()


def test_a_paste_is_shown_while_it_lasts(shown: Shown, carrying: Carrying, paste: Paste) -> None:
    carrying.show_moving(paste.moving)
    assert carrying.isVisible()
    paste.progress.advance(40, item="IMG_1.jpg")
    shown.qtbot.waitUntil(lambda: carrying.panel.item.accessibleName() == "IMG_1.jpg")
    paste.end()
    shown.qtbot.waitUntil(lambda: not carrying.isVisible())


def test_one_that_is_over_before_it_is_worth_showing_is_not_shown(carrying: Carrying, paste: Paste) -> None:
    paste.end()
    carrying.show_moving(paste.moving)
    assert not carrying.isVisible()


def test_what_begins_is_told_by_the_machines_and_shown_after_a_while(
    shown: Shown, carrying: Carrying, paste: Paste
) -> None:
    with shown.qtbot.waitSignal(shown.model.moving):
        shown.recorded.begin(paste.moving)
    assert not carrying.isVisible()
    shown.qtbot.waitUntil(carrying.isVisible)


def test_the_person_stops_it(shown: Shown, carrying: Carrying, paste: Paste) -> None:
    carrying.show_moving(paste.moving)
    carrying.panel.cancel.click()
    shown.qtbot.waitUntil(lambda: paste.progress.cancelled)
    assert carrying.isVisible()  # until it has stopped
    paste.end()
    shown.qtbot.waitUntil(lambda: not carrying.isVisible())


def test_several_are_shown_one_after_the_other(shown: Shown, carrying: Carrying, paste: Paste) -> None:
    there = Paste(way=Way.TO_HOST)
    over = Paste()
    for each in (paste, over, there):
        carrying.show_moving(each.moving)
    first = carrying.panel.bar.accessibleName()
    over.end()
    paste.end()
    shown.qtbot.waitUntil(lambda: carrying.panel.bar.accessibleName() != first)
    assert carrying.isVisible()
    there.end()
    shown.qtbot.waitUntil(lambda: not carrying.isVisible())


def test_another_machines_paste_is_shown_with_that_machine(shown: Shown, carrying: Carrying) -> None:
    other = Paste(OTHER)
    carrying.show_moving(other.moving)
    assert not carrying.isVisible()
    shown.window.show_machine(OTHER)
    assert carrying.isVisible()
    other.end()
    shown.qtbot.waitUntil(lambda: not carrying.isVisible())
