"""The kernel's device tables that decide isolation, read from resources/hardware."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from libneuron.system.paths import resources
from libneuron.system.tables import Table, load


class Rule(StrEnum):
    """What a row of the kernel's table means; implemented in :mod:`libneuron.hardware.acs`."""

    ISOLATED = "isolated"
    AMD_SOUTHBRIDGE = "amd-southbridge"
    ROOT_COMPLEX_ENDPOINT = "root-complex-endpoint"
    INTEL_PCH_LIST = "intel-pch-list"
    INTEL_WIDE_REGISTERS = "intel-wide-registers"
    ROOT_PORT = "root-port"
    ROOT_PORT_LIST = "root-port-list"
    PORT_LIST = "port-list"
    LIST = "list"


SCOPED = {Rule.ISOLATED, Rule.AMD_SOUTHBRIDGE, Rule.ROOT_PORT}
"""Rules that ask only the devices they list; the others ask every device of the vendor."""


@dataclass(frozen=True)
class Ids:
    """A set of device numbers with ranges."""

    ranges: tuple[tuple[int, int], ...]

    def __contains__(self, number: int) -> bool:
        return any(first <= number <= last for first, last in self.ranges)


def ids(table: Table, key: str) -> Ids:
    """Device numbers at ``key``: "3b42" or "a110-a11f". Raises: SystemAccessError table-invalid."""
    found = []
    for text in table.items(key, str):
        first, _, last = text.partition("-")
        try:
            found.append((int(first, 16), int(last or first, 16)))
        except ValueError as error:
            raise table.fail(key, f"holds “{text}”, which is no device number") from error
    return Ids(tuple(found))


def number(table: Table, key: str) -> int:
    """A hexadecimal number written as text. Raises: SystemAccessError table-invalid."""
    text = table.get(key, str)
    try:
        return int(text, 16)
    except ValueError as error:
        raise table.fail(key, f"holds “{text}”, which is no hexadecimal number") from error


@dataclass(frozen=True)
class AcsRow:
    """One row of the kernel's ACS table."""

    vendor: int
    rule: Rule
    devices: Ids


@dataclass(frozen=True)
class AliasRow:
    """Devices that use the requester number of function ``function`` of their slot."""

    vendor: int
    function: int
    devices: Ids


@dataclass(frozen=True)
class Quirks:
    """All tables that grouping needs."""

    acs: tuple[AcsRow, ...]
    aliases: tuple[AliasRow, ...]

    def alias_function(self, vendor: int, device: int) -> int | None:
        """The function under whose number this device does DMA, or None."""
        for row in self.aliases:
            if row.vendor == vendor and device in row.devices:
                return row.function
        return None


def _rule(table: Table) -> Rule:
    text = table.get("rule", str)
    try:
        return Rule(text)
    except ValueError as error:
        raise table.fail("rule", f"is “{text}”, which is no rule") from error


def _head(table: Table) -> None:
    table.get("source", str)
    table.get("kernel", str)


def read(folder: Path) -> Quirks:
    """The tables in ``folder``. Raises: SystemAccessError table-invalid; OSError."""
    acs = load(folder / "acs.toml")
    _head(acs)
    aliases = load(folder / "aliases.toml")
    _head(aliases)
    rows = tuple(AcsRow(number(row, "vendor"), _rule(row), ids(row, "devices")) for row in acs.tables("rule"))
    alias_rows = tuple(
        AliasRow(number(row, "vendor"), row.get("function", int), ids(row, "devices"))
        for row in aliases.tables("alias")
    )
    acs.done()
    aliases.done()
    return Quirks(rows, alias_rows)


@cache
def shipped() -> Quirks:
    """The tables that come with the suite."""
    return read(resources() / "hardware")
