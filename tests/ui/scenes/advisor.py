"""The Hardware Advisor's window on typical PCs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QWidget

from libneuron.hardware.boot import wishes
from libneuron.hardware.boot.change import State
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.machine import Machine
from libneuron.hardware.report import judge
from libneuron.ui.text import translate
from neuron_hardware_advisor.boot_source import Made, Shown
from neuron_hardware_advisor.installer_window import InstallerWindow
from neuron_hardware_advisor.window import AdvisorWindow
from tests.unit.hardware import typical


def _window(machine: Callable[[], Machine]) -> AdvisorWindow:
    window = AdvisorWindow()
    window.show_report(judge(machine()))
    return window


def _wiring(machine: Callable[[], Machine], condition: int = 0) -> QWidget:
    window = _window(machine)
    assert window.tabs is not None
    window.tabs.setCurrentIndex(1)
    window.topology.condition.setValue(condition)
    window.topology.condition.setFocus()
    return window


def reasons() -> QWidget:
    """A card with its reason open."""
    window = _window(typical.shared)
    window.answer.cards[0].why.setChecked(True)
    window.answer.cards[0].why.setFocus()
    return window


class PretendBoot:
    """A boot that changes nothing: shows ``shown``, remembers ``made``. Implements BootSource."""

    def __init__(self, *made: Made) -> None:
        self.made = made
        self.typed: list[str] = []

    def plan(self, wish: Wish) -> Shown:
        line = 'GRUB_CMDLINE_LINUX_DEFAULT="quiet'
        new = " ".join((line, *wish.set))
        diff = f'--- /etc/default/grub\n+++ /etc/default/grub\n@@ -1 +1 @@\n-{line}"\n+{new}"\n'
        confirm = " ".join(wishes.risky(wish))
        return Shown(wish, (("/etc/default/grub", diff),), (("update-grub",),), "0" * 64, confirm)

    def apply(self, shown: Shown, typed: str) -> Made:
        self.typed.append(typed)
        made = Made(len(self.made) + 1, State.APPLIED, shown.wish, ("/etc/default/grub",))
        self.made += (made,)
        return made

    def undo(self, number: int) -> Made:
        self.made = tuple(
            replace(one, state=State.UNDONE) if one.number == number else one for one in self.made
        )
        return self.made[number - 1]

    def changes(self) -> tuple[Made, ...]:
        return self.made

    def capture(self) -> Machine:
        return typical.good()


def kept() -> QWidget:
    """A card that could be kept for virtual machines, and memory for Looking Glass."""
    boot = PretendBoot()
    window = AdvisorWindow(lambda: boot, person="maria")
    window.show_report(judge(typical.good()))
    assert window.tabs is not None
    with QSignalBlocker(window.tabs):
        window.tabs.setCurrentIndex(2)
    window.changes.show_changes(())
    return window


def changes(machine: Callable[[], Machine], *made: Made, shown: bool = False) -> AdvisorWindow:
    """The page of changes; with ``shown`` the first proposal lies open."""
    boot = PretendBoot(*made)
    window = AdvisorWindow(lambda: boot)
    window.show_report(judge(machine()))
    assert window.tabs is not None
    with QSignalBlocker(window.tabs):  # the record comes here, not from a thread
        window.tabs.setCurrentIndex(2)
    window.changes.show_changes(boot.changes())
    if shown:
        proposal = window.changes.proposals[0]
        proposal.show_plan(boot.plan(proposal.wish))
    return window


def made(number: int, state: State, *words: str) -> Made:
    """A recorded change."""
    return Made(number, state, Wish(set=words), ("/etc/default/grub",))


def saved() -> QWidget:
    """The page of changes for a saved PC."""
    window = _window(typical.good)
    assert window.tabs is not None
    window.tabs.setCurrentIndex(2)
    window.tabs.tabBar().setFocus()
    return window


def compared(before: Callable[[], Machine], after: Callable[[], Machine]) -> QWidget:
    """The page that says what differs between two PCs."""
    window = _window(after)
    window.show_comparison(judge(before()), "before-the-new-firmware.bundle")
    assert window.tabs is not None
    window.tabs.tabBar().setFocus()
    return window


def readable() -> QWidget:
    """An ordinary user's view, which the helper could complete."""
    boot = PretendBoot()
    window = AdvisorWindow(lambda: boot)
    window.show_report(judge(typical.unprivileged()))
    return window


def early() -> QWidget:
    """The first picture of all."""
    window = AdvisorWindow(early=True)
    window.wait_with(translate("Advisor", "Looking at this PC…"), lambda: None)
    return window


def choosing(machine: Callable[[], Machine]) -> QWidget:
    """The installer's window."""
    window = InstallerWindow(Path("/nonexistent/choice.json"))
    window.show_report(judge(machine()))
    return window


SCENES = {
    "advisor-installer": lambda: choosing(typical.switched_off),
    "advisor-installer-nothing": lambda: choosing(typical.in_a_vm),
    "advisor-changes-proposed": lambda: changes(typical.switched_off, shown=True),
    "advisor-changes-kept": kept,
    "advisor-changes-risk": lambda: changes(lambda: typical.shared("6.12.1-zen1-1-zen"), shown=True),
    "advisor-changes-record": lambda: changes(
        typical.good,
        made(1, State.UNDONE, "iommu=pt"),
        made(2, State.VERIFIED, "intel_iommu=on"),
        made(3, State.FAILED_CHECK, "iommu=pt"),
        made(4, State.APPLIED, "vfio_pci.disable_idle_d3=1"),
    ),
    "advisor-changes-saved": saved,
    "advisor-compared": lambda: compared(typical.switched_off, typical.good),
    "advisor-compared-alike": lambda: compared(typical.good, typical.good),
    "advisor-early": early,
    "advisor-waiting": AdvisorWindow,
    "advisor-can": lambda: _window(typical.good),
    "advisor-changes": lambda: _window(typical.switched_off),
    "advisor-reasons": reasons,
    "advisor-cannot": lambda: _window(typical.in_a_vm),
    "advisor-unprivileged": lambda: _window(typical.unprivileged),
    "advisor-unprivileged-can-read": readable,
    "advisor-wiring": lambda: _wiring(typical.shared),
    "advisor-wiring-override": lambda: _wiring(typical.shared, 1),
}

DATA = (*typical.NAMES.values(), "MiB", "HDR", "/etc/default/grub")
