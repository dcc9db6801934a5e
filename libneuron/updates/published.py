"""The history as JSON: for ``--json``, the helper and the window, and the copy that everybody may read."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from libneuron.system.files import write_atomic
from libneuron.updates.history import History, Rollback, Update
from libneuron.updates.store import Store

if TYPE_CHECKING:
    from libneuron.updates.machine import Machine

PUBLIC = "/run/neuron/updates.json"
"""What everybody may read: history and last verdict. Rebuilt at every start; it holds no secrets."""


def _when(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def update_json(item: Update) -> dict[str, Any]:
    """One update for ``--json``, the helper and the window."""
    return {
        "id": item.id,
        "begun": _when(item.begun),
        "ended": _when(item.ended),
        "tool": item.tool,
        "stage": item.stage.value,
        "restorable": bool(item.point) and not item.removed,
        "no_way_back": item.overridden,
        "healthy": item.healthy,
        "verdict": dict(item.verdicts[-1][1]) if item.verdicts else None,
        "judged_at": item.verdicts[-1][0] if item.verdicts else None,
        "pinned": item.pinned,
        "packages": {name: list(pair) for name, pair in item.packages.items()},
    }


def rollback_json(item: Rollback) -> dict[str, Any]:
    """One roll back for ``--json``, the helper and the window."""
    return {
        "id": f"r{item.id}",
        "at": _when(item.at),
        "update": item.update,
        "automatic": item.automatic,
        "state": item.outcome or ("waits-for-restart" if item.ready_uuid and item.committed else "preparing"),
        "problems": list(item.problems),
    }


def history_json(past: History) -> dict[str, Any]:
    """The whole history, newest first."""
    return {
        "updates": [update_json(item) for item in reversed(past.updates)],
        "rollbacks": [rollback_json(item) for item in reversed(past.rollbacks)],
        "held": dict(past.held),
    }


def publish(machine: Machine, store: Store) -> None:
    """Write what everybody may read. A machine that cannot keep it still updates. Raises: OSError."""
    folder, _, name = PUBLIC.rpartition("/")
    place = machine.root.path(folder) / name  # the name itself: a link there is replaced, not followed
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    obstacle = store.obstacle.as_json() if store.obstacle is not None else None
    data = {"boot": machine.boot, "obstacle": obstacle, **history_json(store.history())}
    write_atomic(place, json.dumps(data).encode(), mode=0o644, durable=False)


def published(machine: Machine) -> dict[str, Any] | None:
    """What :func:`publish` wrote last; None where nothing was, or it is no such thing."""
    try:
        data = json.loads(machine.root.bytes(PUBLIC, limit=32 << 20) or b"null")
    except ValueError:
        return None
    return data if isinstance(data, dict) and isinstance(data.get("updates"), list) else None
