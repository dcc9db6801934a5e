"""Which checks there are: read from tables and from greenboot's folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from libneuron.system import tables
from libneuron.system.files import Root
from libneuron.system.tables import Table
from libneuron.updates.kinds import binaries, commands, kernel, packages, storage, units, virtualization
from libneuron.updates.subject import Kind, Probe

KINDS: dict[str, Kind] = {
    "accounts": commands.accounts,
    "binaries": binaries.binaries,
    "boot-space": storage.boot_space,
    "bus-services": units.bus_services,
    "command": commands.command,
    "dkms": virtualization.dkms,
    "failed-units": units.failed_units,
    "filesystems": storage.filesystems,
    "fstab": storage.fstab,
    "kernel": kernel.kernel,
    "libvirt": virtualization.libvirt,
    "network": units.network,
    "packages": packages.packages,
    "pending-reboot": packages.pending_reboot,
    "services": units.services,
    "systemd-state": units.systemd_state,
    "vfio": virtualization.vfio,
}

ADMIN_TABLES = "/etc/neuron/health.d"
SCRIPT_PLACES = ("/etc/greenboot/check", "/usr/lib/greenboot/check")


@dataclass(frozen=True)
class Check:
    """One check, ready to run. ``limit`` is in seconds; ``source`` says where it comes from; ``program``:
    it starts a foreign program."""

    id: str
    title: str
    required: bool
    limit: float
    probe: Probe
    source: str
    program: bool


def _read(table: Table, *, source: str) -> Check:
    identity = table.get("id", str)
    kind = table.get("kind", str)
    if kind not in KINDS:
        raise table.fail("kind", f"must be one of {', '.join(sorted(KINDS))}")
    limit = table.get("limit", float, 10.0)
    if not 0 < limit <= 300:
        raise table.fail("limit", "must be more than 0 and at most 300 seconds")
    settings = table.table("with")
    check = Check(
        id=identity,
        title=table.get("title", str),
        required=table.get("required", bool, default=True),
        limit=limit,
        probe=KINDS[kind](settings),
        source=table.get("source", str, source),
        program=kind == "command",
    )
    settings.done()
    table.done()
    return check


def read_checks(whole: Table, *, source: str) -> tuple[Check, ...]:
    """The checks of one table file. Raises: SystemAccessError table-invalid."""
    found = tuple(_read(table, source=source) for table in whole.tables("check"))
    whole.done()
    return found


def _scripts(root: Root) -> list[Check]:
    found = []
    for top in SCRIPT_PLACES:
        for folder, required in (("required.d", True), ("wanted.d", False)):
            for name in root.names(f"{top}/{folder}"):
                path = f"{top}/{folder}/{name}"
                place = root.path(path)
                if name.endswith(".sh") and place.is_file():
                    probe = commands.script(str(place))
                    found.append(
                        Check(f"script.{folder[0]}.{name}", name, required, 60.0, probe, path, program=True)
                    )
    return found


def load_checks(shipped: Path, root: Root, *, programs: bool = True) -> tuple[Check, ...]:
    """All checks for a machine: the shipped table, the administrator's tables, greenboot's scripts.

    ``programs`` False leaves out those that start a program: inside the helper's walls they would fail for
    reasons of the walls.
    An administrator's check with a shipped id replaces it. Raises: SystemAccessError table-invalid.
    """
    found = {check.id: check for check in read_checks(tables.load(shipped), source=shipped.name)}
    for name in root.names(ADMIN_TABLES):
        text = root.text(f"{ADMIN_TABLES}/{name}") if name.endswith(".toml") else None
        if text is not None:
            found |= {check.id: check for check in read_checks(tables.parse(text, file=name), source=name)}
    if not programs:
        return tuple(check for check in found.values() if not check.program)
    return (*found.values(), *_scripts(root))
