"""The Hardware Advisor's window on typical PCs."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from libneuron.hardware.machine import Machine
from libneuron.hardware.report import judge
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


SCENES = {
    "advisor-waiting": AdvisorWindow,
    "advisor-can": lambda: _window(typical.good),
    "advisor-changes": lambda: _window(typical.switched_off),
    "advisor-reasons": reasons,
    "advisor-cannot": lambda: _window(typical.in_a_vm),
    "advisor-unprivileged": lambda: _window(typical.unprivileged),
    "advisor-wiring": lambda: _wiring(typical.shared),
    "advisor-wiring-override": lambda: _wiring(typical.shared, 1),
}

DATA = (*typical.NAMES.values(), "MiB", "HDR")
