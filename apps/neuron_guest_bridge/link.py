"""One machine's connection: the channel's client and, while it is ready, its clipboard and display."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from libneuron.errors import NeuronError
from libneuron.guest.api import GuestApi
from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.clipboard.bridge import Transfer
from libneuron.guest.clipboard.rivals import LOOKING_GLASS, VIEWERS
from libneuron.guest.clipboard.rules import Activity, Direction, Happened, Owner, Rules, Side
from libneuron.guest.errors import GuestError
from libneuron.guest.files import LARGEST, GuestFiles
from libneuron.guest.menu import printable
from libneuron.guest.owned import OwnedEndpoint
from libneuron.guest.pace import Paced
from libneuron.guest.permissions import PermissionStore
from libneuron.guest.resolution import Size
from libneuron.guest.state import State
from libneuron.guest.transport import Endpoint
from libneuron.guest.wire.errors import FieldError
from libneuron.guest.wire.events import DISPLAY_CHANGED, SESSION_CHANGED, SESSIONS
from libneuron.guest.wire.fields import Fields
from libneuron.guest.wire.requests import Permission
from libneuron.guest.wire.transfers import Place
from libneuron.progress import Progress
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Clipboard
from libneuron.system.clipboard.targets import FILES, FORMATS
from libneuron.system.clock import Clock
from libneuron.system.loop import LoopThread
from neuron_guest_bridge.activity import Line, Moving, Way, What
from neuron_guest_bridge.clipboard_link import ClipboardLink, Shared
from neuron_guest_bridge.desktop_windows import Windows
from neuron_guest_bridge.following import Following
from neuron_guest_bridge.sharing import (
    FOLLOWS_WINDOW,
    OWNS_CLIPBOARD,
    Choices,
    direction_of,
)

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_WIDEST = 1 << 16  # pixels
_PARTING = 1.0  # seconds for a machine to hear that its promised copy is taken back
_WHAT = {
    Happened.OFFERED: What.COPY_OFFERED,
    Happened.CROSSED: What.COPY_CROSSED,
    Happened.WITHHELD: What.COPY_WITHHELD,
    Happened.FAILED: What.COPY_FAILED,
}


@dataclass(frozen=True)
class Surroundings:
    """What every link shares. ``host_clipboard`` makes a new one; it raises ClipboardError where none is."""

    io: LoopThread
    clock: Clock
    permissions: PermissionStore
    choices: Choices
    runtime: Path
    spool: Path
    host_clipboard: Callable[[], Clipboard]
    changed: Callable[[str], None]
    happened: Callable[[Line], None]
    moving: Callable[[Moving], None]


class Link:
    """Keeps one machine connected from :meth:`__init__` to :meth:`close`, which block for moments only."""

    def __init__(
        self,
        machine: str,
        name: str,
        endpoint: Endpoint,
        keys: VmKeys,
        around: Surroundings,
        *,
        spice: bool = False,
        memory_mib: int | None = None,
    ) -> None:
        """``spice``: it has the SPICE agent's channel; ``memory_mib``: its memory for Looking Glass."""
        self.machine = machine
        self.name = name
        self._around = around
        self._lock = threading.Lock()
        self._spice = spice
        self._clipboard: ClipboardLink | None = None
        self._windows: Windows | None = None
        self._closed = False
        self.locked = False
        self.session = ""
        self.screen: Size | None = None
        # A guest can tell of these without end, and each costs reading what the person allows, and a redraw.
        self._sessions = Paced(around.io.loop, self._session_is)
        self._displays = Paced(around.io.loop, self._screen_is)
        self._endpoint = OwnedEndpoint(endpoint, runtime=around.runtime, vm=machine)
        self.client = GuestClient(
            self._endpoint, keys, permissions=self.allowed, on_state=self._state, on_event=self._event
        )
        self._endpoint.owned = self.client
        self._guest = BlockingGuest(around.io, self.client)
        self._files = GuestFiles(self.client, folder=around.spool / "received" / machine)
        self.following = Following(
            around.io, self._guest.api, memory_mib=memory_mib, changed=lambda: around.changed(machine)
        )

    def allowed(self) -> frozenset[Permission]:
        """What the person allows this machine."""
        return self._around.permissions.get(self.machine)

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return self.client.state

    @property
    def problem(self) -> NeuronError | None:
        """Why it is not ready."""
        return self.client.problem

    @property
    def version(self) -> str:
        """NeuronGuest's version, empty before it said."""
        return printable(str(self.client.hello.get("version", "")))[:32]

    def _verbs(self) -> tuple[str, ...]:
        """What NeuronGuest says that it can do."""
        told = self.client.hello.get("verbs")
        return tuple(verb for verb in told if isinstance(verb, str)) if isinstance(told, list) else ()

    @property
    def sharing(self) -> bool:
        """Whether the clipboard is connected."""
        return self._clipboard is not None

    @property
    def shared(self) -> Shared:
        """How the clipboard is shared."""
        clipboard = self._clipboard
        return Shared() if clipboard is None else clipboard.shared

    @property
    def watching(self) -> bool:
        """Whether the desktop's windows can be seen, so that a display can follow one."""
        windows = self._windows
        return windows is not None and windows.watching

    def ask(self, work: Callable[[GuestApi], Awaitable[_T]]) -> _T:
        """Run one piece of work with the typed verbs. Blocks. Raises: GuestError."""
        return self._guest.run(work)

    def send_files(self, paths: Sequence[Path], progress: Progress) -> None:
        """Send files and folders into the machine's folder of downloads. Blocks. Raises: GuestError."""
        send = self._files.send(paths, Place.DOWNLOADS, most=LARGEST, progress=progress)
        self._around.io.wait(send)

    def kick(self) -> None:
        """Something changed: try to connect at once."""
        self._around.io.loop.call_soon_threadsafe(self.client.kick)

    def tell_permissions(self) -> None:
        """What the machine may do was changed: make it so. Blocks. Raises: GuestError."""
        self._apply_rules()
        self._around.io.wait(self.client.update_permissions(), timeout=20)

    def own_clipboard(self, *, own: bool) -> None:
        """Share the clipboard although another program does too, or stand back."""
        self._around.choices.set(self.machine, OWNS_CLIPBOARD, on=own)
        self._apply_rules()

    def follow(self, *, on: bool) -> None:
        """Have the display follow Looking Glass' window, or no longer. Blocks. Raises: GuestError."""
        self._around.choices.set(self.machine, FOLLOWS_WINDOW, on=on)
        if on:
            windows = self._windows
            self.following.start(windows.size(LOOKING_GLASS) if windows is not None else None)
        else:
            self.following.stop()

    def clipboard(self) -> ClipboardLink:
        """The connected clipboard. Raises: GuestError disconnected."""
        clipboard = self._clipboard
        if clipboard is None:
            raise GuestError("guest.disconnected", vm=self.name, verb="clipboard")
        return clipboard

    def close(self) -> None:
        """Disconnect for good."""
        self._closed = True
        try:
            self.following.stop()
        except GuestError as error:
            _log.info("the display kept its mode: %s", error)
        clipboard = self._clipboard
        if clipboard is not None and self.client.state is State.READY:
            clipboard.take_back(patience=_PARTING)
        self._guest.close()
        self._around.io.wait(self._endpoint.close())
        self._leave_desktop()

    # On the loop's thread.

    def _state(self, state: State, _problem: NeuronError | None) -> None:
        if state is State.READY and not self._closed:
            # Finding this desktop's clipboard may take seconds: not on the loop, which others wait for.
            threading.Thread(target=self._join_desktop, name="desktop", daemon=True).start()
        elif state is not State.READY:
            self._sessions.forget()
            self._displays.forget()
            self.locked, self.session, self.screen = False, "", None  # the next session says how it is
            threading.Thread(target=self._leave_desktop, name="desktop-close", daemon=True).start()
        self._around.changed(self.machine)

    def _event(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == SESSION_CHANGED and data.get("session") in SESSIONS:
            self._sessions.tell(data["session"])
        elif kind == DISPLAY_CHANGED:
            fields = Fields(dict(data), "display")
            with contextlib.suppress(FieldError):  # nonsense is not shown
                size = [fields.integer(name, 1, _WIDEST) for name in ("width", "height")]
                self._displays.tell(Size(*size))
        clipboard = self._clipboard
        if clipboard is not None:
            clipboard.guest.event(kind, data)

    def _screen_is(self, screen: Size) -> None:
        self.screen = screen
        self._around.changed(self.machine)

    def _session_is(self, session: str) -> None:
        """A locked screen: copies stay on their sides until somebody who may sees them again."""
        if session == self.session:
            return
        locked, was_locked = session == "locked", self.locked
        self.session, self.locked = session, locked
        try:
            self._apply_rules()  # also what nobody was there to take is offered again
        except NeuronError as error:  # the person's wishes cannot be read; the machine shows that already
            _log.info("%s: %s", self.name, error)
        if locked != was_locked:
            what = What.LOCKED if locked else What.UNLOCKED
            self._around.happened(Line(self._around.clock.now(), self.name, what, Way.TO_HOST))
        self._around.changed(self.machine)

    # On threads of their own.

    def _join_desktop(self) -> None:
        with self._lock:
            if self._closed or self.client.state is not State.READY or self._windows is not None:
                return
            self._clipboard = self._open_clipboard()
            names = (LOOKING_GLASS, *sorted(VIEWERS)) if self._spice else (LOOKING_GLASS,)
            self._windows = windows = Windows(self._around.io, names, self._seen)
        self._tell_rivals()
        if windows.watching and self._around.choices.get(self.machine, FOLLOWS_WINDOW):
            try:
                self.following.start(windows.size(LOOKING_GLASS))
            except GuestError as error:
                _log.info("the display does not follow: %s", error)
        self._around.changed(self.machine)

    def _open_clipboard(self) -> ClipboardLink | None:
        try:
            host = self._around.host_clipboard()
        except ClipboardError as error:
            _log.info("the clipboard of this desktop cannot be shared: %s", error.details or error)
            return None
        return ClipboardLink(
            self.machine,
            self._guest.api,
            io=self._around.io,
            clock=self._around.clock,
            spool=self._around.spool,
            host=host,
            rules=self._rules(),
            files=self._files if "files_list" in self._verbs() else None,
            crossed=self._crossed,
            moving=self._moving,
            changed=lambda: self._around.changed(self.machine),
        )

    def _leave_desktop(self) -> None:
        with self._lock:
            if self.client.state is State.READY and not self._closed:
                return  # connected again meanwhile
            clipboard, self._clipboard = self._clipboard, None
            windows, self._windows = self._windows, None
        if windows is not None:
            windows.close()
        if clipboard is not None:
            clipboard.close()

    def _rules(self) -> Rules:
        allowed = self.allowed()
        owner = Owner.BRIDGE if self._around.choices.get(self.machine, OWNS_CLIPBOARD) else Owner.RIVAL
        formats = frozenset(FORMATS) - (frozenset() if Permission.FILES in allowed else {FILES})
        return Rules(
            direction=Direction.OFF if self.locked else direction_of(allowed),
            formats=formats,
            secrets=Permission.SECRETS in allowed,
            owner=owner,
        )

    def _apply_rules(self) -> None:
        clipboard = self._clipboard
        if clipboard is not None:
            clipboard.set_rules(self._rules())

    def _seen(self, name: str, size: Size | None) -> None:
        if name == LOOKING_GLASS:
            self.following.window(size)
        self._tell_rivals()

    def _tell_rivals(self) -> None:
        clipboard, windows = self._clipboard, self._windows
        if clipboard is not None and windows is not None:
            clipboard.see(windows.classes, spice=self._spice)

    def _moving(self, transfer: Transfer) -> None:
        way = Way.TO_GUEST if transfer.source is Side.HOST else Way.TO_HOST
        self._around.moving(Moving(self.machine, way, transfer.progress, transfer.over))

    def _crossed(self, activity: Activity) -> None:
        self._around.happened(
            Line(
                at=activity.at,
                machine=self.name,
                what=_WHAT[activity.happened],
                way=Way.TO_GUEST if activity.source is Side.HOST else Way.TO_HOST,
                formats=activity.formats,
                size=activity.size,
                detail=activity.reason,
            )
        )
