"""Many PCs in one: each topology gets slots of its own on the root bus, so that one boot shows them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count

from tests.system.hardware.pci_lab import Topology

_FIRST_SLOT = 1  # 0 is the host bridge, 1f the chipset's own


def _moved(topology: Topology, at: int, slots: Iterator[int], chassis: Iterator[int]) -> Iterator[str]:
    """The devices of ``topology`` with names and chassis that nobody else has, on slots of their own."""
    own: dict[str, int] = {}
    for device in topology.devices:
        kind, *options = device.split(",")
        values = dict(option.partition("=")[::2] for option in options)
        if "bus" not in values:  # on the root bus
            slot, _, function = values.get("addr", kind).partition(".")
            if slot not in own:
                own[slot] = next(slots)
            values["addr"] = f"{own[slot]:x}.{function or 0}"
        for key in ("id", "bus"):
            if key in values:
                values[key] = f"t{at}{values[key]}"
        for key in ("chassis", "chassis_nr"):
            if key in values:
                values[key] = str(next(chassis))
        yield ",".join((kind, *(f"{key}={value}" for key, value in values.items())))


def combined(name: str, topologies: Sequence[Topology]) -> Topology:
    """All of ``topologies`` in one PC; they must agree in everything but their devices."""
    first = topologies[0]
    assert {replace(one, name="", devices=()) for one in topologies} == {replace(first, name="", devices=())}
    slots, chassis = iter(range(_FIRST_SLOT, 0x1F)), count(1)
    devices = tuple(part for at, one in enumerate(topologies) for part in _moved(one, at, slots, chassis))
    return replace(first, name=name, devices=devices)


def by_maker(topologies: Iterable[Topology]) -> dict[str, list[Topology]]:
    """Topologies by the IOMMU that they have."""
    found: dict[str, list[Topology]] = {}
    for one in topologies:
        found.setdefault((one.iommu or "none").partition("-")[0], []).append(one)
    return found
