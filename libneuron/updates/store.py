"""Where the Guardian keeps what must outlive a roll back, opened for one piece of work."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from libneuron.errors import NeuronError
from libneuron.system import btrfs
from libneuron.system.clock import Clock
from libneuron.system.files import Root, make_private_directory, write_atomic
from libneuron.updates.bootplace import separate_loader
from libneuron.updates.errors import UpdateError
from libneuron.updates.health import Result, results_from_json
from libneuron.updates.history import History, fold
from libneuron.updates.journal import Journal
from libneuron.updates.layout import Layout
from libneuron.updates.volume import Volume, exclusive, open_volume, read_layout

PLAIN_PLACE = "/var/lib/neuron/updates"
FATAL = frozenset({"updates.foreign-root"})
"""Obstacles with which an update must not start at all; with the others it goes on without a way back."""

SNAPSHOTS = frozenset(
    {"updates.separate-boot", "updates.firmware-default", "updates.kernel-unknown", "updates.subvolid"}
)
"""Obstacles to roll back that do not keep snapshots from being taken: single files can be had back."""


@dataclass(frozen=True)
class Store:
    """An opened store. ``volume`` is None where the system is not on btrfs; ``obstacle`` says why this
    machine cannot be rolled back."""

    directory: Path
    journal: Journal
    volume: Volume | None
    obstacle: UpdateError | None
    running_uuid: str | None

    def history(self) -> History:
        """Everything recorded so far."""
        return fold(self.journal.read().events)

    def folder(self, identity: str) -> Path:
        """The directory for what belongs to one update; made on first use."""
        return make_private_directory(self.directory / "updates" / identity)

    def save(self, identity: str, name: str, data: Any) -> None:
        """Keep ``data`` as JSON with an update. Raises: OSError."""
        write_atomic(self.folder(identity) / f"{name}.json", json.dumps(data).encode(), mode=0o600)

    def load(self, identity: str, name: str) -> Any:
        """What :meth:`save` kept, or None."""
        try:
            return json.loads((self.directory / "updates" / identity / f"{name}.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    def results(self, identity: str, name: str) -> tuple[Result, ...] | None:
        """Check results kept with an update, or None."""
        data = self.load(identity, name)
        try:
            return None if data is None else results_from_json(data)
        except (KeyError, ValueError, TypeError):
            return None

    def packages(self, identity: str) -> Mapping[str, str] | None:
        """The package list kept with an update, or None."""
        data = self.load(identity, "packages")
        return data if isinstance(data, dict) else None


def capability(root: Root) -> tuple[Layout | None, UpdateError | None]:
    """Where the root lies (None where not on btrfs), and why this machine cannot be rolled back, if so."""
    layout, obstacle = read_layout(root)
    if obstacle is None:
        try:
            separate_loader(root)
        except UpdateError as error:
            obstacle = error
    return layout, obstacle


@contextlib.contextmanager
def open_store(root: Root, clock: Clock) -> Iterator[Store]:
    """Open the machine's store for changes; nobody else can meanwhile.

    Raises: UpdateError not-root, busy; OSError.
    """
    if os.geteuid() != 0:
        raise UpdateError("updates.not-root")
    layout, obstacle = capability(root)
    with contextlib.ExitStack() as stack:
        if layout is not None:
            volume = stack.enter_context(open_volume(layout))
            directory = volume.state
            running: str | None = btrfs.info(root.path("/")).uuid
        else:
            volume, running = None, None
            directory = make_private_directory(root.path(PLAIN_PLACE))
            stack.enter_context(exclusive(directory))
        store = Store(directory, Journal(directory, clock), volume, obstacle, running)
        if layout is not None and not layout.settled and store.history().pending is None:
            # Started from something else than the default, and not because of us.
            problem = UpdateError(
                "updates.foreign-root", running=layout.path, expected="the default subvolume"
            )
            store = replace(store, obstacle=problem)
        yield store


def reason(error: BaseException) -> str:
    """An error as the end of a sentence."""
    if isinstance(error, NeuronError):
        return error.sentence().rstrip(".")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return repr(error)
