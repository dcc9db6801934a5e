"""The way to a channel for whoever keeps it open: takes the channel's lock first, and serves other processes.

A command that finds the lock taken goes through the holder's socket (:mod:`libneuron.guest.owner`); a program
that means to stay connected wraps its endpoint in :class:`OwnedEndpoint` instead and tries again later.
"""

from __future__ import annotations

from pathlib import Path

from libneuron.guest.errors import GuestError
from libneuron.guest.owner import Lock, Owned, OwnerServer, acquire, serve
from libneuron.guest.transport import Endpoint, Link, Transport


class OwnedEndpoint:
    """``endpoint`` of the VM ``vm``, for one owner. Belongs to the loop's thread.

    ``owned`` is set, once, before the first :meth:`connect`: the client that other processes are to reach.
    """

    def __init__(self, endpoint: Endpoint, *, runtime: Path, vm: str) -> None:
        self._endpoint = endpoint
        self._runtime = runtime
        self._vm = vm
        self._lock: Lock | None = None
        self._server: OwnerServer | None = None
        self.owned: Owned | None = None

    @property
    def label(self) -> str:
        """See Endpoint."""
        return self._endpoint.label

    async def connect(self, link: Link) -> Transport:
        """See Endpoint.

        Raises: GuestError channel-in-use while another process owns the channel; host-failed where other
        processes could not reach us.
        """
        if self._lock is None:
            assert self.owned is not None
            lock = acquire(self._runtime, self._vm)
            if lock is None:
                raise GuestError("guest.channel-in-use", vm=self.label)
            try:
                self._server = await serve(self.owned, self._runtime, self._vm)
            except BaseException:  # or nobody else could reach the channel, for as long as we have it
                lock.release()
                raise
            self._lock = lock
        return await self._endpoint.connect(link)

    async def close(self) -> None:
        """Let another process own the channel."""
        server, self._server = self._server, None
        if server is not None:
            await server.close()
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()
