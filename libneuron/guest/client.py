"""A guest that stays connected by itself: opens the port, proves itself, enrols, reconnects with back-off.

    with LoopThread() as io:
        client = GuestClient(endpoint, VmKeys(store, vm_id), permissions=lambda: DEFAULT)
        guest = BlockingGuest(io, client)          # starts it
        guest.run(lambda api: api.ping())          # blocks; raises GuestError
        guest.close()

On the loop's own thread: ``client.start()``, ``await GuestApi(client).ping()``, ``await client.stop()``.
An idle connected client sets no timers at all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from libneuron.errors import NeuronError
from libneuron.guest.api import GuestApi, Reply
from libneuron.guest.errors import GuestError
from libneuron.guest.keys import KeyStore
from libneuron.guest.permissions import needed
from libneuron.guest.session import Lost, Session, SessionEvent
from libneuron.guest.state import State, state_of
from libneuron.guest.transport import Endpoint
from libneuron.guest.wire.channel import Credentials, Down, Ready
from libneuron.guest.wire.errors import AuthenticationError, FieldError
from libneuron.guest.wire.fields import Fields
from libneuron.guest.wire.mux import Source
from libneuron.guest.wire.requests import PROTOCOL, Permission
from libneuron.system.loop import LoopThread

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_READY = State.READY  # looked up once: an enumeration's members are slow to reach
SILENT_AFTER = 5.0
"""Seconds without an answer after which the agent counts as silent."""
_HOPELESS = (State.NOT_PAIRED, State.NO_VM, State.INCOMPATIBLE, State.FAILED, State.STOPPED)
_FIRST, _QUICK, _SLOW = 0.2, 1.5, 15.0  # seconds between attempts: first, at most for the port, for the rest


class Keys(Protocol):
    """The key sets of one VM (see :class:`libneuron.guest.keys.KeyStore`)."""

    def candidates(self) -> tuple[str, ...]:
        """Names of the sets to try, in order; empty: not paired."""

    def credentials(self, which: str) -> Credentials:
        """One set. Raises: GuestError."""

    def fresh(self) -> Mapping[str, str]:
        """The ``data`` of the enrol request."""

    def finish(self) -> None:
        """The fresh keys work."""


@dataclass(frozen=True)
class VmKeys:
    """The keys of one VM in a store."""

    store: KeyStore
    vm: str

    def candidates(self) -> tuple[str, ...]:
        """See :class:`Keys`."""
        return self.store.candidates(self.vm)

    def credentials(self, which: str) -> Credentials:
        """See :class:`Keys`."""
        return self.store.credentials(self.vm, which)

    def fresh(self) -> Mapping[str, str]:
        """See :class:`Keys`."""
        return self.store.fresh_keys(self.vm)

    def finish(self) -> None:
        """See :class:`Keys`."""
        self.store.finish_enrolment(self.vm)


class GuestClient:
    """The asyncio core; a :class:`~libneuron.guest.api.Requester`. Belongs to the loop's thread.

    ``on_state`` is called at each change with the state and what caused it; ``on_event`` with what the guest
    tells (``clipboard_offered``; an event of a newer guest comes as it is).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        keys: Keys,
        *,
        permissions: Callable[[], frozenset[Permission]],
        on_state: Callable[[State, NeuronError | None], None] | None = None,
        on_event: Callable[[str, Mapping[str, Any]], None] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._keys = keys
        self._permissions = permissions
        self._on_state = on_state
        self._on_event = on_event
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._kicked = asyncio.Event()
        self._changed = asyncio.Event()
        self._delay = _FIRST
        self._using = ""  # the key set of the present session
        self._silent_at = 0.0
        self.state = State.STOPPED
        self.problem: NeuronError | None = None
        self.hello: Mapping[str, Any] = {}

    @property
    def label(self) -> str:
        """The VM's name."""
        return self._endpoint.label

    # -- life ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect, and stay connected."""
        if self._task is None:
            self._set(State.CONNECTING)
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Disconnect for good."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._set(State.STOPPED)

    def kick(self) -> None:
        """Try again at once: a VM started, a key was made or taken away, the person asked."""
        self._kicked.set()
        if self._session is not None and not self._has_keys():
            self._session.lost(GuestError("guest.not-paired", vm=self.label))

    def renew(self) -> None:
        """Connect anew with the keys there are now, although the present session works: there are others."""
        self._kicked.set()
        if self._session is not None:
            self._session.lost(GuestError("guest.channel-closed"))

    def _has_keys(self) -> bool:
        try:
            return self._using in self._keys.candidates()
        except (NeuronError, OSError):
            return False

    def _set(self, state: State, problem: NeuronError | None = None) -> None:
        if state is self.state and problem is self.problem:
            return
        self.state, self.problem = state, problem
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        _log.debug("%s: %s %s", self.label, state.value, problem or "")
        if self._on_state is not None:
            self._on_state(state, problem)

    async def _run(self) -> None:
        while True:
            try:
                await self._connection()
            except NeuronError as error:
                self._set(state_of(error), error)
            except Exception as error:  # noqa: BLE001 — or nothing would connect any more, and nobody be told
                known = isinstance(error, OSError)  # a full disk, a folder that may not be read
                (_log.info if known else _log.exception)("%s: %s", self.label, error)
                problem = f"{type(error).__name__}: {error}"
                self._set(State.FAILED, GuestError("guest.host-failed", vm=self.label, problem=problem))
            finally:
                if self._session is not None:
                    self._session.close()
                    self._session = None
            await self._pause()

    async def _pause(self, *reasons: asyncio.Future[SessionEvent]) -> None:
        """Wait before the next attempt: until a kick, or one of ``reasons``, or the delay is over."""
        quick = self.state in (State.CONNECTING, State.NO_CHANNEL, State.READY, State.AGENT_SILENT)
        kicked = asyncio.ensure_future(self._kicked.wait())
        waited: tuple[asyncio.Future[Any], ...] = (kicked, *reasons)
        try:
            ended, _ = await asyncio.wait(waited, timeout=self._delay, return_when=asyncio.FIRST_COMPLETED)
        finally:
            kicked.cancel()
        if kicked in ended:
            self._delay = _FIRST
        elif not ended:
            self._delay = min(self._delay * 2, _QUICK if quick else _SLOW)
        self._kicked.clear()

    # -- one open port ------------------------------------------------------------------------------

    async def _connection(self) -> None:
        """From opening the port to losing it. Raises: GuestError with why."""
        names = self._keys.candidates()
        if not names:
            raise GuestError("guest.not-paired", vm=self.label)
        self._allowed()  # before anything else: a person's wish that cannot be read is none to connect with
        if self.state is not State.AGENT_SILENT:
            self._set(State.CONNECTING)
        self._silent_at = asyncio.get_running_loop().time() + SILENT_AFTER
        happened: asyncio.Queue[SessionEvent] = asyncio.Queue()
        using = self._using = names[0]
        made = {name: self._keys.credentials(name) for name in names}
        session = Session(self.label, lambda: made[using], tell=happened.put_nowait, event=self._event)
        self._session = session
        session.attach(await self._endpoint.connect(session))
        session.begin()
        refused = 0
        called: SessionEvent | None = None
        while True:
            event, called = called or await self._next(happened), None
            if isinstance(event, Lost):
                raise event.error or GuestError("guest.channel-closed")
            if isinstance(event, Ready):
                refused = 0
                following = await self._ready(session, event, using)
                if following != using:
                    using = self._using = following
                    made[using] = self._keys.credentials(using)
                    session.begin()
                continue
            if self.state is State.READY:
                self._silent_at = asyncio.get_running_loop().time() + SILENT_AFTER
                self._set(State.CONNECTING)
            if event.error is None:
                continue  # the guest began anew, and the channel with it
            if isinstance(event.error, AuthenticationError):
                refused += 1
                using = names[(names.index(using) + 1) % len(names)] if using in names else names[0]
                self._using = using
                if refused >= len(names):
                    raise GuestError("guest.pairing-refused", vm=self.label, details=str(event.error))
            else:
                _log.info("%s: %s", self.label, event.error)
                called = await self._pause_for(happened)
                if called is not None:
                    continue  # the guest called meanwhile, and the channel began anew
            session.begin()

    async def _pause_for(self, happened: asyncio.Queue[SessionEvent]) -> SessionEvent | None:
        """Pause after a failed session, but not past the guest's own call, or the end of its port.

        How often a guest may call, the channel limits.
        """

        async def first() -> SessionEvent:
            while True:
                event = await happened.get()
                if not isinstance(event, Down) or event.error is None:  # failing again is no news
                    return event

        news = asyncio.ensure_future(first())
        try:
            await self._pause(news)
            return news.result() if news.done() else None
        finally:
            news.cancel()

    async def _next(self, happened: asyncio.Queue[SessionEvent]) -> SessionEvent:
        if self.state is State.CONNECTING:
            try:
                left = self._silent_at - asyncio.get_running_loop().time()
                async with asyncio.timeout(max(left, 0.001)):
                    return await happened.get()
            except TimeoutError:
                self._set(State.AGENT_SILENT, GuestError("guest.agent-silent", vm=self.label))
        return await happened.get()

    async def _ready(self, session: Session, event: Ready, using: str) -> str:
        """Greet, or fetch fresh keys; returns the key set to go on with."""
        self.hello = event.hello
        version = self._version(event.hello)
        try:
            if using == "enrol":
                await session.ask("enrol", self._keys.fresh(), body=None, timeout=30)
                return "next"
            await session.ask("hello", {**version, **self._allowed()}, body=None, timeout=30)
        except GuestError as error:
            if error.code != "guest.disconnected":
                raise  # refused, or too late: nothing more would come of this session by itself
            return using  # the session has ended: what happened to it comes next
        if using == "next":
            self._keys.finish()
            self._using = "paired"  # the same keys by their new name
        self._delay = _FIRST
        self._set(State.READY)
        return using

    def _version(self, hello: Mapping[str, Any]) -> dict[str, int]:
        try:
            fields = Fields(dict(hello), "hello")
            oldest, newest = fields.integer("oldest", 1, 1 << 16), fields.integer("newest", 1, 1 << 16)
        except FieldError as error:
            raise GuestError("guest.protocol", vm=self.label, details=str(error)) from error
        shown = "".join(letter for letter in str(hello.get("version", "?"))[:32] if letter.isprintable())
        if newest < PROTOCOL[0]:
            raise GuestError("guest.agent-too-old", vm=self.label, version=shown)
        if oldest > PROTOCOL[1]:
            raise GuestError("guest.agent-too-new", vm=self.label, version=shown)
        return {"oldest": PROTOCOL[0], "newest": PROTOCOL[1]}

    def _allowed(self) -> dict[str, list[str]]:
        return {"permissions": sorted(item.value for item in self._permissions())}

    async def update_permissions(self) -> None:
        """Tell the guest what it may do from now on. Raises: GuestError."""
        if self.state is State.READY and self._session is not None:
            greeting = {"oldest": PROTOCOL[0], "newest": PROTOCOL[1], **self._allowed()}
            await self._session.ask("hello", greeting, body=None, timeout=15)

    def _event(self, kind: str, data: Mapping[str, Any]) -> None:
        if self._on_event is None:
            return
        if kind == "clipboard_offered":
            try:
                allowed = self._permissions()
            except (NeuronError, OSError) as error:
                _log.info("%s: no copies are taken: %s", self.label, error)
                return
            if Permission.CLIPBOARD_OUT not in allowed:
                return
        self._on_event(kind, data)

    # -- requests -----------------------------------------------------------------------------------

    async def request(
        self,
        verb: str,
        data: Mapping[str, Any] | None = None,
        *,
        body: bytes | Source | None = None,
        timeout: float = 15.0,
        sink: Callable[[memoryview], None] | None = None,
    ) -> Reply:
        """See :meth:`Requester.request`. Waits for the connection within the same ``timeout``.

        ``sink`` gets the answer's body piece by piece, on the loop's thread.
        """
        permission = needed(verb)
        if permission is not None and permission not in self._permissions():
            raise GuestError("guest.not-permitted", vm=self.label, verb=verb)
        if self.state is not _READY:
            loop = asyncio.get_running_loop()
            end = loop.time() + timeout
            await self.wait_ready(timeout)
            timeout = end - loop.time()
        session = self._session
        if session is None:
            raise GuestError("guest.disconnected", vm=self.label, verb=verb)
        return await session.ask(verb, data, body=body, timeout=timeout, sink=sink)

    async def wait_ready(self, timeout: float) -> None:
        """Wait until ready. Raises: NeuronError that says why not: at once where only a person can help."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        while self.state is not State.READY:
            hopeless = self.state in _HOPELESS
            left = end - loop.time()
            if (hopeless and self.problem is not None) or left <= 0:
                raise self.problem or GuestError("guest.agent-silent", vm=self.label)
            try:
                async with asyncio.timeout(left):
                    await self._changed.wait()
            except TimeoutError:
                continue


class BlockingGuest:
    """The synchronous face, for command lines and worker threads. Never on the loop's thread."""

    def __init__(self, io: LoopThread, client: GuestClient) -> None:
        self._io = io
        self.client = client
        self.api = GuestApi(client)
        io.loop.call_soon_threadsafe(client.start)

    def run(self, work: Callable[[GuestApi], Awaitable[_T]]) -> _T:
        """Run one piece of work with the typed verbs and return its result. Raises: GuestError."""

        async def go() -> _T:
            return await work(self.api)

        return self._io.wait(go())

    def wait_ready(self, timeout: float) -> None:
        """Block until ready. Raises: GuestError."""
        self._io.wait(self.client.wait_ready(timeout))

    def retry(self) -> None:
        """Try again at once instead of waiting for the next attempt."""
        self._io.loop.call_soon_threadsafe(self.client.kick)

    def close(self) -> None:
        """Disconnect for good."""
        self._io.wait(self.client.stop())
