"""The machine to guard, and the doors to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from libneuron.system.calls import Caller
from libneuron.system.clock import Clock
from libneuron.system.files import Root
from libneuron.system.runner import Runner
from libneuron.updates.checks import Check, load_checks
from libneuron.updates.settings import Settings
from libneuron.updates.subject import Subject


@dataclass(frozen=True)
class Machine:
    """The machine to guard and the doors to it. ``shipped`` is the table of checks;
    ``confined``: we run inside a service's walls, where foreign programs are not started."""

    root: Root
    runner: Runner
    clock: Clock
    bus: Caller | None
    shipped: Path
    settings: Settings = field(default_factory=Settings)
    confined: bool = False

    @property
    def boot(self) -> str:
        """This start's id, "" where the kernel does not say."""
        return self.root.text("/proc/sys/kernel/random/boot_id") or ""

    def subject(self) -> Subject:
        """The machine as checks see it."""
        return Subject(self.root, self.runner, self.clock, self.bus)

    def checks(self) -> tuple[Check, ...]:
        """The checks of this machine. Raises: SystemAccessError table-invalid."""
        return load_checks(self.shipped, self.root, programs=not self.confined)
