"""A set-up disc leaves a drive as it found it, or at least empty. libvirt's test driver has no drives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import libvirt
import pytest

from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.hypervisor.disc import Inserted, remove
from libneuron.guest.hypervisor.domains import Disc, Domain, Power, describe
from libneuron.guest.hypervisor.errors import HypervisorError

_IMAGE = Path("/var/tmp/neuron-setup-1/neuron-setup-2.iso")
_LIVE = f"""\
<domain><name>win11</name><uuid>9c2a</uuid><devices><disk type='file' device='cdrom'>
<source file='{_IMAGE}'/><target dev='sdb' bus='sata'/></disk></devices></domain>
"""


class Machine:
    """A running machine with our image in its drive. It refuses every medium that ``refuses`` names."""

    def __init__(self, *refuses: str) -> None:
        self._refuses = refuses
        self.tried: list[str] = []

    def lookupByUUIDString(self, _uuid: str) -> Machine:
        return self

    def isActive(self) -> int:
        return 1

    def XMLDesc(self, _flags: int) -> str:
        return _LIVE

    def updateDeviceFlags(self, text: str, _flags: int) -> None:
        medium = text.partition('file="')[2].partition('"')[0]
        self.tried.append(medium)
        if medium in self._refuses:
            raise libvirt.libvirtError(f"Could not open '{medium}'")

    def run(self, work: Callable[[Any], object], *, vm: str) -> object:
        del vm
        return work(self)


def taken_out(machine: Machine, before: str | None) -> list[str]:
    domain: Domain = describe(live=_LIVE, config=None, power=Power.RUNNING)
    drive = Disc("sdb", "sata", before)
    remove(cast(Hypervisor, machine), domain, Inserted(drive, _IMAGE, plugged=False, before=before))
    return machine.tried


def test_what_was_in_the_drive_is_put_back() -> None:
    assert taken_out(Machine(), "/home/me/win.iso") == ["/home/me/win.iso"]
    assert taken_out(Machine(), None) == [""]


def test_a_drive_whose_earlier_medium_is_gone_is_emptied() -> None:
    """Else the disc of a pairing that was killed stays in, and stands in the way of the next one."""
    assert taken_out(Machine("/gone.iso"), "/gone.iso") == ["/gone.iso", ""]


def test_a_drive_that_keeps_the_disc_is_told() -> None:
    with pytest.raises(HypervisorError) as caught:
        taken_out(Machine("/gone.iso", ""), "/gone.iso")
    assert caught.value.code == "guest.vm-unchangeable"
