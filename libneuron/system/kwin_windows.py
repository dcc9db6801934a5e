"""Watches named windows in a Wayland session of KDE's: a script inside KWin tells their sizes over D-Bus.

KWin is the only program there that knows. The script is loaded through ``org.kde.kwin.Scripting``, lives as
long as the watcher, and calls back to our connection; calls of any other program are not answered.
"""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from dbus_fast import ErrorType, Message, MessageType

from libneuron.system.bus import Bus, Signal
from libneuron.system.errors import SystemAccessError
from libneuron.system.loop import LoopThread
from libneuron.system.paths import resources
from libneuron.system.x11_window import WatchedWindow

_log = logging.getLogger(__name__)
_KWIN, _SCRIPTING = "org.kde.KWin", "org.kde.kwin.Scripting"
_PATH, _INTERFACE = "/org/neuronos/Windows", "org.neuronos.Windows1"
_DAEMON, _DAEMON_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
_DPI_PER_SCALE = 96.0
_LARGEST = 1 << 16  # pixels
_PATIENCE = 5.0  # seconds for KWin to answer
_ATTEMPTS, _PAUSE = 20, 0.25  # to load the script; seconds between two


class KWinWindows:
    """Calls ``changed`` with a class and its oldest window, or None when there is none any more.

    ``names`` are resource classes in lower case, as "looking-glass-client". ``changed`` is called on ``io``'s
    thread and must be quick.
    """

    def __init__(
        self,
        io: LoopThread,
        names: Iterable[str],
        changed: Callable[[str, WatchedWindow | None], None],
        *,
        address: str | None = None,
    ) -> None:
        """Join the session bus (or ``address``) and load the script. Blocks for moments; not on ``io``.

        Raises: SystemAccessError where there is no bus, or no KWin on it.
        """
        self._io = io
        self._names = tuple(names)
        self._changed = changed
        self._kwin = ""
        self._told: dict[str, WatchedWindow] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="neuron-kwin-")
        try:
            self._bus = io.wait(Bus.open(address=address))
            try:
                io.wait(self._begin())
            except BaseException:
                io.wait(self._bus.close())
                raise
        except BaseException:
            self._folder.cleanup()
            raise

    def close(self) -> None:
        """Take the script out of KWin and leave the bus."""
        try:
            self._io.wait(self._end(), timeout=2 * _PATIENCE)
        except (SystemAccessError, TimeoutError) as error:
            _log.info("KWin's script was left behind: %s", error)
        self._folder.cleanup()

    # On the loop.

    @property
    def _plugin(self) -> str:
        return f"neuron-windows{str(self._bus.connection.unique_name).replace(':', '-')}"

    async def _begin(self) -> None:
        self._bus.connection.add_message_handler(self._received)
        rule = f"type='signal',sender='{_DAEMON}',member='NameOwnerChanged',arg0='{_KWIN}'"
        await self._bus.subscribe(rule, self._owner_changed)
        await self._load()

    async def _load(self) -> None:
        call = self._bus.call
        (self._kwin,) = await call(
            _DAEMON, _DAEMON_PATH, _DAEMON, "GetNameOwner", "s", (_KWIN,), timeout=_PATIENCE
        )
        script = Path(self._folder.name) / "windows.js"
        about = {"service": self._bus.connection.unique_name, "names": list(self._names)}
        code = (resources() / "kwin" / "windows.js").read_text("utf-8")
        script.write_text(f"var neuron = {json.dumps(about)};\n{code}", "utf-8")
        words = (str(script), self._plugin)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await call(_KWIN, "/Scripting", _SCRIPTING, "loadScript", "ss", words, timeout=_PATIENCE)
                break
            except SystemAccessError:  # a KWin that just started has its name before it can be scripted
                if attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(_PAUSE)
        await call(_KWIN, "/Scripting", _SCRIPTING, "start", timeout=_PATIENCE)

    async def _end(self) -> None:
        try:
            if self._kwin:
                words = (self._plugin,)
                await self._bus.call(
                    _KWIN, "/Scripting", _SCRIPTING, "unloadScript", "s", words, timeout=_PATIENCE
                )
        finally:
            await self._bus.close()

    def _owner_changed(self, signal: Signal) -> None:
        """KWin went, and its windows with it; or another one came (it restarts after a crash)."""
        if signal.sender != _DAEMON or signal.member != "NameOwnerChanged" or signal.body[0] != _KWIN:
            return  # any program can send us a signal of that name
        self._kwin = str(signal.body[2])
        for name in list(self._told):
            self._tell(name, None)
        if self._kwin:
            self._io.submit(self._load_again())

    async def _load_again(self) -> None:
        try:
            await self._load()
        except SystemAccessError as error:
            _log.info("KWin does not tell of its windows any more: %s", error.details or error)

    def _received(self, message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL or message.path != _PATH:
            return None
        if not self._kwin or message.sender != self._kwin:
            return Message.new_error(message, ErrorType.ACCESS_DENIED, "not KWin")
        if message.interface != _INTERFACE or message.member != "Changed":
            return None
        if message.signature != "siii" or message.body[0] not in self._names:
            return Message.new_error(message, ErrorType.INVALID_ARGS, "Changed: other arguments")
        name, width, height, percent = message.body
        shown = 0 < width < _LARGEST and 0 < height < _LARGEST and percent > 0
        self._tell(name, WatchedWindow(width, height, _DPI_PER_SCALE * percent / 100) if shown else None)
        return Message.new_method_return(message)

    def _tell(self, name: str, window: WatchedWindow | None) -> None:
        if window == self._told.get(name):
            return
        if window is None:
            del self._told[name]
        else:
            self._told[name] = window
        self._changed(name, window)
