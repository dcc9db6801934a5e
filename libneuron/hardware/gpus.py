"""Each GPU judged whole: its slot, its companions, its reset, and whether the host is looking through it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from libneuron.hardware import isolation, reset
from libneuron.hardware.isolation import SlotVerdict
from libneuron.hardware.machine import Address, Device, Machine
from libneuron.hardware.reset import Reset, ResetVerdict


class Companion(StrEnum):
    """What shares the slot with a GPU and goes to the VM with it."""

    AUDIO = "audio"
    USB = "usb"
    TYPE_C = "type-c"
    OTHER = "other"


_COMPANIONS = {"0403": Companion.AUDIO, "0c03": Companion.USB, "0c80": Companion.TYPE_C}
_GOOD_RESETS = {Reset.GOOD: 0, Reset.USUAL: 1, Reset.HELPED: 2, Reset.UNKNOWN: 3}


@dataclass(frozen=True)
class Gpu:
    """One GPU. None means unknown throughout.

    ``shows_host``: a connected monitor hangs on it, or the firmware used it. ``framebuffer``: the boot
    framebuffer that lies in its memory, "" for none. ``direct_regions``: a reserved region forbids its
    assignment.
    """

    device: Device
    slot: SlotVerdict
    reset: ResetVerdict
    companions: tuple[tuple[Address, Companion], ...]
    shows_host: bool | None
    framebuffer: str | None
    twins: tuple[Address, ...]
    integrated: bool
    direct_regions: bool | None
    resizable_bar: bool | None

    @property
    def label(self) -> str:
        """The name, with the address where another card has the same."""
        return f"{self.device.name} [{self.device.address}]" if self.twins else self.device.name

    @property
    def alone(self) -> bool | None:
        """The slot's isolation: live where the IOMMU is on, predicted where it is off."""
        return self.slot.isolated if self.slot.isolated is not None else self.slot.predicted


def judge(machine: Machine, device: Device) -> Gpu:
    """Everything about one GPU of ``machine``."""
    family = reset.family_of(device, reset.shipped())
    return Gpu(
        device=device,
        slot=isolation.judge_slot(machine, device),
        reset=reset.judge(device, machine.kernel),
        companions=tuple(
            (other.address, _COMPANIONS.get(other.kind, Companion.OTHER))
            for other in machine.slot(device)
            if other.address != device.address
        ),
        shows_host=_shows_host(machine, device),
        framebuffer=_framebuffer(machine, device),
        twins=tuple(
            other.address
            for other in machine.gpus
            if other.address != device.address
            and (other.vendor, other.device) == (device.vendor, device.device)
        ),
        integrated=(family is not None and family.integrated) or _on_root_bus(device),
        direct_regions=_direct(machine, device),
        resizable_bar=_resizable(device),
    )


def _on_root_bus(device: Device) -> bool:
    """A card in a slot sits behind a port. Where its place was not recorded, the bus number tells."""
    return device.parent is None and (device.placed or device.address.bus == 0)


def _shows_host(machine: Machine, device: Device) -> bool | None:
    screens = [display for display in machine.displays if display.card == device.address]
    if any(display.connected for display in screens):
        return True
    return device.boot_vga


def _framebuffer(machine: Machine, device: Device) -> str | None:
    if machine.framebuffers is None:
        return None
    for owner, start, end in machine.framebuffers:
        if any(bar.start <= start and end <= bar.end for bar in device.bars):
            return owner
    return ""


def _direct(machine: Machine, device: Device) -> bool | None:
    """Whether the device's group has a region the firmware wants mapped one to one (RMRR)."""
    for group in machine.groups:
        if device.address in group.devices:
            if group.reserved is None:
                return None
            return any(region.kind == "direct" for region in group.reserved)
    return None


def _resizable(device: Device) -> bool | None:
    if device.resizable:
        return True
    return device.config.resizable_bar if device.config is not None else None


def judge_all(machine: Machine) -> tuple[Gpu, ...]:
    """Every GPU, the one to give away first."""
    return tuple(sorted((judge(machine, device) for device in machine.gpus), key=_suitability))


def _suitability(gpu: Gpu) -> tuple[bool, int, bool, int, Address]:
    """A card of its own comes before what is built in: few processors' graphics work in a VM."""
    alone = {True: 0, None: 1, False: 2}[gpu.alone]
    return (
        gpu.integrated,
        alone,
        gpu.shows_host is True,
        _GOOD_RESETS.get(gpu.reset.verdict, 4),
        gpu.device.address,
    )


def is_usable(gpu: Gpu) -> bool | None:
    """Whether the GPU can be given away without help for its isolation; None: unknown."""
    if gpu.direct_regions:
        return False
    return gpu.alone
