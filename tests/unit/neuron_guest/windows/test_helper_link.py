"""Service and helper over a socket pair: calls, errors, events, ends, and answers that make no sense."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from neuron_guest.backend import BackendError, Happening, Mode, Offer
from neuron_guest.platform.windows import helper
from neuron_guest.platform.windows.helper_link import Answerer, Caller
from neuron_guest.platform.windows.helper_wire import pack
from neuron_guest.platform.windows.promise_route import PromiseRoute
from neuron_guest.platform.windows.session_backend import SessionBackend
from neuron_guest.simulated import SimulatedBackend

TEXT = "text/plain;charset=utf-8"


class SocketStream:
    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def read(self, size: int) -> bytes:
        return self._end.recv(size)

    def write(self, data: bytes) -> None:
        self._end.sendall(data)

    def close(self) -> None:
        try:
            self._end.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def forget(self) -> None:
        self._end.close()


class Pair:
    """Both ends, and the threads that read them."""

    def __init__(self) -> None:
        self.ends = [SocketStream(end) for end in socket.socketpair()]
        self.threads: list[threading.Thread] = []

    def run(self, work: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments)
        thread.start()
        self.threads.append(thread)

    def close(self) -> None:
        for end in self.ends:
            end.close()
        for thread in self.threads:
            thread.join()
        for end in self.ends:
            end.forget()


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.close()


@pytest.fixture
def session(pair: Pair) -> SessionBackend:
    """The service's backend over a helper that serves the simulated desktop."""
    backend = SessionBackend()
    caller = Caller(pair.ends[0], backend.event)
    pair.run(helper.serve, pair.ends[1], SimulatedBackend())
    pair.run(caller.run)
    backend.session_is("active")
    backend.attach(caller)
    return backend


def test_every_verb_of_the_desktop_passes_through(session: SessionBackend) -> None:
    session.clipboard_write({TEXT: "é😀".encode(), "text/html": b"<b>x</b>"}, secret=False)
    assert session.clipboard_read("text/html") == b"<b>x</b>"
    assert session.clipboard_offer().own
    modes = session.modes()
    assert session.mode() in modes
    assert session.set_mode(modes[0]) == modes[0]
    assert session.launch(session.apps(icons=True)[0].path, ["x"]) > 0
    window = session.windows()[0]
    session.focus_window(window.id)
    session.close_window(window.id)
    assert session.screenshot().startswith(b"\x89PNG")


def test_the_helpers_refusals_keep_their_code(session: SessionBackend) -> None:
    with pytest.raises(BackendError) as refusal:
        session.set_mode(Mode(123, 45))
    assert refusal.value.code == "mode-refused"
    with pytest.raises(BackendError) as refusal:
        session.clipboard_read("image/x-nothing")
    assert refusal.value.code == "not-found"


def test_copies_are_told_unless_the_screen_is_locked(session: SessionBackend) -> None:
    told: list[Offer] = []
    there = threading.Event()

    def changed(offer: Offer) -> None:
        told.append(offer)
        there.set()

    session.clipboard_watch(changed)
    session.session_is("locked")
    session.event("clipboard", {"formats": [TEXT], "secret": False, "own": False})
    assert told == []
    with pytest.raises(BackendError) as refusal:
        session.clipboard_read(TEXT)
    assert refusal.value.code == "locked"
    session.session_is("active")
    session.clipboard_write({TEXT: b"x"}, secret=False)
    assert there.wait(10)
    assert told[0].own


def test_locks_and_modes_are_told(session: SessionBackend) -> None:
    told: queue.Queue[Happening] = queue.Queue()
    stop = session.desktop_watch(told.put)
    assert told.get(timeout=10) == Happening(session="active")
    session.session_is("locked")
    assert told.get(timeout=10) == Happening(session="locked")
    mode = session.set_mode(Mode(1024, 768))  # the helper tells of it
    assert told.get(timeout=10) == Happening(mode=mode)
    stop()
    session.session_is("active")
    assert told.empty()


def test_a_session_is_told_as_active_while_its_helper_is_there(session: SessionBackend) -> None:
    told: queue.Queue[Happening] = queue.Queue()
    session.desktop_watch(told.put)
    assert told.get(timeout=10) == Happening(session="active")
    helper_there = session._helper
    session.attach(None)
    assert told.get(timeout=10) == Happening(session="none")
    session.attach(helper_there)
    assert told.get(timeout=10) == Happening(session="active")


def test_without_anybody_signed_in_the_desktop_is_not_there() -> None:
    session = SessionBackend()
    with pytest.raises(BackendError) as refusal:
        session.screenshot()
    assert refusal.value.code == "no-session"


def test_who_waits_when_the_helper_dies_is_told(pair: Pair) -> None:
    caller = Caller(pair.ends[0], lambda _name, _value: None)
    waiting = threading.Event()
    pair.run(Answerer(pair.ends[1], {"wait": lambda: waiting.wait(10)}).run)
    pair.run(caller.run)
    end = threading.Timer(0.05, pair.ends[1].close)
    end.start()
    with pytest.raises(BackendError) as refusal:
        caller.call("wait", {}, timeout=10)
    assert refusal.value.code == "no-session"
    waiting.set()
    end.join()


def test_a_slow_verb_holds_up_no_other_and_times_out(pair: Pair) -> None:
    go = threading.Event()
    caller = Caller(pair.ends[0], lambda _name, _value: None)
    pair.run(Answerer(pair.ends[1], {"wait": lambda: go.wait(10), "quick": lambda: 5}).run)
    pair.run(caller.run)
    with pytest.raises(BackendError) as refusal:
        caller.call("wait", {}, timeout=0.05)
    assert refusal.value.code == "timeout"
    assert caller.call("quick", {}, timeout=10) == 5
    go.set()


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("mode", {"width": "1", "height": 2, "refresh": 0}),
        ("mode", None),
        ("modes", [{"width": 1, "height": -2, "refresh": 0}]),
        ("windows", [{"id": 0, "title": "x", "app": "", "focused": True}]),
        ("windows", {"id": 1}),
        ("screenshot", "text"),
        ("clipboard_offer", {"formats": "text/plain", "secret": False, "own": False}),
        ("clipboard_offer", {"formats": [], "own": False}),
    ],
)
def test_a_helper_that_answers_nonsense_is_an_error_and_nothing_more(
    pair: Pair, verb: str, answer: object
) -> None:
    session = SessionBackend()
    caller = Caller(pair.ends[0], session.event)
    session.session_is("active")
    session.attach(caller)
    pair.run(Answerer(pair.ends[1], {verb: lambda: answer}).run)
    pair.run(caller.run)
    with pytest.raises(BackendError) as refusal:
        getattr(session, verb)()
    assert refusal.value.code == "failed"


def test_rubbish_ends_the_pipe(pair: Pair) -> None:
    caller = Caller(pair.ends[0], lambda _name, _value: None)
    pair.run(caller.run)
    for piece in pack({"neither": 1}):
        pair.ends[1].write(piece)
    assert pair.ends[1].read(1) == b""


def pasting(session: SessionBackend, mime: str) -> tuple[threading.Thread, list[object]]:
    """Somebody reads ``mime`` in the session; what came of it is in the list once the thread has ended."""
    result: list[object] = []

    def paste() -> None:
        try:
            result.append(session.clipboard_read(mime))
        except BackendError as error:
            result.append(error.code)

    thread = threading.Thread(target=paste)
    thread.start()
    return thread, result


def test_a_promise_is_kept_through_the_pipe_when_somebody_pastes(session: SessionBackend) -> None:
    asked: list[str] = []

    def fetch(mime: str) -> bytes:
        asked.append(mime)
        return b"\0content" * 100_000

    session.clipboard_promise((TEXT, "text/html"), fetch, secret=False)
    offer = session.clipboard_offer()
    assert (offer.formats, offer.own, asked) == ((TEXT, "text/html"), True, [])
    assert session.clipboard_read("text/html") == b"\0content" * 100_000
    assert asked == ["text/html"]


def test_more_programs_paste_than_the_helper_has_workers(session: SessionBackend) -> None:
    go = threading.Event()

    def fetch(mime: str) -> bytes:
        assert go.wait(20)
        return mime.encode()

    mimes = [f"x/{number}" for number in range(6)]
    session.clipboard_promise(mimes, fetch, secret=False)
    pastes = [pasting(session, mime) for mime in mimes]
    go.set()
    for (thread, result), mime in zip(pastes, mimes, strict=True):
        thread.join(30)
        assert result == [mime.encode()]


def test_a_promise_that_fails_is_refused_with_its_reason_and_an_older_one_is_stale(
    session: SessionBackend,
) -> None:
    def fetch(_mime: str) -> bytes:
        raise BackendError("gone-away", "no")

    session.clipboard_promise((TEXT,), fetch, secret=False)
    with pytest.raises(BackendError) as refusal:
        session.clipboard_read(TEXT)
    assert refusal.value.code == "gone-away"
    session._promise.begin(fetch)  # what a newer promise does
    with pytest.raises(BackendError) as refusal:
        session.clipboard_read(TEXT)
    assert refusal.value.code == "stale"
    session.clipboard_promise((), fetch, secret=False)
    assert session.clipboard_offer().formats == ()


@pytest.mark.parametrize("value", [None, {}, {"wanted": 1, "number": "2", "mime": "x"}, {"wanted": -1}])
def test_a_helper_that_wants_nonsense_gets_nothing(
    session: SessionBackend, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("CRITICAL"):
        session.event("wanted", value)
    assert session.clipboard_offer().formats == ()


def test_a_helper_that_wants_and_never_takes_is_served_a_few_times_only() -> None:
    """Each supply holds the content; the service must not keep ever more of them."""
    route, fetched, over = PromiseRoute(), queue.Queue[str](), threading.Event()

    class Stuck:
        def call(self, _verb: str, _arguments: object, *, timeout: float) -> None:
            assert over.wait(timeout)

    def fetch(mime: str) -> bytes:
        fetched.put(mime)
        return b"x"

    number = route.begin(fetch)
    for wanted in range(50):
        route.wanted({"wanted": wanted, "number": number, "mime": TEXT}, cast(Caller, Stuck()))
        if wanted < 8:
            fetched.get(timeout=20)
    assert route._places._value == 0
    assert fetched.empty()
    over.set()
