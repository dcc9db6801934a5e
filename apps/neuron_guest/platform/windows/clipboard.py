"""The clipboard of the person's session: watched by notification, rendered when pasted.

What we put there is promised first and made when a program asks for it (WM_RENDERFORMAT), so that a picture
copied on the host costs nothing until it is pasted as a bitmap.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from neuron_guest.backend import BackendError, Fetch, Offer
from neuron_guest.platform.windows import clipboard_formats as formats
from neuron_guest.platform.windows import gdiplus, global_memory, win32
from neuron_guest.platform.windows.message_window import MessageWindow
from neuron_guest.platform.windows.win32 import BOOL, HANDLE, UINT, WSTR

_log = logging.getLogger(__name__)

_ANSWER_TIME = 60.0  # seconds; Windows itself gives a clipboard owner 30 to render

_open = win32.function("user32", "OpenClipboard", BOOL, HANDLE)
_close = win32.function("user32", "CloseClipboard", BOOL, fails="never")
_empty = win32.function("user32", "EmptyClipboard", BOOL)
_set = win32.function("user32", "SetClipboardData", HANDLE, UINT, HANDLE, fails="never")
_get = win32.function("user32", "GetClipboardData", HANDLE, UINT)
_available = win32.function("user32", "IsClipboardFormatAvailable", BOOL, UINT, fails="never")
_register = win32.function("user32", "RegisterClipboardFormatW", UINT, WSTR)
_owner = win32.function("user32", "GetClipboardOwner", HANDLE, fails="never")
_listen = win32.function("user32", "AddClipboardFormatListener", BOOL, HANDLE)
_unlisten = win32.function("user32", "RemoveClipboardFormatListener", BOOL, HANDLE, fails="never")

Result = TypeVar("Result")


@dataclass
class _Promise:
    """What we put on the clipboard and have not been relieved of.

    ``last`` is what was fetched last: programs ask for a picture in three formats, one after another.
    """

    mimes: tuple[str, ...]
    fetch: Fetch
    marks: Mapping[str, bytes]
    last: tuple[str, bytes] | None = None

    def get(self, mime: str) -> bytes:
        """One format; may wait. Raises: BackendError."""
        last = self.last
        if last is None or last[0] != mime:
            last = self.last = mime, self.fetch(mime)
        return last[1]


class Clipboard:
    """One message window on the clipboard. Methods may be called on any thread."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = dict(formats.STANDARD)
        self._promise: _Promise | None = None
        self._watchers: list[Callable[[Offer], None]] = []
        self._watching = threading.Lock()
        self._window = MessageWindow(self._receive, name="NeuronGuestClipboard")
        self._window.run(lambda: _listen(self._window.handle), timeout=5)

    def offer(self) -> Offer:
        """What the clipboard holds. Raises: BackendError busy."""
        return self._run(self._offer)

    def read(self, mime: str) -> bytes:
        """One format. Raises: BackendError not-found, busy, unreadable."""
        promise = self._run(self._owned)
        if promise is not None and mime in promise.mimes:
            return promise.get(mime)  # here: the window's thread has others to answer meanwhile
        return self._run(lambda: self._read(mime))

    def write(self, items: Mapping[str, bytes], *, secret: bool) -> None:
        """Replace the clipboard by ``items``, one copy in several formats. Raises: BackendError."""
        kept = dict(items)
        self.promise(tuple(kept), kept.__getitem__, secret=secret)

    def promise(self, mimes: Sequence[str], fetch: Fetch, *, secret: bool) -> None:
        """Replace the clipboard by a promise: ``fetch`` is called when a program pastes.

        Without any format the clipboard is emptied. Raises: BackendError not-found if no format is one that
        Windows programs know, busy.
        """
        if mimes and not formats.targets(mimes):
            raise BackendError("not-found", "none of the formats can be put on a Windows clipboard")
        marks = {formats.OWN: b"\0", **(formats.secret_marks() if secret else {})}
        self._run(lambda: self._put(_Promise(tuple(mimes), fetch, marks)))

    def withdraw(self) -> None:
        """Take a promise back that nobody has pasted from. Raises: BackendError busy."""
        self._run(self._withdraw)

    def watch(self, changed: Callable[[Offer], None]) -> Callable[[], None]:
        """Call ``changed`` on the window's thread at each new copy, ours included (``own``)."""
        with self._watching:
            self._watchers.append(changed)

        def stop() -> None:
            with self._watching:
                if changed in self._watchers:
                    self._watchers.remove(changed)

        return stop

    def close(self) -> None:
        """Stop watching; what we promised is rendered first, so that it outlives us."""
        self._window.close()

    def _run(self, work: Callable[[], Result]) -> Result:
        try:
            return self._window.run(work, timeout=_ANSWER_TIME)
        except TimeoutError as error:
            raise BackendError("busy", "a program on the guest holds its clipboard up") from error
        except win32.Win32Error as error:
            raise BackendError("unreadable", str(error)) from error

    # Everything below runs on the window's thread.

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = _register(name)
        return self._numbers[name]

    def _offer(self) -> Offer:
        names = (*formats.readable(), *formats.EXCLUDE, *formats.ALLOW, formats.OWN, formats.LOOKING_GLASS)
        present = [name for name in names if _available(self._number(name))]
        if self._owned() is not None:
            # Our own promise needs no reading: asking would render it.
            return Offer(formats.mimes_of(present), secret=formats.is_marked(present), own=True)
        switches: dict[str, bytes | None] = {}
        if any(name in formats.ALLOW for name in present):
            with self._opened():
                switches = {name: self._data(name) for name in formats.ALLOW if name in present}
        return formats.offer(present, switches)

    def _withdraw(self) -> None:
        with self._opened():
            promise = self._owned()
            if promise is not None and promise.last is None:
                _empty()

    def _read(self, mime: str) -> bytes:
        with self._opened():
            for name, convert in formats.sources(mime):
                data = self._data(name)
                if data is not None:
                    try:
                        return convert(data)
                    except ValueError as error:
                        raise BackendError("unreadable", f"{name}: {error}") from error
        raise BackendError("not-found", f"the clipboard holds no {mime}")

    def _data(self, name: str) -> bytes | None:
        number = self._number(name)
        if not _available(number):
            return None
        try:
            return global_memory.read(_get(number))
        except win32.Win32Error:
            return None  # its owner did not render it

    def _put(self, promise: _Promise) -> None:
        with self._opened():
            _empty()  # answers with WM_DESTROYCLIPBOARD to the last owner, perhaps us: before the new promise
            self._promise = promise
            for target, _mime in formats.targets(promise.mimes):
                _set(self._number(target), None)
            for name, data in promise.marks.items():
                self._give(name, data)

    def _give(self, name: str, data: bytes) -> None:
        handle = global_memory.allocate(data)
        if not _set(self._number(name), handle):
            code = win32.last_error()
            global_memory.free(handle)
            raise win32.Win32Error("SetClipboardData", code)

    def _owned(self) -> _Promise | None:
        return self._promise if self._promise is not None and _owner() == self._window.handle else None

    @contextlib.contextmanager
    def _opened(self) -> Iterator[None]:
        """The clipboard, open: another program may have it for a moment, so try for about a second."""
        delay = 0.005
        while True:
            try:
                _open(self._window.handle)
                break
            except win32.Win32Error as error:
                if delay > 0.4:
                    raise BackendError("busy", "another program on the guest holds the clipboard") from error
                time.sleep(delay)
                delay *= 2
        try:
            yield
        finally:
            _close()

    def _receive(self, message: int, wparam: int, _lparam: int) -> int | None:
        match message:
            case 0x031D:  # WM_CLIPBOARDUPDATE
                self._tell()
            case 0x0305:  # WM_RENDERFORMAT: the clipboard is open already, by the program that pastes
                self._render(wparam)
            case 0x0306:  # WM_RENDERALLFORMATS: we go away, what we promised must stay
                self._render_all()
            case 0x0307:  # WM_DESTROYCLIPBOARD: someone else copied
                self._promise = None
            case 0x0002:  # WM_DESTROY
                _unlisten(self._window.handle)
                return None
            case _:
                return None
        return 0

    def _tell(self) -> None:
        with self._watching:
            watchers = tuple(self._watchers)
        if not watchers:
            return
        try:
            offer = self._offer()
        except (BackendError, win32.Win32Error) as error:
            _log.info("the clipboard changed and could not be read: %s", error)
            return
        for changed in watchers:
            changed(offer)

    def _render(self, number: int) -> None:
        promise = self._promise
        if promise is None:
            return
        for target, mime in formats.targets(promise.mimes):
            if self._number(target) == number:
                try:
                    self._give(target, formats.render(target, promise.get(mime), gdiplus.decode_png))
                except (BackendError, ValueError, win32.Win32Error) as error:
                    # The program that pastes sees an empty format; the next one may fare better.
                    _log.info("%s could not be rendered: %s", target, error)
                return

    def _render_all(self) -> None:
        if self._owned() is None:
            return
        try:
            with self._opened():
                if self._owned() is not None:
                    for target, _mime in formats.targets(self._promise.mimes if self._promise else ()):
                        self._render(self._number(target))
        except BackendError as error:
            _log.info("the clipboard could not be kept: %s", error)
