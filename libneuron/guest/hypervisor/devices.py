"""Devices as XML for libvirt, made from elements: no name or path can break out of its place. Pure."""

from __future__ import annotations

import string
from pathlib import Path
from xml.etree import ElementTree

from libneuron.guest.hypervisor.domains import CHANNEL, Disc, parse


def channel() -> str:
    """Our channel; libvirt chooses the socket's path and the port's number."""
    top = ElementTree.Element("channel", type="unix")
    ElementTree.SubElement(top, "target", type="virtio", name=CHANNEL)
    return ElementTree.tostring(top, "unicode")


def has_channel(description: str) -> bool:
    """Whether a domain's description holds our channel."""
    targets = parse(description).iterfind("devices/channel/target")
    return any(target.get("name") == CHANNEL for target in targets)


def medium(drive: Disc, image: Path | None) -> str:
    """The drive with ``image`` in it, or empty."""
    return _drive(drive.target, drive.bus, image)


def usb_drive(target: str, image: Path) -> str:
    """A USB CD-ROM drive with ``image`` in it."""
    return _drive(target, "usb", image)


def _drive(target: str, bus: str, image: Path | None) -> str:
    top = ElementTree.Element("disk", type="file", device="cdrom")
    ElementTree.SubElement(top, "driver", name="qemu", type="raw")
    if image is not None:
        ElementTree.SubElement(top, "source", file=str(image))
    ElementTree.SubElement(top, "target", dev=target, bus=bus)
    ElementTree.SubElement(top, "readonly")
    return ElementTree.tostring(top, "unicode")


def free_target(live: str) -> str:
    """A disk name ("sdc") that no disk of the live description uses. Raises: ValueError when none is free."""
    top = parse(live)
    used = {target.get("dev") for target in top.iterfind("devices/disk/target")}
    for letter in string.ascii_lowercase:
        if f"sd{letter}" not in used:
            return f"sd{letter}"
    raise ValueError("all disk names are in use")
