"""Where the window gets its data and sends its wishes: the published history, and the privileged helper."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from libneuron.progress import Progress
from libneuron.system.bus import LoopThread
from libneuron.system.files import Root
from libneuron.system.helper import HelperClient
from libneuron.system.paths import resources
from libneuron.updates.checks import load_checks
from libneuron.updates.errors import UpdateError
from libneuron.updates.published import PUBLIC
from libneuron.updates.settings import Settings, load_settings
from neuron_update_guardian.model import Timeline, timeline


class Source(Protocol):
    """What the window needs. Everything but :meth:`timeline` may take long and ask for a password."""

    def timeline(self) -> Timeline:
        """The history as published; quick, no permission needed."""

    def check(self, progress: Progress) -> Mapping[str, Any]:
        """Run all checks now; {"checks", "verdict"}."""

    def preview(self, point: str) -> Mapping[str, Any]:
        """What rolling back to ``point`` would change."""

    def roll_back(self, point: str, progress: Progress) -> None:
        """Prepare and commit a roll back."""

    def confirm(self, update: str) -> None:
        """Say that an update is good."""

    def pin(self, update: str, *, pinned: bool) -> None:
        """Keep a restore point for ever, or no longer."""

    def holdings(self) -> Mapping[str, Any]:
        """What restore points take, and the snapshots of other programs."""

    def files(self, update: str) -> tuple[str, ...]:
        """The files that can be had back from a restore point."""

    def restore_file(self, update: str, file: str) -> str:
        """Put one file back; where the present one is kept, "" where there was none."""

    def settings(self) -> tuple[Settings, Mapping[str, str]]:
        """The settings, and the title of each check. Quick, no permission needed. Raises: NeuronError."""

    def configure(self, wished: Settings) -> None:
        """Change the settings."""

    def report(self) -> Mapping[str, Any]:
        """Everything known, for somebody who can help."""


def read_timeline(root: Root) -> Timeline:
    """The published history; empty where nothing was published or it cannot be read."""
    try:
        data = json.loads(root.bytes(PUBLIC, limit=32 << 20) or b"{}")
        return timeline(data)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Timeline()


class HelperSource:
    """The real :class:`Source`; ``address`` is another bus than the system's."""

    def __init__(self, loop: LoopThread, root: Root, *, address: str | None = None) -> None:
        self._client = HelperClient(loop, [UpdateError], address=address)
        self._root = root

    def timeline(self) -> Timeline:
        """See Source."""
        return read_timeline(self._root)

    def check(self, progress: Progress) -> Mapping[str, Any]:
        """See Source."""
        found: Mapping[str, Any] = self._client.call("UpdatesCheck", progress=progress)
        return found

    def preview(self, point: str) -> Mapping[str, Any]:
        """See Source."""
        found: Mapping[str, Any] = self._client.call("UpdatesPreview", "s", point)
        return found

    def roll_back(self, point: str, progress: Progress) -> None:
        """See Source."""
        self._client.call("UpdatesRollback", "s", point, progress=progress)

    def confirm(self, update: str) -> None:
        """See Source."""
        self._client.call("UpdatesConfirm", "s", update)

    def pin(self, update: str, *, pinned: bool) -> None:
        """See Source."""
        self._client.call("UpdatesPin", "sb", update, pinned)

    def holdings(self) -> Mapping[str, Any]:
        """See Source."""
        found: Mapping[str, Any] = self._client.call("UpdatesHoldings")
        return found

    def files(self, update: str) -> tuple[str, ...]:
        """See Source."""
        return tuple(str(name) for name in self._client.call("UpdatesFiles", "s", update)["files"])

    def restore_file(self, update: str, file: str) -> str:
        """See Source."""
        return str(self._client.call("UpdatesRestoreFile", "ss", update, file)["kept"])

    def settings(self) -> tuple[Settings, Mapping[str, str]]:
        """See Source."""
        checks = load_checks(resources() / "updates/checks.toml", self._root)
        return load_settings(self._root), {check.id: check.title for check in checks}

    def configure(self, wished: Settings) -> None:
        """See Source."""
        numbers = (str(wished.keep), str(wished.free_mib))
        rest = (wished.automatic, str(wished.attempts), ",".join(wished.skip))
        self._client.call("UpdatesConfigure", "ssbss", *numbers, *rest)

    def report(self) -> Mapping[str, Any]:
        """See Source."""
        found: Mapping[str, Any] = self._client.call("UpdatesReport")
        return found
