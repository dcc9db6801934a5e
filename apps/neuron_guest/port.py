"""The byte stream an agent serves, as its one I/O thread sees it. Implementations: :mod:`.platform`.

A port of Windows keeps one overlapped read pending and waits with ``WaitForMultipleObjects`` for it, for the
pending write and for an event that :meth:`Port.wake` sets; on Linux it is ``poll`` and a pipe.
"""

from __future__ import annotations

from typing import Protocol


class PortGone(Exception):  # noqa: N818 — not an error: hosts come and go
    """The stream ended or cannot be opened now; open it again after a while."""


class Port(Protocol):
    """Everything but :meth:`wake` is called on the agent's I/O thread only."""

    def open(self) -> None:
        """Open (or wait for a peer) until usable, or return early after :meth:`wake`. Raises: PortGone."""

    def read(self) -> bytes:
        """What has arrived, without blocking; empty for nothing (also while no host is there).

        Raises: PortGone.
        """

    def write(self, data: bytes | memoryview) -> int:
        """Take what fits without blocking; returns how many bytes. Raises: PortGone."""

    def wait(self, timeout: float | None, *, write: bool) -> None:
        """Block until there is something to read, or room to write if ``write``, or ``timeout`` seconds
        passed (None: for ever), or :meth:`wake` was called. Never returns at once for hours on end: while no
        host is there it sleeps up to a second."""

    def wake(self) -> None:
        """End :meth:`wait` or :meth:`open` from any thread."""

    def close(self) -> None:
        """Let go."""
