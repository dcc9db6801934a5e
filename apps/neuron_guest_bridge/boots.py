"""Which machines are starting: from when one is seen running until it answers, or patience ends. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from libneuron.guest.hypervisor.domains import Power

PATIENCE = 180.0
"""Seconds. A Windows that installs updates takes longer; then the person is told what is missing."""
_RESTING = (Power.OFF, Power.CRASHED)


class Boots:
    """On one thread; moments are monotonic seconds."""

    def __init__(self) -> None:
        self._powers: dict[str, Power] = {}
        self._until: dict[str, float] = {}

    def look(self, powers: Mapping[str, Power], *, now: float) -> bool:
        """The machines' present powers; whether one has begun to start."""
        begun = {
            machine
            for machine, power in powers.items()
            if power is Power.RUNNING and self._powers.get(machine) in _RESTING
        }
        self._powers = dict(powers)
        self._until = {
            machine: until for machine, until in self._until.items() if powers.get(machine) is Power.RUNNING
        } | dict.fromkeys(begun, now + PATIENCE)
        return bool(begun)

    def answered(self, machine: str) -> None:
        """It is up."""
        self._until.pop(machine, None)

    def starting(self, machine: str, *, now: float) -> bool:
        """Whether it may well be quiet only because it is not up yet."""
        return now < self._until.get(machine, now)
