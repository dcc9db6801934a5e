"""Putting a disc image into a running VM, and taking it out again so that nothing is left.

An empty drive is used first, then the medium of a full one is exchanged, to be put back afterwards, and a VM
without a drive gets a USB one while it runs (SATA cannot be plugged). That is the last choice because libvirt
shows it to the guest as a USB stick that holds an ISO image (libvirt merge request 19): Linux reads that,
Windows does not.
"""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import libvirt

from libneuron.guest.hypervisor import devices
from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.hypervisor.domains import Disc, Domain, Power, describe
from libneuron.guest.hypervisor.errors import HypervisorError

_log = logging.getLogger(__name__)
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


def _nobody(_planned: Inserted) -> None:
    """Nobody wants to know before."""


def insert(
    hypervisor: Hypervisor,
    domain: Domain,
    image: Path,
    *,
    exchange: bool = True,
    about_to: Callable[[Inserted], None] = _nobody,
) -> Inserted:
    """Put ``image`` into the running VM; without ``exchange`` its own drives are left alone.

    ``about_to`` hears of each attempt before it is made, on libvirt's thread; what it raises ends it.

    Raises: HypervisorError disc-unreadable, disc-elsewhere, no-disc-drive, vm-off, as :meth:`Hypervisor.run`.
    """
    if not hypervisor.local:
        raise HypervisorError("guest.disc-elsewhere", uri=hypervisor.uri)
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
        for drive in sorted(drives, key=lambda drive: drive.medium is not None) if exchange else ():
            planned = Inserted(drive, image, plugged=False, before=drive.medium)
            about_to(planned)
            if _exchange(handle, drive, image, problems):
                return planned
        usb = Disc(devices.free_target(live), "usb", str(image))
        planned = Inserted(usb, image, plugged=True)
        about_to(planned)
        if _plug(handle, usb, image, problems):
            return planned
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


def _put_back(handle: libvirt.virDomain, drive: Disc, before: str | None, problems: list[str]) -> None:
    """The medium of before, or none where that cannot be had any more: ours must not stay in."""
    refused: list[str] = []
    if before is not None and _exchange(handle, drive, Path(before), refused):
        return
    if _exchange(handle, drive, None, problems) and refused:
        _log.info("the earlier medium could not be put back: %s", refused[0])


def _plug(handle: libvirt.virDomain, drive: Disc, image: Path, problems: list[str]) -> bool:
    try:
        handle.attachDeviceFlags(devices.usb_drive(drive.target, image), _LIVE)
    except libvirt.libvirtError as error:
        problems.append(f"usb: {error}")
        return False
    return True


def remove(hypervisor: Hypervisor, domain: Domain, inserted: Inserted) -> None:
    """Take the disc out, as it was before; a drive whose earlier medium is gone is left empty.

    A VM that was switched off since has nothing left to do.

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
                _put_back(handle, drive, inserted.before, problems)
        if problems:
            raise HypervisorError(
                "guest.vm-unchangeable", vm=domain.name, problem=problems[0], details="\n".join(problems)
            )

    hypervisor.run(work, vm=domain.name)
