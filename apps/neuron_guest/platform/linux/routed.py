"""The service's backend: the desktop's verbs go to the helper of whoever sits at the screen."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from libneuron.guest.wire.errors import FieldError
from neuron_guest import files_link, helper_words
from neuron_guest.backend import App, BackendError, Happening, Mode, Offer, Window
from neuron_guest.helper_words import checked
from neuron_guest.platform.linux import link, system
from neuron_guest.platform.linux.headless import HeadlessBackend

if TYPE_CHECKING:
    from neuron_guest.platform.linux import locks

_log = logging.getLogger("neuron_guest")
# Seconds: a host that has just come waits for its first answers, and what starts a program is slow.
_LATER = 5.0


class RoutedBackend(HeadlessBackend):
    """See :class:`neuron_guest.backend.Backend`. Without a helper it is a guest where nobody is signed in.

    ``seated`` says who may be served; it is asked at every call, so that after a switch of users nobody gets
    what was meant for another.
    """

    def __init__(self, path: Path = link.SOCKET, seated: Callable[[], int | None] = link.seated_user) -> None:
        super().__init__()
        self.files = files_link.RemoteFiles(self._ask_for_files)
        self._seated = seated
        self._helpers: dict[int, link.Helper] = {}
        self._watchers: list[Callable[[Offer], None]] = []
        self._tellers: list[Callable[[Happening], None]] = []
        self._locked: bool | None = None  # None: logind was not asked yet
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o666)  # anybody may knock; who is let in, the kernel's word decides
        self._listener.listen(4)
        threading.Thread(target=self._accept, name="neuron-sessions", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return  # closed
            user = link.peer_user(stream)
            if user != self._seated():
                _log.info("user %d is not the one at the screen", user)
                stream.close()
                continue
            threading.Thread(target=self._serve, args=(stream, user), daemon=True).start()

    def _serve(self, stream: socket.socket, user: int) -> None:
        helper = link.Helper(stream, user, lambda message: self._told(user, message))
        previous = self._helpers.get(user)
        self._helpers[user] = helper
        if previous is not None:
            previous.replace()
        self._tell(Happening(session=self._session()))
        try:
            helper.run()
        finally:
            if self._helpers.get(user) is helper:
                del self._helpers[user]
            self._tell(Happening(session=self._session()))

    def _helper(self) -> link.Helper | None:
        user = self._seated()
        return None if user is None else self._helpers.get(user)

    def _ask(self, verb: str, **arguments: object) -> Any:
        helper = self._helper()
        if helper is None:
            raise BackendError("no-session", "nobody is signed in to a desktop")
        return helper.call(verb, **arguments)

    def _ask_for_files(self, verb: str, **arguments: object) -> Any:
        if verb != "files_discard":
            self._unlocked()
        return self._ask(verb, **arguments)

    def _told(self, user: int, message: Mapping[str, Any]) -> None:
        if user != self._seated():
            return
        try:
            if message.get("event") == "display":
                self._tell(Happening(mode=helper_words.mode(message.get("value"))))
            elif message.get("event") == "clipboard" and not self._locked:
                # A locked screen keeps what is copied behind it.
                offer = helper_words.offer(message.get("value"))
                for changed in list(self._watchers):
                    changed(offer)
        except FieldError as error:
            _log.info("the session's helper told nonsense: %s", error)

    def _tell(self, happening: Happening) -> None:
        for told in list(self._tellers):
            told(happening)

    def _session(self) -> str:
        if self._helper() is None:
            return "none"
        return "locked" if self._locked else "active"

    def _unlocked(self) -> None:
        """Raises: BackendError locked. Asks while nobody watches logind: nothing may slip out then."""
        locked = self._locked
        if locked is None:
            from neuron_guest.platform.linux import locks

            try:
                locked = locks.locked()
            except BackendError as error:
                _log.info("logind does not say whether the screen is locked: %s", error)
        if locked:
            raise BackendError("locked", "the person's screen is locked")

    def _lock(self, locked: bool) -> None:  # noqa: FBT001 — a callback's one value
        self._locked = locked
        self._tell(Happening(session=self._session()))

    def info(self) -> Mapping[str, object]:
        """See :meth:`Backend.info`."""
        try:
            told = self._ask("info")
        except BackendError as error:
            if error.code != "no-session":
                raise
            return super().info()
        locked = {"session": "locked"} if self._locked else {}
        if not isinstance(told, dict):
            raise BackendError("failed", "the session's helper answered nonsense")
        return {**told, **system.facts(), **locked}

    def clipboard_offer(self) -> Offer:
        """See :meth:`Backend.clipboard_offer`."""
        if self._helper() is None:
            return super().clipboard_offer()
        self._unlocked()
        told = self._ask("clipboard_offer")
        return checked(lambda: helper_words.offer(told))

    def clipboard_read(self, mime: str) -> bytes:
        """See :meth:`Backend.clipboard_read`."""
        if self._helper() is None:
            return super().clipboard_read(mime)
        self._unlocked()
        told = self._ask("clipboard_read", mime=mime)
        return checked(lambda: helper_words.binary(told))

    def clipboard_write(self, items: Mapping[str, bytes], *, secret: bool) -> None:
        """See :meth:`Backend.clipboard_write`."""
        if self._helper() is None:
            super().clipboard_write(items, secret=secret)
        else:
            self._ask("clipboard_write", items=dict(items), secret=secret)

    def clipboard_watch(self, changed: Callable[[Offer], None]) -> Callable[[], None]:
        """See :meth:`Backend.clipboard_watch`."""
        self._watchers.append(changed)
        return lambda: self._watchers.remove(changed)

    def desktop_watch(self, told: Callable[[Happening], None]) -> Callable[[], None]:
        """See :meth:`Backend.desktop_watch`: locks from logind, the display from the session's helper."""
        self._tellers.append(told)
        told(Happening(session=self._session()))
        stopped = threading.Event()
        watching: list[locks.Locks] = []

        def begin() -> None:
            if stopped.wait(_LATER):
                return
            from neuron_guest.platform.linux import locks

            watching.append(locks.Locks(self._lock))
            if not stopped.is_set():
                watching[0].run()

        def stop() -> None:
            stopped.set()
            if told in self._tellers:
                self._tellers.remove(told)
            for each in watching:
                each.stop()

        threading.Thread(target=begin, name="neuron-locks", daemon=True).start()
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
        told = self._ask("set_mode", **asdict(mode))
        return checked(lambda: helper_words.mode(told))

    def apps(self, *, icons: bool) -> Sequence[App]:
        """See :meth:`Backend.apps`."""
        told = self._ask("apps", icons=icons)
        return checked(lambda: helper_words.apps(told))

    def launch(self, path: str, args: Sequence[str]) -> int:
        """See :meth:`Backend.launch`: as the person, never as root."""
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
        told = self._ask("screenshot")
        return checked(lambda: helper_words.binary(told))

    def close(self) -> None:
        """See :meth:`Backend.close`."""
        # A thread in accept() does not notice close() alone (Linux close(2), notes on threads).
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for helper in list(self._helpers.values()):
            helper.close()
