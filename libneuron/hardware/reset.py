"""Will the graphics card come back when the VM ends? What the kernel offers, what is known of the model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from libneuron.hardware.machine import Device, Kernel
from libneuron.hardware.quirks import Ids, ids, number
from libneuron.system.paths import resources
from libneuron.system.tables import Table, load


class Reset(StrEnum):
    """How a device answers to a reset."""

    GOOD = "good"
    USUAL = "usual"
    HELPED = "helped"
    DOUBTFUL = "doubtful"
    STUCK = "stuck"
    NONE = "none"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """How well a statement is founded."""

    CERTAIN = "certain"
    REPORTED = "reported"
    ASSUMED = "assumed"


@dataclass(frozen=True)
class ResetVerdict:
    """``workaround``: a code put into words by :mod:`libneuron.hardware.texts`, or None."""

    verdict: Reset
    workaround: str | None
    source: str
    confidence: Confidence
    family: str | None = None


@dataclass(frozen=True)
class Family:
    """One row of reset.toml."""

    name: str
    vendor: int
    devices: Ids
    verdict: Reset
    workaround: str | None
    source: str
    confidence: Confidence
    since: tuple[int, int]
    until: tuple[int, int]
    integrated: bool


def _versions(table: Table) -> tuple[tuple[int, int], tuple[int, int]]:
    text = table.get("kernels", str)
    if text == "any":
        return (0, 0), (999, 0)
    match = re.fullmatch(r"(?:(\d+)\.(\d+))?-(?:(\d+)\.(\d+))?", text)
    if match is None:
        raise table.fail("kernels", f"is “{text}”, which is no range of versions")
    first, second, third, fourth = match.groups()
    since = (int(first), int(second)) if first else (0, 0)
    return since, ((int(third), int(fourth)) if third else (999, 0))


def _family(table: Table) -> Family:
    since, until = _versions(table)
    try:
        verdict = Reset(table.get("verdict", str))
        confidence = Confidence(table.get("confidence", str))
    except ValueError as error:
        raise table.fail("verdict", f"or its confidence is unknown: {error}") from error
    family = Family(
        name=table.get("name", str),
        vendor=number(table, "vendor"),
        devices=ids(table, "devices"),
        verdict=verdict,
        workaround=table.get("workaround", str) or None,
        source=table.get("source", str),
        confidence=confidence,
        since=since,
        until=until,
        integrated=table.get("integrated", bool, False),
    )
    table.done()
    return family


def read(path: Path) -> tuple[Family, ...]:
    """The table at ``path``. Raises: SystemAccessError table-invalid; OSError."""
    table = load(path)
    families = tuple(_family(row) for row in table.tables("family"))
    table.done()
    return families


@cache
def shipped() -> tuple[Family, ...]:
    """The table that comes with the suite."""
    return read(resources() / "hardware/reset.toml")


def family_of(device: Device, families: tuple[Family, ...]) -> Family | None:
    """The first row that names the device, whatever the kernel."""
    for family in families:
        if family.vendor == device.vendor and device.device in family.devices:
            return family
    return None


_SYSFS = "sysfs reset_method"


def judge(device: Device, kernel: Kernel, families: tuple[Family, ...] | None = None) -> ResetVerdict:
    """What to expect when ``device`` is reset between two owners.

    "bus" alone proves little: the kernel offers it for any device that is alone below its port.
    """
    rows = shipped() if families is None else families
    family = family_of(device, rows)
    methods = device.reset_methods
    if family is not None and family.since <= kernel.version <= family.until:
        if family.workaround == "vendor-reset" and "device_specific" in (methods or ()):
            return ResetVerdict(
                Reset.GOOD, None, f"{_SYSFS}: device_specific", Confidence.CERTAIN, family.name
            )
        if family.verdict is not Reset.USUAL or not methods:
            return _from(family, methods)
    if methods is None:
        return ResetVerdict(Reset.UNKNOWN, None, "", Confidence.ASSUMED, family.name if family else None)
    name = family.name if family else None
    if not methods:
        return ResetVerdict(Reset.NONE, None, _SYSFS, Confidence.CERTAIN, name)
    if methods[0] in ("device_specific", "flr", "af_flr"):
        return ResetVerdict(Reset.GOOD, None, f"{_SYSFS}: {methods[0]}", Confidence.CERTAIN, name)
    if family is not None and family.verdict is Reset.USUAL:
        return _from(family, methods)
    return ResetVerdict(Reset.UNKNOWN, None, f"{_SYSFS}: {' '.join(methods)}", Confidence.ASSUMED, name)


def _from(family: Family, methods: tuple[str, ...] | None) -> ResetVerdict:
    if methods == () and family.verdict in (Reset.USUAL, Reset.DOUBTFUL):
        return ResetVerdict(Reset.NONE, family.workaround, _SYSFS, Confidence.CERTAIN, family.name)
    return ResetVerdict(family.verdict, family.workaround, family.source, family.confidence, family.name)
