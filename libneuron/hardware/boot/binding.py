"""Giving a graphics card to vfio-pci at each start, by its address: twins have the same numbers.

modprobe's ``install`` command names the addresses before vfio-pci is loaded (``driver_override``, kernel
``Documentation/ABI/testing/sysfs-bus-pci``), and ``softdep`` has every driver that could want such a card
load vfio-pci first (modprobe.d(5)). Both hold in the initramfs and after it, with whatever loads the driver.

An address is only a place: another card, a firmware update or a setting moves devices, and a disk at the
card's old place must keep its driver. So the command first compares what is there with what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from libneuron.hardware.boot.edits import FileEdit
from libneuron.hardware.boot.errors import BootError
from libneuron.system.trees import Tree

PATH = "/etc/modprobe.d/neuron-vfio.conf"
_OURS = "# Written by Neuron Hardware Advisor; its undo removes it."
_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
_NUMBER = re.compile(r"0x[0-9a-f]{4,6}")
_DEVICES = "/sys/bus/pci/devices"
_DRIVERS = ("amdgpu", "i915", "nouveau", "nova_core", "nvidia", "nvidia_drm", "nvidiafb", "radeon",
            "snd_hda_intel", "xe", "xhci_pci", "i2c_nvidia_gpu")  # fmt: skip
_KINDS = ("03", "0403", "0c03", "0c80")
"""What goes with a card: display, sound, USB and Type-C functions, as beginnings of their PCI class."""


def refused(addresses: Sequence[str]) -> tuple[str, ...]:
    """Those of ``addresses`` that are none."""
    return tuple(address for address in addresses if not _ADDRESS.fullmatch(address))


def edit(tree: Tree, addresses: Sequence[str]) -> FileEdit | None:
    """The file that binds ``addresses``, and only those; None where it is there already.

    Raises: BootError not-a-card for what is no function of a graphics card here; last-card where no card
    would be left for the screen.
    """
    _check(tree, addresses)
    before = tree.bytes(PATH)
    after = _content([_identity(tree, address) for address in sorted(addresses)]).encode()
    return None if after == before else FileEdit(PATH, before, after)


_GIVE = f"""
    ours=' {{ours}} '; left=; cd {_DEVICES} || exit 1;
    for at in *; do
        read class <$at/class || continue;
        case $class in 0x03*) ;; *) continue ;; esac;
        case $ours in *" $at/"*) ;; *) left=yes ;; esac;
    done;
    for one in $ours; do
        at=${{{{one%%/*}}}};
        [ "$left" ] || continue;
        read vendor <$at/vendor && read device <$at/device && read class <$at/class || continue;
        [ $at/$vendor/$device/$class = $one ] || continue;
        [ ! -e /sys/bus/pci/drivers/xhci_hcd/$at ] || echo $at >/sys/bus/pci/drivers/xhci_hcd/unbind;
        echo vfio-pci >$at/driver_override;
    done;
    /sbin/modprobe -i vfio-pci
"""
"""Run by sh, also by the small ones of an initramfs, without another program. Where the firmware has since
switched off the card that was left for the screen, nothing is given away: there would be no picture.
xhci_pci may be built into the kernel: then it has the card's USB function before any module comes.
"""


def _content(identities: Sequence[str]) -> str:
    give = " ".join(_GIVE.format(ours=" ".join(identities)).split())
    lines = [_OURS, f"install vfio-pci {give}"]
    return "\n".join([*lines, *(f"softdep {driver} pre: vfio-pci" for driver in _DRIVERS)]) + "\n"


def _identity(tree: Tree, address: str) -> str:
    """Where a function is, and what: "0000:01:00.0/0x10de/0x1b80/0x030000".

    Raises: BootError not-a-card where the machine does not tell all of it.
    """
    said = [tree.text(f"{_DEVICES}/{address}/{name}") or "" for name in ("vendor", "device", "class")]
    if not all(_NUMBER.fullmatch(one) for one in said):
        raise BootError("hardware.not-a-card", address=address)
    return "/".join((address, *said))


def _kind(tree: Tree, address: str) -> str:
    """Class and subclass, four digits; empty where there is no such device."""
    return (tree.text(f"{_DEVICES}/{address}/class") or "").removeprefix("0x")[:4]


def _check(tree: Tree, addresses: Sequence[str]) -> None:
    there = {address: _kind(tree, address) for address in tree.names(_DEVICES)}
    cards = {address for address, kind in there.items() if kind[:2] == "03"}
    slots = {address[:-2] for address in cards}
    for address in addresses:
        kind = there.get(address, "")
        if address[:-2] not in slots or not kind.startswith(_KINDS):
            raise BootError("hardware.not-a-card", address=address)
    if cards <= set(addresses):
        raise BootError("hardware.last-card")


def bound(tree: Tree, addresses: Sequence[str]) -> bool:
    """Whether vfio-pci has every one of ``addresses``."""
    return all(tree.link_name(f"{_DEVICES}/{address}/driver") == "vfio-pci" for address in addresses)
