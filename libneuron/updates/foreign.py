"""Snapshots that other programs made: snapper's and Timeshift's. They are shown, and never touched.

Where snapper looks after the root, each update gets a pair of its snapshots too, so that its own tools show
what ours do (``org.opensuse.Snapper``, dbus-protocol.txt of snapper).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from libneuron.errors import NeuronError
from libneuron.system.calls import Caller
from libneuron.system.files import Root
from libneuron.updates.errors import UpdateError
from libneuron.updates.volume import Volume

SNAPPER, _PATH = "org.opensuse.Snapper", "/org/opensuse/Snapper"
_CONFIGS = "/etc/snapper/configs"
_TIMESHIFT = "timeshift-btrfs/snapshots"
_AFTER = "Update Guardian, after it"
_PATIENCE = 20.0  # seconds; snapperd is started by its first call


@dataclass(frozen=True)
class ForeignSnapshot:
    """A snapshot of the root that ``tool`` made; ``id`` is what that calls it."""

    tool: str
    id: str
    at: datetime | None
    description: str

    def as_json(self) -> dict[str, Any]:
        """For ``--json`` and the window."""
        at = self.at.isoformat() if self.at is not None else None
        return {"tool": self.tool, "id": self.id, "at": at, "description": self.description}


@dataclass(frozen=True)
class SnapperPair:
    """The snapshot that snapper took before an update."""

    config: str
    number: int


def snapper_config(root: Root) -> str | None:
    """The snapper configuration that looks after the root of this machine."""
    own = "/" if root.live else str(root.prefix)
    for name in root.names(_CONFIGS):
        for line in (root.text(f"{_CONFIGS}/{name}") or "").splitlines():
            key, _, value = line.strip().partition("=")
            if key == "SUBVOLUME" and value.strip("\"'") == own:
                return name
    return None


def _call(bus: Caller, member: str, signature: str, *body: Any) -> tuple[Any, ...]:
    return bus.call(SNAPPER, _PATH, SNAPPER, member, signature, body, timeout=_PATIENCE)


def snapper_before(root: Root, bus: Caller | None, *, update: str) -> SnapperPair | None:
    """Let snapper take its snapshot; None where it does not look after this machine.

    Raises: UpdateError snapper-failed: who set snapper up expects its snapshot.
    """
    config = snapper_config(root)
    if config is None or bus is None:
        return None
    try:
        (number,) = _call(
            bus, "CreatePreSnapshot", "sssa{ss}", config, f"Update Guardian {update}", "number", {}
        )
    except NeuronError as error:
        raise UpdateError("updates.snapper-failed", config=config, details=error.details) from error
    return SnapperPair(config, int(number))


def snapper_after(bus: Caller | None, pair: SnapperPair) -> bool:
    """Let snapper take the second one of the pair; whether it did. The update is over: nothing fails."""
    if bus is None:
        return False
    try:
        _call(bus, "CreatePostSnapshot", "sussa{ss}", pair.config, pair.number, _AFTER, "number", {})
    except NeuronError:
        return False
    return True


def snapper_snapshots(root: Root, bus: Caller | None) -> tuple[ForeignSnapshot, ...]:
    """What snapper has of the root; empty where it cannot be asked."""
    config = snapper_config(root)
    if config is None or bus is None:
        return ()
    try:
        (rows,) = _call(bus, "ListSnapshots", "s", config)
    except NeuronError:
        return ()
    # number, type, pre-number, date, user, description, cleanup, user data; 0 is the running system
    return tuple(
        ForeignSnapshot("snapper", str(row[0]), datetime.fromtimestamp(row[3], UTC), str(row[5]))
        for row in rows
        if row[0] != 0
    )


def timeshift_snapshots(volume: Volume) -> tuple[ForeignSnapshot, ...]:
    """What Timeshift has on this file system, from the files it keeps beside its snapshots."""
    found = []
    for name in volume.names(_TIMESHIFT):
        if volume.uuid(f"{_TIMESHIFT}/{name}/{volume.layout.path}") is None:
            continue
        data = _info(volume, name)
        stamp = str(data.get("created", ""))
        at = datetime.fromtimestamp(int(stamp), UTC) if stamp.isdigit() else None
        found.append(ForeignSnapshot("timeshift", name, at, str(data.get("comments", ""))))
    return tuple(found)


def _info(volume: Volume, name: str) -> Mapping[str, Any]:
    try:
        data = json.loads(volume.path(f"{_TIMESHIFT}/{name}/info.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
