"""The backend that the service uses: everything of the desktop is passed on to the helper in the session.

What the helper answers is typed and bounded here: it runs as an ordinary person, we as SYSTEM.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from libneuron.guest.wire.errors import FieldError
from libneuron.guest.wire.fields import Fields
from neuron_guest import helper_words
from neuron_guest.backend import App, BackendError, Fetch, Happening, Mode, Offer, Window
from neuron_guest.files_link import RemoteFiles
from neuron_guest.helper_words import checked
from neuron_guest.platform.windows import power, system_info, win32
from neuron_guest.platform.windows.helper_link import Caller
from neuron_guest.platform.windows.metrics import Metrics
from neuron_guest.platform.windows.promise_route import PromiseRoute

_log = logging.getLogger(__name__)

_QUICK, _SLOW = 20.0, 90.0  # seconds; a clipboard owner alone may take 60
_START_TIME = 10.0  # seconds a verb waits for a helper that starts
_MAXIMUM_PICTURE = 256 * 1024 * 1024


class SessionBackend:
    """Whichever helper is attached; without one, verbs of the desktop answer "no-session"."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._helper: Caller | None = None
        self._session = "none"
        self._watchers: list[Callable[[Offer], None]] = []
        self._tellers: list[Callable[[Happening], None]] = []
        self._promise = PromiseRoute()
        self.files = RemoteFiles(self._ask_for_files)
        self._metrics = Metrics()

    def attach(self, helper: Caller | None) -> None:
        """Use this helper from now on; None while there is none."""
        with self._lock:
            self._helper = helper
            self._lock.notify_all()
        self._tell_session()

    def session_is(self, word: str) -> None:
        """What ``info`` tells about the session: "none", "locked" or "active"."""
        with self._lock:
            self._session = word
            self._lock.notify_all()
        self._tell_session()

    def _served(self) -> str:
        """The session as it is told: nobody's until its helper is there to take what crosses."""
        return "none" if self._session == "active" and self._helper is None else self._session

    def _tell_session(self) -> None:
        with self._lock:
            session = self._served()
        self._tell(Happening(session=session))

    def _tell(self, happening: Happening) -> None:
        with self._lock:
            tellers = tuple(self._tellers)
        for told in tellers:
            told(happening)

    def event(self, name: str, value: Any) -> None:
        """What a helper said by itself."""
        if name == "wanted":
            with self._lock:
                helper = self._helper if self._session == "active" else None
            if helper is not None:
                self._promise.wanted(value, helper)
            return
        if name == "display":
            try:
                self._tell(Happening(mode=helper_words.mode(value)))
            except FieldError as error:
                _log.warning("the helper told of a display that makes no sense: %s", error)
            return
        if name != "clipboard":
            return
        try:
            offer = helper_words.offer(value)
        except FieldError as error:
            _log.warning("the helper told of a copy that makes no sense: %s", error)
            return
        with self._lock:
            # A locked screen keeps what is copied behind it.
            watchers = tuple(self._watchers) if self._session == "active" else ()
        for changed in watchers:
            changed(offer)

    def _ask(self, verb: str, *, timeout: float = _QUICK, **arguments: object) -> Any:
        with self._lock:
            # A person is there and the helper on its way: after a sign-in, or after it died.
            self._lock.wait_for(lambda: self._helper is not None or self._session == "none", _START_TIME)
            helper = self._helper
        if helper is None:
            raise BackendError("no-session", "nobody is signed in to this Windows")
        return helper.call(verb, arguments, timeout=timeout)

    def info(self) -> Mapping[str, object]:
        """See :meth:`Backend.info`."""
        with self._lock:
            session = self._session
        try:
            told = self._ask("info")
        except BackendError as error:
            if error.code != "no-session":
                raise
            return {**system_info.machine(), "session": session}
        person, dpi = checked(lambda: (Fields(told).line("user", ""), Fields(told).integer("dpi", 1, 10_000)))
        return {
            **system_info.machine(),
            "user": person or None,
            "session": session,
            "dpi": dpi,
            "features": list(system_info.FEATURES),
        }

    def clipboard_offer(self) -> Offer:
        """See :meth:`Backend.clipboard_offer`."""
        self._unlocked()
        told = self._ask("clipboard_offer", timeout=_SLOW)
        return checked(lambda: helper_words.offer(told))

    def clipboard_read(self, mime: str) -> bytes:
        """See :meth:`Backend.clipboard_read`."""
        self._unlocked()
        told = self._ask("clipboard_read", timeout=_SLOW, mime=mime)
        return checked(lambda: helper_words.binary(told))

    def clipboard_write(self, items: Mapping[str, bytes], *, secret: bool) -> None:
        """See :meth:`Backend.clipboard_write`."""
        self._unlocked()
        self._ask("clipboard_write", timeout=_SLOW, items=dict(items), secret=secret)

    def clipboard_promise(self, mimes: Sequence[str], fetch: Fetch, *, secret: bool) -> None:
        """See :meth:`Backend.clipboard_promise`."""
        self._unlocked()
        number = self._promise.begin(fetch) if mimes else 0
        self._ask("clipboard_promise", timeout=_SLOW, number=number, mimes=list(mimes), secret=secret)

    def _ask_for_files(self, verb: str, **arguments: object) -> Any:
        if verb != "files_discard":
            self._unlocked()
        return self._ask(verb, timeout=_SLOW, **arguments)

    def _unlocked(self) -> None:
        with self._lock:
            locked = self._session == "locked"
        if locked:
            raise BackendError("locked", "the person's screen is locked")

    def clipboard_watch(self, changed: Callable[[Offer], None]) -> Callable[[], None]:
        """See :meth:`Backend.clipboard_watch`; goes on through changes of the session."""
        with self._lock:
            self._watchers.append(changed)

        def stop() -> None:
            with self._lock:
                if changed in self._watchers:
                    self._watchers.remove(changed)

        return stop

    def desktop_watch(self, told: Callable[[Happening], None]) -> Callable[[], None]:
        """See :meth:`Backend.desktop_watch`; goes on through changes of the session."""
        with self._lock:
            self._tellers.append(told)
            session = self._served()
        told(Happening(session=session))

        def stop() -> None:
            with self._lock:
                if told in self._tellers:
                    self._tellers.remove(told)

        return stop

    def modes(self) -> Sequence[Mode]:
        """See :meth:`Backend.modes`."""
        told = self._ask("modes")
        return checked(lambda: helper_words.modes(told))

    def mode(self) -> Mode:
        """See :meth:`Backend.mode`."""
        told = self._ask("mode")
        return checked(lambda: helper_words.mode(told))

    def set_mode(self, mode: Mode) -> Mode:
        """See :meth:`Backend.set_mode`."""
        told = self._ask("set_mode", width=mode.width, height=mode.height, refresh=mode.refresh)
        return checked(lambda: helper_words.mode(told))

    def apps(self, *, icons: bool) -> Sequence[App]:
        """See :meth:`Backend.apps`."""
        told = self._ask("apps", timeout=_SLOW, icons=icons)
        return checked(lambda: helper_words.apps(told))

    def launch(self, path: str, args: Sequence[str]) -> int:
        """See :meth:`Backend.launch`."""
        told = self._ask("launch", path=path, args=list(args))
        return checked(lambda: helper_words.process(told))

    def open(self, target: str) -> None:
        """See :meth:`Backend.open`."""
        self._ask("open", target=target)

    def windows(self) -> Sequence[Window]:
        """See :meth:`Backend.windows`."""
        told = self._ask("windows")
        return checked(lambda: helper_words.windows(told))

    def focus_window(self, window: int) -> None:
        """See :meth:`Backend.focus_window`."""
        self._ask("focus_window", window=window)

    def close_window(self, window: int) -> None:
        """See :meth:`Backend.close_window`."""
        self._ask("close_window", window=window)

    def screenshot(self) -> bytes:
        """See :meth:`Backend.screenshot`."""
        told = self._ask("screenshot", timeout=_SLOW)
        picture = checked(lambda: helper_words.binary(told))
        if len(picture) > _MAXIMUM_PICTURE:
            raise BackendError("failed", "the helper sent a picture of impossible size")
        return picture

    def power(self, action: str) -> None:
        """See :meth:`Backend.power`; needs nobody signed in."""
        power.begin(action)

    def metrics(self) -> Mapping[str, float]:
        """See :meth:`Backend.metrics`; needs nobody signed in."""
        try:
            return self._metrics.read()
        except win32.Win32Error as error:
            raise BackendError("failed", str(error)) from error

    def close(self) -> None:
        """See :meth:`Backend.close`. Helpers end when their pipe does."""
        with self._lock:
            helper, self._helper = self._helper, None
            self._watchers.clear()
        if helper is not None:
            helper.close()
