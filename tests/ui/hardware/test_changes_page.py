"""The page that changes the boot: nothing unseen, nothing unconfirmed, what was done can be taken back."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from libneuron.hardware.boot.change import State
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.errors import BootError
from libneuron.hardware.boot.sharing import Share, Way
from libneuron.hardware.machine import Machine
from libneuron.hardware.report import judge
from libneuron.ui.dialogs import ConfirmDialog, ErrorDialog
from libneuron.ui.widgets import Text
from neuron_hardware_advisor.boot_source import Made, Shown
from neuron_hardware_advisor.window import AdvisorWindow
from tests.ui.scenes.advisor import PretendBoot, made
from tests.unit.hardware import typical

RISKY = "pcie_acs_override=downstream"


class Boot(PretendBoot):
    """Remembers on which threads it was asked; fails when told."""

    def __init__(self, *made: Made) -> None:
        super().__init__(*made)
        self.threads: set[threading.Thread] = set()
        self.asked: list[str] = []
        self.problem: BootError | None = None

    def _note(self, what: str) -> None:
        self.threads.add(threading.current_thread())
        self.asked.append(what)

    def plan(self, wish: Wish) -> Shown:
        self._note("plan")
        return super().plan(wish)

    def apply(self, shown: Shown, typed: str) -> Made:
        self._note("apply")
        if self.problem is not None:
            problem, self.problem = self.problem, None
            raise problem
        return super().apply(shown, typed)

    def undo(self, number: int) -> Made:
        self._note("undo")
        return super().undo(number)

    def changes(self) -> tuple[Made, ...]:
        self._note("changes")
        return super().changes()


Open = Callable[[Callable[[], Machine], Boot], AdvisorWindow]


@pytest.fixture
def open_page(qtbot: QtBot) -> Open:
    def make(machine: Callable[[], Machine], boot: Boot) -> AdvisorWindow:
        window = AdvisorWindow(lambda: boot)
        qtbot.addWidget(window)
        window.show()
        window.show_report(judge(machine()))
        assert window.tabs is not None
        assert boot.asked == [], "the helper is not started before somebody looks here"
        window.tabs.setCurrentIndex(2)
        qtbot.waitUntil(lambda: "changes" in boot.asked and window.changes.record.text() != "Looking…")
        return window

    return make


def said(window: AdvisorWindow) -> str:
    return "\n".join(text.text() for text in window.changes.findChildren(Text))


def test_a_change_is_shown_made_and_listed_off_the_windows_thread(qtbot: QtBot, open_page: Open) -> None:
    boot = Boot()
    window = open_page(typical.switched_off, boot)
    (proposal,) = window.changes.proposals
    assert proposal.wish == Wish(set=("intel_iommu=on",))
    assert not proposal.apply_button.isVisible(), "nothing is done unseen"
    proposal.show_button.click()
    qtbot.waitUntil(proposal.apply_button.isVisible)
    assert '+GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=on"' in proposal.diff.toPlainText()
    assert "update-grub" in proposal.after.text()
    assert not proposal.typed.isVisible()
    proposal.apply_button.click()
    qtbot.waitUntil(lambda: len(window.changes.cards) == 1)
    assert "it counts after a restart" in said(window)
    assert proposal.isHidden()
    assert threading.main_thread() not in boot.threads


def test_after_the_restart_the_page_says_whether_the_system_shows_it(open_page: Open) -> None:
    changes = (made(1, State.VERIFIED, "iommu=pt"), made(2, State.FAILED_CHECK, "intel_iommu=on"))
    window = open_page(typical.good, Boot(*changes))
    assert [card.made.number for card in window.changes.cards] == [2, 1], "the last one first"
    assert "the system shows it" in said(window)
    assert "does not show it" in said(window)


def test_the_override_is_made_only_after_its_words_were_typed(qtbot: QtBot, open_page: Open) -> None:
    boot = Boot()
    window = open_page(lambda: typical.shared("6.12.1-zen1-1-zen"), boot)
    (proposal,) = window.changes.proposals
    proposal.show_button.click()
    qtbot.waitUntil(proposal.apply_button.isVisible)
    assert proposal.risk.isVisible()
    assert not proposal.apply_button.isEnabled()
    for wrong in ("yes", RISKY[:-1], RISKY + ",multifunction"):
        proposal.typed.setText(wrong)
        assert not proposal.apply_button.isEnabled()
    proposal.typed.clear()
    QTest.keyClicks(proposal.typed, RISKY)
    assert proposal.apply_button.isEnabled()
    proposal.apply_button.click()
    qtbot.waitUntil(lambda: len(window.changes.cards) == 1)
    assert boot.typed == [RISKY]


def test_a_kernel_without_the_override_is_not_offered_it(open_page: Open) -> None:
    assert open_page(typical.shared, Boot()).changes.proposals == []


def test_a_change_is_taken_back_after_a_question(qtbot: QtBot, open_page: Open) -> None:
    boot = Boot(made(1, State.VERIFIED, "iommu=pt"))
    window = open_page(typical.good, boot)
    button = window.changes.cards[0].undo
    assert button is not None
    button.click()
    (dialog,) = window.findChildren(ConfirmDialog)
    dialog.reject()
    assert "undo" not in boot.asked
    button.click()
    next(one for one in window.findChildren(ConfirmDialog) if one.isVisible()).accept()
    qtbot.waitUntil(lambda: boot.made[0].state is State.UNDONE and "is taken back" in said(window))
    qtbot.waitUntil(lambda: [card.undo for card in window.changes.cards] == [None])


def test_files_that_changed_since_are_shown_again_before_anything_is_done(
    qtbot: QtBot, open_page: Open
) -> None:
    boot = Boot()
    window = open_page(typical.switched_off, boot)
    proposal = window.changes.proposals[0]
    proposal.show_button.click()
    qtbot.waitUntil(proposal.apply_button.isVisible)
    boot.problem = BootError("hardware.plan-changed")
    proposal.apply_button.click()
    qtbot.waitUntil(lambda: boot.asked.count("plan") == 2 and bool(window.findChildren(ErrorDialog)))
    assert boot.made == ()
    qtbot.waitUntil(proposal.apply_button.isEnabled)


def test_a_change_that_could_not_be_put_back_is_listed_to_be_undone(qtbot: QtBot, open_page: Open) -> None:
    boot = Boot()
    window = open_page(typical.switched_off, boot)
    proposal = window.changes.proposals[0]
    proposal.look()
    qtbot.waitUntil(proposal.apply_button.isEnabled)
    boot.problem = BootError("hardware.half-undone", number=1, left="/etc/default/grub")
    boot.made = (made(1, State.STARTED),)
    proposal.apply_button.click()
    qtbot.waitUntil(lambda: bool(window.changes.cards) and bool(window.findChildren(ErrorDialog)))
    assert window.changes.cards[0].undo is not None


def test_a_saved_pc_cannot_be_changed(qtbot: QtBot) -> None:
    boot = Boot()
    window = AdvisorWindow(lambda: boot)
    qtbot.addWidget(window)
    window.look(lambda: judge(typical.switched_off()), "x.bundle", here=False)
    qtbot.waitUntil(lambda: window.tabs is not None)
    assert window.changes.source is None
    assert window.changes.stops == []
    assert boot.asked == []


def test_the_whole_way_by_keyboard(qtbot: QtBot, open_page: Open) -> None:
    boot = Boot()
    window = open_page(typical.switched_off, boot)
    proposal = window.changes.proposals[0]
    assert window.tabs is not None
    window.activateWindow()
    window.tabs.tabBar().setFocus()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window.tabs.tabBar(), Qt.Key.Key_Tab)
    assert window.focusWidget() is proposal.show_button
    QTest.keyClick(proposal.show_button, Qt.Key.Key_Space)
    qtbot.waitUntil(proposal.apply_button.isVisible)
    assert window.focusWidget() is proposal.diff, "what was asked for is where the keyboard is"
    QTest.keyClick(proposal.diff, Qt.Key.Key_Tab)
    assert window.focusWidget() is proposal.apply_button
    QTest.keyClick(proposal.apply_button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(boot.made) == 1)
    assert not window.findChildren(QDialog)


def test_a_card_is_kept_and_memory_made_only_as_proposed(qtbot: QtBot) -> None:
    boot = Boot()
    window = AdvisorWindow(lambda: boot, person="maria")
    qtbot.addWidget(window)
    window.show()
    window.show_report(judge(typical.good()))
    assert window.tabs is not None
    window.tabs.setCurrentIndex(2)
    card, memory = window.changes.proposals
    assert card.wish == Wish(bind=("0000:01:00.0", "0000:01:00.1"))
    assert memory.wish == Wish(share=Share(Way.SHM, user="maria"))
    assert "0000:01:00.1" in said(window)
    assert "Connect your screen to" in said(window), "the price is told before"
    assert "shm maria" in said(window)
