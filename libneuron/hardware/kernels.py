"""Does the running kernel know ``pcie_acs_override=``, an out-of-tree patch that some kernels carry?"""

from __future__ import annotations

import re
from functools import cache

from libneuron.hardware.machine import Kernel
from libneuron.system.paths import resources
from libneuron.system.tables import load


@cache
def _rows() -> tuple[tuple[re.Pattern[str], bool], ...]:
    table = load(resources() / "hardware/kernels.toml")
    found = []
    for row in table.tables("kernel"):
        try:
            pattern = re.compile(row.get("pattern", str))
        except re.error as error:
            raise row.fail("pattern", f"is no regular expression: {error}") from error
        found.append((pattern, row.get("carries", bool)))
        row.get("source", str)
        row.done()
    table.done()
    return tuple(found)


def carries_override(kernel: Kernel) -> bool | None:
    """True or False by the kernel's name, None where the name tells nothing.

    Raises: SystemAccessError table-invalid.
    """
    return next((carries for pattern, carries in _rows() if pattern.search(kernel.release)), None)
