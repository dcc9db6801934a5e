"""A domain's descriptions (libvirt's domain XML, live and persistent) as one value. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

CHANNEL = "org.neuronos.guest.0"
"""The name of our virtio-serial port."""
_AGENT = "org.qemu.guest_agent.0"
_SPICE = "com.redhat.spice.0"
_QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"

# libvirt's scaled integers: https://libvirt.org/formatdomain.html, "memory" and "shmem".
_UNITS = {"b": 1, "bytes": 1, "k": 1 << 10, "kib": 1 << 10, "kb": 1000, "m": 1 << 20, "mib": 1 << 20,
          "mb": 10**6, "g": 1 << 30, "gib": 1 << 30, "gb": 10**9}  # fmt: skip


class Power(enum.Enum):
    """What a machine is doing."""

    OFF = "off"
    RUNNING = "running"
    PAUSED = "paused"
    SUSPENDED = "suspended"  # the guest itself went to sleep (ACPI S3)
    STOPPING = "stopping"
    CRASHED = "crashed"
    UNKNOWN = "unknown"


class ChannelState(enum.Enum):
    """What our channel is like."""

    MISSING = "missing"
    CONFIGURED = "configured"  # the machine is off; the channel comes with its start
    NEEDS_RESTART = "needs-restart"  # configured since it was started
    DISCONNECTED = "disconnected"  # there, and nothing in the guest has opened it
    CONNECTED = "connected"


@dataclass(frozen=True)
class Disc:
    """A CD-ROM drive of the machine: its target ("sda"), bus, and the medium's file, if any."""

    target: str
    bus: str
    medium: str | None


@dataclass(frozen=True)
class Domain:
    """A virtual machine at one moment. ``uuid`` never changes, ``name`` may. Sizes in bytes.

    ``channel_path`` is the host's end of our channel while the machine runs; ``ivshmem`` the size of
    Looking Glass's shared memory; ``spice`` says that a SPICE agent's channel exists, whose owner may
    already keep clipboard and resolution (Looking Glass, virt-viewer).
    """

    uuid: str
    name: str
    power: Power
    persistent: bool
    channel: ChannelState
    channel_path: Path | None
    guest_agent: bool
    guest_agent_connected: bool
    spice: bool
    ivshmem: int | None
    discs: tuple[Disc, ...]

    @property
    def active(self) -> bool:
        """Whether QEMU runs, so that the channel can be opened."""
        return self.power not in (Power.OFF, Power.CRASHED)


def parse(text: str) -> ElementTree.Element:
    """libvirt's XML as elements. Raises: ValueError; also for a DOCTYPE, which libvirt never writes."""
    if "<!DOCTYPE" in text:
        raise ValueError("not a domain description: it has a DOCTYPE")
    try:
        return ElementTree.fromstring(text)  # noqa: S314 — no DOCTYPE, so no entities
    except ElementTree.ParseError as error:
        raise ValueError(f"not a domain description: {error}") from error


def _channel(top: ElementTree.Element | None, name: str) -> ElementTree.Element | None:
    if top is None:
        return None
    for channel in top.iterfind("devices/channel"):
        target = channel.find("target")
        if target is not None and target.get("type") == "virtio" and target.get("name") == name:
            return channel
    return None


def _connected(channel: ElementTree.Element | None) -> bool:
    target = None if channel is None else channel.find("target")
    return target is not None and target.get("state") == "connected"


def _path(channel: ElementTree.Element | None) -> Path | None:
    source = None if channel is None else channel.find("source")
    path = None if source is None else source.get("path")
    return Path(path) if path else None


def _size(number: str, unit: str) -> int | None:
    try:
        return int(number) * _UNITS[unit.lower()]
    except (ValueError, KeyError):
        return None


def _ivshmem(top: ElementTree.Element) -> int | None:
    for shmem in top.iterfind("devices/shmem"):
        size = shmem.find("size")
        if size is not None:
            return _size((size.text or "").strip(), size.get("unit", "bytes"))
    # Looking Glass's own instructions before libvirt knew <shmem>, and for the kvmfr module today.
    for argument in top.iterfind(f"{_QEMU}commandline/{_QEMU}arg"):
        value = argument.get("value", "")
        if "memory-backend" not in value or not ("looking-glass" in value or "kvmfr" in value):
            continue
        found = value.partition("size=")[2].partition(",")[0] if "size=" in value else ""
        found = found or value.partition('"size":')[2].partition(",")[0].strip("} ")
        digits = found.rstrip("KMGkmg")
        return _size(digits, found[len(digits) :] or "b")
    return None


def _discs(top: ElementTree.Element) -> tuple[Disc, ...]:
    found = []
    for disk in top.iterfind("devices/disk[@device='cdrom']"):
        target, source = disk.find("target"), disk.find("source")
        if target is not None:
            medium = None if source is None else (source.get("file") or source.get("dev"))
            found.append(Disc(target.get("dev", ""), target.get("bus", ""), medium))
    return tuple(found)


def _channel_state(
    live: ElementTree.Element | None, config: ElementTree.Element | None
) -> tuple[ChannelState, Path | None]:
    here = _channel(live, CHANNEL)
    planned = _channel(config, CHANNEL) is not None
    if live is None:
        return (ChannelState.CONFIGURED if planned else ChannelState.MISSING), None
    if here is None:
        return (ChannelState.NEEDS_RESTART if planned else ChannelState.MISSING), None
    state = ChannelState.CONNECTED if _connected(here) else ChannelState.DISCONNECTED
    return state, _path(here)


def describe(*, live: str | None, config: str | None, power: Power) -> Domain:
    """The value of a domain from its live XML (None: off) and its persistent XML (None: transient).

    Raises: ValueError when neither is given or one is not libvirt's domain XML.
    """
    running = None if live is None else parse(live)
    kept = None if config is None else parse(config)
    top = running if running is not None else kept
    if top is None:
        raise ValueError("a domain without any description")
    channel, path = _channel_state(running, kept)
    agent = _channel(top, _AGENT)
    return Domain(
        uuid=(top.findtext("uuid") or "").strip(),
        name=top.findtext("name") or "",
        power=power,
        persistent=kept is not None,
        channel=channel,
        channel_path=path,
        guest_agent=agent is not None,
        guest_agent_connected=_connected(agent),
        spice=any(
            (target := item.find("target")) is not None and target.get("name") == _SPICE
            for item in top.iterfind("devices/channel")
        ),
        ivshmem=_ivshmem(top),
        discs=_discs(top),
    )
