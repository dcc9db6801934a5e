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
    ``confined``: we run inside a service's walls, where foreign programs are not started, and ``outside``
    starts ours beyond them."""

    root: Root
    runner: Runner
    clock: Clock
    bus: Caller | None
    shipped: Path
    settings: Settings = field(default_factory=Settings)
    confined: bool = False
    outside: Runner | None = None

    @property
    def boot(self) -> str:
        """This start's id, "" where the kernel does not say."""
        return self.root.text("/proc/sys/kernel/random/boot_id") or ""

    @property
    def offline(self) -> bool:
        """Whether this start is for an update alone: systemd-system-update-generator(8) leaves this link."""
        return self.root.link_name("/run/systemd/generator.early/default.target") == "system-update.target"

    def subject(self, *, offline: bool = False) -> Subject:
        """The machine as checks see it."""
        return Subject(self.root, self.runner, self.clock, self.bus, offline=offline)

    def checks(self) -> tuple[Check, ...]:
        """The checks that are made on this machine. Raises: SystemAccessError table-invalid."""
        return tuple(check for check in self.all_checks() if check.id not in self.settings.skip)

    def all_checks(self) -> tuple[Check, ...]:
        """Those that the administrator left out as well. Raises: SystemAccessError table-invalid."""
        return load_checks(self.shipped, self.root, programs=not self.confined)
