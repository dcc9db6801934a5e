"""Putting a disc image into a running VM, and taking it out again so that nothing is left.

An empty drive is used first, then a USB drive plugged in while the VM runs (SATA cannot be), and only then
the medium of a full drive is exchanged, to be put back afterwards.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

import libvirt

from libneuron.guest.hypervisor import devices
from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.hypervisor.domains import Disc, Domain, Power, describe
from libneuron.guest.hypervisor.errors import HypervisorError

_LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
_FORCE = libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE  # a guest that mounted the disc has locked the tray


@dataclass(frozen=True)
class Inserted:
    """Where the disc is: ``plugged`` a drive that came with it; else ``before`` is what was in the drive."""

    drive: Disc
    image: Path
    plugged: bool
    before: str | None = None


def unreadable_part(image: Path) -> Path | None:
    """The first part of the way to ``image`` that other users may not pass, None when all is open.

    QEMU runs as a user of its own; libvirt hands it the image, but not the folders above.
    """
    resolved = image.resolve()
    for folder in reversed(resolved.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None if resolved.stat().st_mode & stat.S_IROTH else resolved


def insert(hypervisor: Hypervisor, domain: Domain, image: Path) -> Inserted:
    """Put ``image`` into the running VM.

    Raises: HypervisorError disc-unreadable, no-disc-drive, vm-off, as :meth:`Hypervisor.run`.
    """
    if not hypervisor.session:
        closed = unreadable_part(image)
        if closed is not None:
            raise HypervisorError("guest.disc-unreadable", path=closed)

    def work(connection: libvirt.virConnect) -> Inserted:
        handle = connection.lookupByUUIDString(domain.uuid)
        if not handle.isActive():
            raise HypervisorError("guest.vm-off", vm=domain.name)
        live = handle.XMLDesc(0)
        drives = describe(live=live, config=None, power=Power.RUNNING).discs
        problems: list[str] = []
        for drive in drives:
            if drive.medium is None and _exchange(handle, drive, image, problems):
                return Inserted(drive, image, plugged=False)
        usb = Disc(devices.free_target(live), "usb", str(image))
        if _plug(handle, usb, image, problems):
            return Inserted(usb, image, plugged=True)
        for drive in drives:
            if drive.medium is not None and _exchange(handle, drive, image, problems):
                return Inserted(drive, image, plugged=False, before=drive.medium)
        details = "\n".join(problems)
        if "Permission denied" in details:
            raise HypervisorError("guest.disc-unreadable", path=image, details=details)
        raise HypervisorError("guest.no-disc-drive", vm=domain.name, details=details)

    return hypervisor.run(work, vm=domain.name)


def _exchange(handle: libvirt.virDomain, drive: Disc, image: Path | None, problems: list[str]) -> bool:
    try:
        handle.updateDeviceFlags(devices.medium(drive, image), _LIVE | _FORCE)
    except libvirt.libvirtError as error:
        problems.append(f"{drive.target}: {error}")
        return False
    return True


def _plug(handle: libvirt.virDomain, drive: Disc, image: Path, problems: list[str]) -> bool:
    try:
        handle.attachDeviceFlags(devices.usb_drive(drive.target, image), _LIVE)
    except libvirt.libvirtError as error:
        problems.append(f"usb: {error}")
        return False
    return True


def remove(hypervisor: Hypervisor, domain: Domain, inserted: Inserted) -> None:
    """Take the disc out, as it was before. A VM that was switched off since has nothing left to do.

    Raises: HypervisorError vm-unchangeable, as :meth:`Hypervisor.run`.
    """

    def work(connection: libvirt.virConnect) -> None:
        handle = connection.lookupByUUIDString(domain.uuid)
        if not handle.isActive():
            return
        now = describe(live=handle.XMLDesc(0), config=None, power=Power.RUNNING).discs
        held = [drive for drive in now if drive.medium == str(inserted.image)]
        problems: list[str] = []
        for drive in held:
            if inserted.plugged:
                try:
                    handle.detachDeviceFlags(devices.usb_drive(drive.target, inserted.image), _LIVE)
                except libvirt.libvirtError as error:
                    problems.append(str(error))
            else:
                before = Path(inserted.before) if inserted.before else None
                _exchange(handle, drive, before, problems)
        if problems:
            raise HypervisorError(
                "guest.vm-unchangeable", vm=domain.name, problem=problems[0], details="\n".join(problems)
            )

    hypervisor.run(work, vm=domain.name)
