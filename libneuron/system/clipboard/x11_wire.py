"""The few X11 requests a clipboard needs, over xcffib; nothing else of the library knows X11.

One thread uses a :class:`Display`. xcffib packs and unpacks property data byte by byte through Python lists;
property values are therefore taken from the raw reply and written as a ready request (xproto: GetProperty and
ChangeProperty layouts).
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Any

import xcffib
import xcffib.xfixes
import xcffib.xproto

from libneuron.system.clipboard.errors import ClipboardError

ANY = 0
_GET_PROPERTY_REPLY = struct.Struct("=xBxxxxxxIII")  # format, type, bytes after, length in units
_CHANGE_PROPERTY = struct.Struct("=xB2xIIIB3xI")
_CHANGE_PROPERTY_OPCODE = 18
_DELETED = 1
_PIECE = 1 << 18  # bytes asked for at a time


@dataclass(frozen=True)
class SelectionNotify:
    """An owner answered a conversion; ``property`` 0 means it refused."""

    target: int
    property: int


@dataclass(frozen=True)
class SelectionRequest:
    """Another client asks us, the owner, to convert; ``time`` 0 means "now"."""

    time: int
    requestor: int
    selection: int
    target: int
    property: int


@dataclass(frozen=True)
class SelectionClear:
    """We are no longer the owner."""


@dataclass(frozen=True)
class PropertyNotify:
    """A property was set, or deleted."""

    window: int
    atom: int
    time: int
    deleted: bool


@dataclass(frozen=True)
class OwnerChanged:
    """The watched selection has another owner (0: none) since ``time``."""

    owner: int
    time: int


Event = SelectionNotify | SelectionRequest | SelectionClear | PropertyNotify | OwnerChanged

Gone = xcffib.ConnectionException
"""Any request may raise it once the server has gone."""


def _translate(event: Any) -> Event | None:
    if isinstance(event, xcffib.xproto.SelectionNotifyEvent):
        return SelectionNotify(event.target, event.property)
    if isinstance(event, xcffib.xproto.SelectionRequestEvent):
        return SelectionRequest(event.time, event.requestor, event.selection, event.target, event.property)
    if isinstance(event, xcffib.xproto.SelectionClearEvent):
        return SelectionClear()
    if isinstance(event, xcffib.xproto.PropertyNotifyEvent):
        return PropertyNotify(event.window, event.atom, event.time, event.state == _DELETED)
    if isinstance(event, xcffib.xfixes.SelectionNotifyEvent):
        return OwnerChanged(event.owner, event.selection_timestamp)
    return None


@dataclass(frozen=True)
class Property:
    """A window's property: the atom of its type (0: absent), bits per unit, and the raw bytes."""

    type: int
    format: int
    data: bytes

    def words(self) -> tuple[int, ...]:
        """The value as 32-bit words (atoms, integers)."""
        usable = len(self.data) - len(self.data) % 4
        return struct.unpack(f"={usable // 4}I", self.data[:usable])


class Display:
    """One connection with one invisible window of our own."""

    def __init__(self, name: str | None) -> None:
        """Connect to display ``name`` (None: ``$DISPLAY``). Raises: ClipboardError unavailable."""
        try:
            self._conn = xcffib.connect(display=name)
            self._xfixes = self._conn(xcffib.xfixes.key)
            self._xfixes.QueryVersion(5, 0).reply()
            screen = self._conn.get_setup().roots[self._conn.pref_screen]
            self.window = int(self._conn.generate_id())
            masks = xcffib.xproto.CW.EventMask
            self._conn.core.CreateWindow(
                0, self.window, screen.root, -1, -1, 1, 1, 0, xcffib.xproto.WindowClass.InputOnly, 0,
                masks, [xcffib.xproto.EventMask.PropertyChange],
            )  # fmt: skip
        except (xcffib.XcffibException, OSError, AttributeError) as error:
            raise ClipboardError("clipboard.unavailable", details=f"X11: {error!r}") from error
        self._atoms: dict[str, int] = {}
        self._names: dict[int, str] = {}
        # Largest piece that one ChangeProperty carries; 256 KiB keeps a paste's other traffic moving.
        self.largest = min(int(self._conn.get_maximum_request_length()) * 4 - 64, _PIECE)

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return int(self._conn.get_file_descriptor())

    def close(self) -> None:
        """Leave the display."""
        self._conn.disconnect()

    def atom(self, name: str) -> int:
        """The atom called ``name``."""
        if name not in self._atoms:
            raw = name.encode("latin-1", "replace")
            atom = int(self._conn.core.InternAtom(False, len(raw), raw).reply().atom)  # noqa: FBT003 — xproto
            self._atoms[name] = atom
            self._names[atom] = name
        return self._atoms[name]

    def name(self, atom: int) -> str:
        """The name of ``atom``; "" if there is no such atom."""
        if atom not in self._names:
            try:
                reply = self._conn.core.GetAtomName(atom).reply()
            except xcffib.Error:
                return ""
            name = bytes(reply.name.buf()).decode("latin-1")
            self._names[atom] = name
            self._atoms.setdefault(name, atom)
        return self._names[atom]

    def event(self) -> Event | None:
        """The next event of interest, or None when all that arrived was handled; sends what waits.

        Raises: ClipboardError unavailable when the display is gone.
        """
        flushed = False
        while True:
            try:
                event = self._conn.poll_for_event()
            except xcffib.ConnectionException as error:
                raise ClipboardError("clipboard.unavailable", details=f"X11: {error!r}") from error
            except xcffib.Error:
                continue  # another program's window vanished under a request: its transfer times out
            if event is None:
                if flushed:
                    return None
                self._conn.flush()
                flushed = True
            elif (known := _translate(event)) is not None:
                return known

    def watch(self, selection: str) -> None:
        """Ask for an event whenever the owner of ``selection`` changes or goes away (XFixes 1)."""
        mask = xcffib.xfixes.SelectionEventMask
        self._xfixes.SelectSelectionInput(
            self.window,
            self.atom(selection),
            mask.SetSelectionOwner | mask.SelectionWindowDestroy | mask.SelectionClientClose,
        )

    def owner(self, selection: str) -> int:
        """The window that owns ``selection``, 0 for none."""
        return int(self._conn.core.GetSelectionOwner(self.atom(selection)).reply().owner)

    def set_owner(self, window: int, selection: str, time: int) -> None:
        """Make ``window`` (0: none) the owner."""
        self._conn.core.SetSelectionOwner(window, self.atom(selection), time)

    def convert(self, selection: str, target: int, prop: int, time: int) -> None:
        """Ask the owner to put ``target`` into our window's property ``prop``."""
        self._conn.core.ConvertSelection(self.window, self.atom(selection), target, prop, time)

    def notify(self, request: SelectionRequest, prop: int) -> None:
        """Tell a requestor that its property ``prop`` is ready, or 0: that it gets nothing."""
        answer = xcffib.xproto.SelectionNotifyEvent.synthetic(
            request.time, request.requestor, request.selection, request.target, prop
        )
        self._conn.core.SendEvent(False, request.requestor, 0, answer.pack())  # noqa: FBT003 — xproto

    def listen(self, window: int, *, on: bool) -> None:
        """Hear, or no longer hear, about changes of another window's properties."""
        value = xcffib.xproto.EventMask.PropertyChange if on else 0
        self._conn.core.ChangeWindowAttributes(window, xcffib.xproto.CW.EventMask, [value])

    def delete(self, window: int, prop: int) -> None:
        """Remove a property."""
        self._conn.core.DeleteProperty(window, prop)

    def put(self, window: int, prop: int, kind: int, width: int, data: bytes) -> None:
        """Replace a property; ``width`` is 8 or 32 bits per unit, ``data`` at most :attr:`largest` bytes."""
        units = len(data) // (width // 8)
        request = io.BytesIO()
        request.write(_CHANGE_PROPERTY.pack(0, window, prop, kind, width, units))
        request.write(data)
        self._conn.core.send_request(_CHANGE_PROPERTY_OPCODE, request)

    def touch(self, prop: int) -> None:
        """Append nothing to our own property: the event it causes carries the server's time (ICCCM 2.1)."""
        request = io.BytesIO()
        request.write(_CHANGE_PROPERTY.pack(2, self.window, prop, self.atom("INTEGER"), 32, 0))
        self._conn.core.send_request(_CHANGE_PROPERTY_OPCODE, request)

    def get(self, window: int, prop: int, *, most: int, delete: bool) -> Property:
        """A property's value; more than ``most`` bytes are not read. With ``delete`` it is removed once read.

        An absent property, or one of a window that is gone, has type 0.
        """
        data = bytearray()
        while True:
            cookie = self._conn.core.GetProperty(delete, window, prop, ANY, len(data) // 4, _PIECE // 4)
            try:
                raw = self._conn.wait_for_reply(cookie.sequence)
            except xcffib.Error:
                return Property(0, 0, b"")
            head = bytes(raw.unpack("=32s", increment=False)[0])
            width, kind, after, units = _GET_PROPERTY_REPLY.unpack_from(head)
            size = units * (width // 8)
            data += raw.unpack(f"=32x{size}s", increment=False)[0]
            if not after or len(data) >= most:
                return Property(kind, width, bytes(data))
