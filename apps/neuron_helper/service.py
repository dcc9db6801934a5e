"""The helper on the bus: one object, one method per verb, polkit before each, gone when nobody needs it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from dbus_fast import ErrorType, Message, MessageType

from libneuron.errors import Cancelled, NeuronError
from libneuron.progress import Progress, ProgressView
from libneuron.system.bus import Bus
from libneuron.system.clock import Clock
from libneuron.system.helper import ERROR, INTERFACE, NAME, PATH, HelperError
from neuron_helper.polkit import authorize
from neuron_helper.verbs import Verb

_log = logging.getLogger(__name__)
_DAEMON = "org.freedesktop.DBus"
_DAEMON_PATH = "/org/freedesktop/DBus"
_PER_CALLER = 4  # calls that one bus client may have under way
_PER_USER = 8  # and all programs of one user together: verbs wait for each other, whoever asks


class Service:
    """Serves ``verbs`` on ``bus``. ``idle`` and ``patience`` (for polkit's answer) are in seconds."""

    def __init__(
        self, bus: Bus, verbs: Sequence[Verb], clock: Clock, *, idle: float = 60.0, patience: float = 120.0
    ) -> None:
        self._bus = bus
        self._verbs: Mapping[str, Verb] = {verb.name: verb for verb in verbs}
        self._clock = clock
        self._idle = idle
        self._patience = patience
        self._running: dict[asyncio.Task[None], str] = {}
        self._users: Counter[int] = Counter()
        self._progress: dict[str, list[Progress]] = {}
        self._used = asyncio.Event()
        self._one = asyncio.Lock()  # verbs change the machine: one at a time

    async def serve(self) -> None:
        """Claim the name and serve until nothing was asked for ``idle`` seconds. Raises:
        SystemAccessError.
        """
        self._bus.connection.add_message_handler(self._received)
        await self._bus.subscribe(
            f"type='signal',sender='{_DAEMON}',member='NameOwnerChanged'",
            lambda signal: self._gone(signal.body),
        )
        # 4: do not queue; 1 in the answer: we are the owner.
        answer = await self._bus.call(_DAEMON, _DAEMON_PATH, _DAEMON, "RequestName", "su", (NAME, 4))
        if answer[0] != 1:
            return
        while True:
            self._used.clear()
            try:
                async with asyncio.timeout(self._idle):
                    await self._used.wait()
            except TimeoutError:
                if self._running:
                    continue
                # What reached us before the name went is still answered; later calls start a new helper.
                await self._bus.call(_DAEMON, _DAEMON_PATH, _DAEMON, "ReleaseName", "s", (NAME,))
                if self._running:
                    await asyncio.wait(self._running)
                return

    def _gone(self, body: tuple[Any, ...]) -> None:
        """A caller left the bus: what it waited for stops where stopping is safe."""
        if len(body) == 3 and not body[2]:
            for progress in self._progress.get(str(body[0]), []):
                progress.cancel()

    def _received(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL or message.path != PATH:
            return None
        if message.interface == "org.freedesktop.DBus.Introspectable":
            return Message.new_method_return(message, "s", [introspection(self._verbs.values())])
        if message.interface != INTERFACE:
            return None
        self._used.set()
        sender = message.sender or ""
        if message.member == "Cancel":
            stopped = [progress.cancel() for progress in self._progress.get(sender, [])]
            return Message.new_method_return(message, "b", [any(stopped)])
        verb = self._verbs.get(message.member or "")
        if verb is None:
            return Message.new_error(message, ErrorType.UNKNOWN_METHOD, "no such verb")
        if message.signature != verb.signature:
            return self._failure(message, HelperError("helper.bad-argument", name=verb.name))
        if list(self._running.values()).count(sender) >= _PER_CALLER:
            return self._failure(message, HelperError("helper.busy"))
        task = asyncio.ensure_future(self._answer(message, verb, sender))
        self._running[task] = sender
        task.add_done_callback(self._done)
        return True

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._used.set()

    async def _answer(self, message: Message, verb: Verb, sender: str) -> None:
        try:
            arguments = verb.read(message.body)
            with self._followed(verb, sender) as progress:
                async with self._counted(sender):
                    await authorize(
                        self._bus, sender, verb.action, interaction=verb.interaction, limit=self._patience
                    )
                    async with self._one:
                        progress.check()  # cancelled, or the caller left, while it waited
                        result = await asyncio.to_thread(verb.run, arguments, progress)
            # In ASCII: names of files need not be text, and the bus carries nothing else.
            reply = Message.new_method_return(message, "s", [json.dumps(result, default=str)])
        except NeuronError as error:
            reply = self._failure(message, error)
        except Cancelled:
            reply = Message.new_error(message, f"{ERROR}.Cancelled", "cancelled")
        except Exception:  # noqa: BLE001 — the caller must get an answer; the log gets the bug
            _log.exception("%s", verb.name)
            reply = self._failure(message, HelperError("helper.bug"))
        self._bus.connection.send(reply)

    @contextlib.asynccontextmanager
    async def _counted(self, sender: str) -> AsyncIterator[None]:
        """A place among the calls of ``sender``'s user, who may open any number of connections.

        Raises: HelperError busy; SystemAccessError bus-error if the caller has left.
        """
        answer = await self._bus.call(_DAEMON, _DAEMON_PATH, _DAEMON, "GetConnectionUnixUser", "s", (sender,))
        user: int = answer[0]
        if self._users[user] >= _PER_USER:
            raise HelperError("helper.busy")
        self._users[user] += 1
        try:
            yield
        finally:
            self._users[user] -= 1

    @contextlib.contextmanager
    def _followed(self, verb: Verb, sender: str) -> Iterator[Progress]:
        """A progress that ``sender`` hears of and can cancel, from the moment of its call on."""
        loop = asyncio.get_running_loop()

        def tell(view: ProgressView) -> None:
            loop.call_soon_threadsafe(self._tell, sender, verb.name, view)

        progress = Progress(clock=self._clock.monotonic, listener=tell)
        self._progress.setdefault(sender, []).append(progress)
        try:
            yield progress
        finally:
            self._progress[sender].remove(progress)
            if not self._progress[sender]:
                del self._progress[sender]

    def _tell(self, sender: str, verb: str, view: ProgressView) -> None:
        """Progress goes to the caller alone: verb, done, total (-1 unknown), item, cancellable."""
        total = -1 if view.total is None else view.total
        self._bus.connection.send(
            Message(
                destination=sender,
                path=PATH,
                interface=INTERFACE,
                member="Progress",
                message_type=MessageType.SIGNAL,
                signature="sxxsb",
                body=[verb, view.done, total, view.item, view.cancellable],
            )
        )

    @staticmethod
    def _failure(message: Message, error: NeuronError) -> Message:
        """A NeuronError as a D-Bus error whose text is JSON; details stay in the log."""
        data = {"code": error.code, "params": {key: str(value) for key, value in error.params.items()}}
        return Message.new_error(
            message, ERROR, json.dumps({**data, "message": error.sentence(), "hint": error.hint()})
        )


def introspection(verbs: Any) -> str:
    """The interface as XML, for tools."""
    methods = "".join(
        f'<method name="{verb.name}">'
        + "".join(f'<arg name="{item.name}" type="{item.type}" direction="in"/>' for item in verb.arguments)
        + '<arg name="json" type="s" direction="out"/></method>'
        for verb in verbs
    )
    cancel = '<method name="Cancel"><arg name="stopped" type="b" direction="out"/></method>'
    signal = '<signal name="Progress">' + "".join(f'<arg type="{kind}"/>' for kind in "sxxsb") + "</signal>"
    return f'<node><interface name="{INTERFACE}">{methods}{cancel}{signal}</interface></node>'
