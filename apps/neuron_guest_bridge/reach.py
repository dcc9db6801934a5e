"""A machine's channel for one command: a connection of its own, or one through the process that owns it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from time import monotonic, sleep
from typing import Any, TypeVar

from libneuron.errors import NeuronError
from libneuron.guest.api import GuestApi
from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.errors import GuestError
from libneuron.guest.keys import KeyStore
from libneuron.guest.menu import printable
from libneuron.guest.owner import Lock, acquire, serve
from libneuron.guest.owner_client import OwnerClient
from libneuron.guest.owner_line import KICK, RENEW, STATE, relayed
from libneuron.guest.permissions import PermissionStore
from libneuron.guest.state import State
from libneuron.guest.transport import Endpoint
from libneuron.system.loop import LoopThread
from libneuron.system.paths import Paths

_T = TypeVar("_T")
PATIENCE = 15.0
"""Seconds for a process that holds the channel's lock to listen, or to end."""
_PAUSE = 0.05  # seconds between two looks
_PASSING = ("guest.channel-in-use", "guest.channel-closed")  # nobody listens; who listened has gone


def version_of(hello: Mapping[str, Any]) -> str:
    """The agent's version as it may be shown; what a guest says may hold anything."""
    return printable(str(hello.get("version", "?")))[:32]


def lock_or_owner(io: LoopThread, where: Paths, vm: str, name: str, *, timeout: float) -> Lock | OwnerClient:
    """The channel's lock, or a line to the process that holds it.

    That process may be a command which just begins (it has the lock, and does not listen yet) or ends (it
    listens no more): both pass within moments.
    Raises: GuestError channel-in-use if it neither listens nor lets go within ``timeout`` seconds.
    """
    end = monotonic() + timeout
    while True:
        lock = acquire(where.runtime, vm)
        if lock is not None:
            return lock
        owner = OwnerClient(where.runtime, vm, name)
        try:
            io.wait(owner.open())
            io.wait(owner.request(STATE, timeout=max(end - monotonic(), 0.1)))
        except GuestError as error:
            io.wait(owner.close())
            if error.code not in _PASSING or monotonic() >= end:
                raise
            sleep(_PAUSE)
        else:
            return owner


class Direct:
    """A connection of our own, served to other processes meanwhile. Methods block; they raise GuestError."""

    def __init__(
        self,
        io: LoopThread,
        where: Paths,
        vm: str,
        endpoint: Endpoint,
        lock: Lock,
        *,
        changed: Callable[[], None],
    ) -> None:
        allowed = PermissionStore(where.config / "guest")
        self._io = io
        self._lock = lock
        self._client = GuestClient(
            endpoint,
            VmKeys(KeyStore(where.data / "guest"), vm),
            permissions=lambda: allowed.get(vm),
            on_state=lambda _state, _problem: changed(),
        )
        try:
            self._server = io.wait(serve(self._client, where.runtime, vm))
        except BaseException:
            lock.release()
            raise
        self._guest = BlockingGuest(io, self._client)

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return self._client.state

    @property
    def problem(self) -> NeuronError | None:
        """Why it is not ready."""
        return self._client.problem

    @property
    def version(self) -> str:
        """NeuronGuest's version."""
        return version_of(self._client.hello)

    def look(self) -> None:
        """It is up to date by itself."""

    def wait_ready(self, timeout: float) -> None:
        """Until the agent can be asked."""
        self._guest.wait_ready(timeout)

    def ask(self, work: Callable[[GuestApi], Awaitable[_T]]) -> _T:
        """Run one piece of work with the typed verbs."""
        return self._guest.run(work)

    def kick(self) -> None:
        """Try again at once."""
        self._guest.retry()

    def renew(self) -> None:
        """Connect anew, with the keys there are now."""
        self._io.loop.call_soon_threadsafe(self._client.renew)

    def close(self) -> None:
        """Disconnect, and let another process own the channel."""
        self._guest.close()
        self._io.wait(self._server.close())
        self._lock.release()


class Through:
    """The connection of another process of this person. Methods block; they raise GuestError."""

    def __init__(self, io: LoopThread, owner: OwnerClient) -> None:
        self._io = io
        self._owner = owner
        self._api = GuestApi(owner)
        self.state = State.CONNECTING
        self.problem: NeuronError | None = None
        self.version = "?"
        self.look()

    def look(self) -> None:
        """Ask the owner where its connection stands."""
        found = self._io.wait(self._owner.request(STATE)).data
        hello, problem = found.get("hello"), found.get("problem")
        self.state = State(found.get("state"))
        self.problem = None if problem is None else relayed(problem)
        self.version = version_of(hello if isinstance(hello, dict) else {})

    def wait_ready(self, timeout: float) -> None:
        """Until the agent can be asked."""
        self._io.wait(self._owner.request("ping", timeout=timeout))
        self.look()

    def ask(self, work: Callable[[GuestApi], Awaitable[_T]]) -> _T:
        """Run one piece of work with the typed verbs."""

        async def go() -> _T:
            return await work(self._api)

        return self._io.wait(go())

    def kick(self) -> None:
        """Have the owner try again at once."""
        self._io.wait(self._owner.request(KICK))

    def renew(self) -> None:
        """Have the owner connect anew, with the keys there are now."""
        self._io.wait(self._owner.request(RENEW))

    def close(self) -> None:
        """Let go of the owner."""
        self._io.wait(self._owner.close())


def _nobody() -> None:
    """Nobody wants to know."""


def reach(
    io: LoopThread,
    where: Paths,
    vm: str,
    endpoint: Endpoint,
    *,
    timeout: float,
    changed: Callable[[], None] = _nobody,
) -> Direct | Through:
    """The channel of ``vm``, not yet ready. ``changed``: called on the loop's thread. Raises: GuestError."""
    found = lock_or_owner(io, where, vm, endpoint.label, timeout=timeout)
    if isinstance(found, Lock):
        return Direct(io, where, vm, endpoint, found, changed=changed)
    try:
        return Through(io, found)
    except BaseException:
        io.wait(found.close())
        raise
