"""Guest Bridge on the session bus: its D-Bus service, and the notifications it sends."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from libneuron.errors import NeuronError
from libneuron.system.bus import Bus
from libneuron.system.bus_object import BusObject, Interface
from libneuron.system.loop import LoopThread
from libneuron.system.notifications import Note, notify
from neuron_guest_bridge.activity import Line

_log = logging.getLogger(__name__)
_ANSWER = 600.0  # seconds in which a notification may be answered
_WAITING = 4  # the newest that are waited for: each has a connection, and a person has 256 for all programs


class OnBus:
    """Opens by itself on ``io``'s thread; where there is no bus, everything here does nothing."""

    def __init__(
        self, io: LoopThread, interface: Interface, *, opened: Callable[[], None] = lambda: None
    ) -> None:
        self._io = io
        self._interface = interface
        self._opened = opened
        self._bus: Bus | None = None
        self._served: BusObject | None = None
        self._waiting: deque[asyncio.Task[None]] = deque()
        self._opening: Future[None] = io.submit(self._open())

    async def _open(self) -> None:
        try:
            self._bus = await Bus.open()
            self._served = await BusObject.serve(self._bus, self._interface)
        except NeuronError as error:
            _log.info("not on the session bus: %s", error.details or error)
            return
        if self._served is None:
            _log.info("another program serves %s", self._interface.name)
        self._opened()

    def machines_changed(self) -> None:
        """Tell programs that listen."""
        if self._served is not None:
            self._served.emit("MachinesChanged")

    def happened(self, line: Line) -> None:
        """Tell programs that listen."""
        if self._served is not None:
            values = (line.machine, line.what.value, line.way.value, list(line.formats), line.size or 0)
            self._served.emit("Activity", values)

    def notify(self, note: Note, chosen: Callable[[], None]) -> None:
        """Show a notification, where the desktop shows some; ``chosen`` is called on the loop once the person
        clicks it or one of its buttons, unless some newer ones were shown since."""

        async def begin() -> None:
            while len(self._waiting) >= _WAITING:
                self._waiting.popleft().cancel()
            task = asyncio.get_running_loop().create_task(self._notify(note, chosen))
            self._waiting.append(task)
            task.add_done_callback(ended)

        def ended(task: asyncio.Task[None]) -> None:
            if task in self._waiting:
                self._waiting.remove(task)

        self._io.submit(begin())

    async def _notify(self, note: Note, chosen: Callable[[], None]) -> None:
        try:
            bus = await Bus.open()  # one of its own: its subscriptions end with it
            try:
                if await notify(bus, note, wait=_ANSWER) is not None:
                    chosen()
            finally:
                await bus.close()
        except NeuronError as error:
            _log.info("no notification was shown: %s", error.details or error)

    def close(self) -> None:
        """Leave the bus."""
        try:
            self._io.wait(self._close(), timeout=5)
        except (NeuronError, TimeoutError) as error:
            _log.info("the session bus did not let go: %s", error)

    async def _close(self) -> None:
        self._opening.cancel()
        bus, self._bus = self._bus, None
        served, self._served = self._served, None
        if bus is not None:
            if served is not None:
                await served.close()
            await bus.close()
