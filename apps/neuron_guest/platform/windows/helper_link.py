"""The two ends of the pipe between service and helper: calls one way, answers and events the other.

Neither end knows what a pipe is: a :class:`Stream` is enough.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, Protocol

from neuron_guest.backend import BackendError
from neuron_guest.platform.windows import win32
from neuron_guest.platform.windows.helper_wire import Reader, WireError, pack
from neuron_guest.platform.windows.overlapped import Closed

_log = logging.getLogger(__name__)

_READ = 64 * 1024
_WORKERS = 4
_GONE = (win32.Win32Error, Closed, WireError, OSError)


class Stream(Protocol):
    """Bytes both ways. Methods raise Win32Error, Closed or OSError when the other end is gone."""

    def read(self, size: int, /) -> bytes:
        """Wait for up to ``size`` bytes; empty at the end."""

    def write(self, data: bytes, /) -> None:
        """Write all of it."""

    def close(self) -> None:
        """Wake every waiting thread and close."""


class _End:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._sending = threading.Lock()

    def _send(self, message: Mapping[str, object]) -> None:
        pieces = pack(message)
        with self._sending:
            for piece in pieces:
                self._stream.write(piece)

    def _messages(self, take: Callable[[dict[str, Any]], None]) -> None:
        """Hand every message to ``take`` until the other end is gone."""
        reader = Reader()
        try:
            while data := self._stream.read(_READ):
                for message in reader.feed(data):
                    take(message)
        except _GONE as error:
            _log.debug("the pipe ended: %s", error)
        finally:
            self._stream.close()

    def close(self) -> None:
        """End it."""
        self._stream.close()


class Caller(_End):
    """The service's end. ``event`` is called on the reading thread with what the helper says by itself."""

    def __init__(self, stream: Stream, event: Callable[[str, Any], None]) -> None:
        super().__init__(stream)
        self._event = event
        self._waiting: dict[int, Future[Any]] = {}
        self._lock = threading.Lock()
        self._last = 0
        self._ended = False

    def run(self) -> None:
        """Read until the helper is gone; whoever waits then gets "no-session"."""
        self._messages(self._take)
        with self._lock:
            self._ended = True
            waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            future.set_exception(BackendError("no-session", "the helper in the session ended"))

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"answer": int(number), "value": value}:
                self._settle(number).set_result(value)
            case {"answer": int(number), "error": str(code), "text": str(text)}:
                self._settle(number).set_exception(BackendError(code[:64], text[:4000]))
            case {"event": str(name), "value": value}:
                self._event(name, value)
            case _:
                raise WireError("neither an answer nor an event")

    def _settle(self, number: int) -> Future[Any]:
        with self._lock:
            # An answer that came too late finds nobody waiting.
            return self._waiting.pop(number, None) or Future()

    def call(self, verb: str, arguments: Mapping[str, object], *, timeout: float) -> Any:
        """Ask the helper and wait. Raises: BackendError (its own, or no-session, timeout)."""
        future: Future[Any] = Future()
        with self._lock:
            if self._ended:
                raise BackendError("no-session", "the helper in the session ended")
            self._last += 1
            number = self._last
            self._waiting[number] = future
        try:
            self._send({"call": number, "verb": verb, "arguments": arguments})
            return future.result(timeout)
        except FutureTimeout as error:
            self._settle(number)
            raise BackendError("timeout", f"the session did not answer {verb} in {timeout:g} s") from error
        except _GONE as error:
            self._settle(number)
            raise BackendError("no-session", f"the helper in the session is gone: {error}") from error


class Answerer(_End):
    """The helper's end: runs what the service asks on worker threads, so that one slow verb holds up none.

    Verbs ``at_once`` never wait; they run on the thread that reads.
    """

    def __init__(
        self, stream: Stream, verbs: Mapping[str, Callable[..., object]], at_once: Collection[str] = ()
    ) -> None:
        super().__init__(stream)
        self._verbs = verbs
        self._at_once = at_once

    def run(self) -> None:
        """Answer until the service is gone."""
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="helper") as workers:
            self._messages(lambda message: self._take(message, workers))
            workers.shutdown(wait=False, cancel_futures=True)

    def _take(self, message: dict[str, Any], workers: ThreadPoolExecutor) -> None:
        match message:
            case {"call": int(number), "verb": str(verb), "arguments": dict(arguments)}:
                if verb in self._at_once:
                    self._answer(number, verb, arguments)
                    return
                workers.submit(self._answer, number, verb, arguments)
            case _:
                raise WireError("not a call")

    def _answer(self, number: int, verb: str, arguments: Mapping[str, Any]) -> None:
        work = self._verbs.get(verb)
        if work is None:
            self._tell({"answer": number, "error": "unknown-command", "text": f"the helper knows no {verb}"})
            return
        try:
            answer: dict[str, object] = {"answer": number, "value": work(**arguments)}
        except BackendError as error:
            answer = {"answer": number, "error": error.code, "text": str(error)}
        except Exception as error:  # noqa: BLE001 — a bug in one verb must not end the helper
            _log.exception("%s failed", verb)
            answer = {"answer": number, "error": "failed", "text": repr(error)}
        self._tell(answer)

    def event(self, name: str, value: object) -> None:
        """Tell the service something by ourselves."""
        self._tell({"event": name, "value": value})

    def _tell(self, message: Mapping[str, object]) -> None:
        try:
            self._send(message)
        except _GONE as error:
            _log.debug("the service is gone: %s", error)
            self._stream.close()
