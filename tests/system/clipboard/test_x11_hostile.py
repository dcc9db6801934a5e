"""Other X11 programs that answer wrongly, late, for ever or not at all, and that ask for odd things."""

from __future__ import annotations

import select
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TypeVar

import pytest

from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Claim, Clipboard
from libneuron.system.clipboard.spool import MIB, Content, SpoolLimits
from libneuron.system.clipboard.targets import PNG, TEXT
from libneuron.system.clipboard.x11_wire import Display as Connection
from libneuron.system.clipboard.x11_wire import Event, PropertyNotify, SelectionNotify, SelectionRequest
from tests.system.clipboard.conftest import WAIT, Display, Watched

Answer = Callable[[Connection, SelectionRequest], None]
CLIPBOARD = "CLIPBOARD"
_T = TypeVar("_T", SelectionNotify, PropertyNotify)


class Program:
    """An X11 program under the test's control. ``answer`` is called, on a thread, for each request to it."""

    def __init__(self, display: Display) -> None:
        self.connection = Connection(display.name)
        self.requests: list[SelectionRequest] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def own(self, answer: Answer) -> None:
        """Own the clipboard and answer with ``answer``."""
        self.connection.set_owner(self.connection.window, CLIPBOARD, 0)

        def handle(event: Event) -> None:
            if isinstance(event, SelectionRequest):
                answer(self.connection, event)

        def run() -> None:
            while not self._stop.is_set():
                while (event := self.connection.event()) is not None:
                    handle(event)
                select.select([self.connection.fileno()], [], [], 0.05)

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def ask(self, target: str, prop: str = "ANSWER", *, wait: bool = True) -> SelectionNotify | None:
        """Ask the clipboard's owner for ``target``."""
        connection = self.connection
        connection.convert(CLIPBOARD, connection.atom(target), connection.atom(prop) if prop else 0, 0)
        return self.event(SelectionNotify) if wait else None

    def event(self, kind: type[_T]) -> _T:
        """The next event of ``kind``."""
        while True:
            event = self.connection.event()
            if isinstance(event, kind):
                return event
            if event is None:
                ready, _, _ = select.select([self.connection.fileno()], [], [], WAIT)
                assert ready, "no event came"

    def value(self, prop: str = "ANSWER") -> bytes:
        """What was put into our property."""
        connection = self.connection
        return connection.get(connection.window, connection.atom(prop), most=1 << 25, delete=True).data

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(WAIT)
        self.connection.close()


@pytest.fixture
def program(display: Display) -> Iterator[Program]:
    program = Program(display)
    yield program
    program.close()


def put(connection: Connection, request: SelectionRequest, kind: str, width: int, data: bytes) -> None:
    connection.put(request.requestor, request.property, connection.atom(kind), width, data)
    connection.notify(request, request.property)


def offering(*names: str, then: Answer) -> Answer:
    """Answers TARGETS with ``names`` and everything else with ``then``."""

    def answer(connection: Connection, request: SelectionRequest) -> None:
        if connection.name(request.target) == "TARGETS":
            atoms = [connection.atom(name) for name in names]
            put(connection, request, "ATOM", 32, struct.pack(f"={len(atoms)}I", *atoms))
        else:
            then(connection, request)

    return answer


def failure(clipboard: Clipboard, number: int, mime: str, limits: SpoolLimits) -> str:
    error = clipboard.read(number, mime, limits).exception(WAIT)
    assert isinstance(error, ClipboardError)
    return error.code


@pytest.mark.parametrize("data", [b"", b"abc", b"\xff" * 4096, bytes(4096)])
def test_a_list_of_targets_made_of_rubbish_is_an_empty_copy(
    data: bytes, program: Program, clipboard: Clipboard, watched: Watched
) -> None:
    program.own(lambda connection, request: put(connection, request, "ATOM", 8, data))
    before = watched.offers[-1].number
    assert watched.until(lambda offer: offer.number > before).formats == ()


def test_an_announced_size_over_the_limit_is_refused_at_once(
    program: Program, clipboard: Clipboard, watched: Watched
) -> None:
    def incr(connection: Connection, request: SelectionRequest) -> None:
        put(connection, request, "INCR", 32, struct.pack("=I", 0xFFFFFFFF))

    program.own(offering(PNG, then=incr))
    offer = watched.until(lambda offer: PNG in offer.formats)
    assert failure(clipboard, offer.number, PNG, SpoolLimits()) == "clipboard.too-large"


def test_a_transfer_without_end_stops_at_the_limit(
    program: Program, clipboard: Clipboard, watched: Watched
) -> None:
    stop = threading.Event()

    def endless(connection: Connection, request: SelectionRequest) -> None:
        connection.listen(request.requestor, on=True)
        put(connection, request, "INCR", 32, struct.pack("=I", 0))
        while not stop.is_set():
            event = connection.event()
            if isinstance(event, PropertyNotify) and event.deleted and event.atom == request.property:
                connection.put(request.requestor, request.property, request.target, 8, bytes(MIB // 8))
            elif event is None:
                select.select([connection.fileno()], [], [], 0.05)

    program.own(offering(PNG, then=endless))
    offer = watched.until(lambda offer: PNG in offer.formats)
    assert failure(clipboard, offer.number, PNG, SpoolLimits(most=4 * MIB)) == "clipboard.too-large"
    stop.set()


def test_a_late_answer_is_not_taken_for_the_answer_to_the_next_question(
    program: Program, clipboard: Clipboard, watched: Watched
) -> None:
    kept: list[SelectionRequest] = []
    asked = threading.Event()

    def late(connection: Connection, request: SelectionRequest) -> None:
        kept.append(request)
        if len(kept) == 1:
            return
        connection.listen(request.requestor, on=True)
        put(connection, kept[0], "UTF8_STRING", 8, b"late")
        taken = False
        while not taken:
            event = connection.event()
            taken = isinstance(event, PropertyNotify) and event.deleted and event.atom == kept[0].property
            if event is None:
                select.select([connection.fileno()], [], [], WAIT)
        put(connection, request, "UTF8_STRING", 8, b"in time")
        asked.set()

    program.own(offering("UTF8_STRING", then=late))
    offer = watched.until(lambda offer: TEXT in offer.formats)
    assert failure(clipboard, offer.number, TEXT, SpoolLimits()) == "clipboard.owner-silent"
    assert clipboard.read(offer.number, TEXT, SpoolLimits()).result(WAIT).whole() == b"in time"
    assert asked.is_set()


def claim(clipboard: Clipboard, watched: Watched, fetch: Callable[[str], Future[Content]]) -> None:
    clipboard.claim(Claim((TEXT, PNG), "vm-1", False, watched.offers[-1].number, fetch)).result(WAIT)


def ready(data: bytes) -> Future[Content]:
    future: Future[Content] = Future()
    future.set_result(Content.of(data))
    return future


def test_several_targets_can_be_had_in_one_request(
    program: Program, clipboard: Clipboard, watched: Watched
) -> None:
    claim(clipboard, watched, lambda mime: ready(mime.encode()))
    connection = program.connection
    wanted = ("TIMESTAMP", "T"), ("UTF8_STRING", "U"), ("image/png", "P"), ("image/jpeg", "J")
    pairs = [connection.atom(name) for pair in wanted for name in pair]
    data = struct.pack(f"={len(pairs)}I", *pairs)
    answer = connection.atom("ANSWER")
    connection.put(connection.window, answer, connection.atom("ATOM_PAIR"), 32, data)
    assert program.ask("MULTIPLE") is not None
    assert (program.value("U"), program.value("P")) == (TEXT.encode(), PNG.encode())
    assert len(program.value("T")) == 4
    assert struct.unpack("=8I", program.value())[6:] == (connection.atom("image/jpeg"), 0)


@pytest.mark.parametrize("data", [b"", b"\1\2\3\4", b"\xff" * 400])
def test_a_request_for_several_targets_that_is_rubbish_is_answered(
    data: bytes, program: Program, display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    claim(clipboard, watched, lambda _mime: ready(b"x"))
    connection = program.connection
    connection.put(connection.window, connection.atom("ANSWER"), connection.atom("ATOM_PAIR"), 32, data)
    assert program.ask("MULTIPLE") is not None
    assert display.paste() == b"x"


def test_unknown_targets_are_refused_and_obsolete_clients_served(
    program: Program, clipboard: Clipboard, watched: Watched
) -> None:
    claim(clipboard, watched, lambda _mime: ready(b"x"))
    refused = program.ask("application/x-unknown")
    assert refused is not None
    assert refused.property == 0
    program.ask("UTF8_STRING", "")  # names no property: the target's own atom is used
    assert program.value("UTF8_STRING") == b"x"


def test_a_program_that_floods_with_requests_is_refused_and_harms_nobody(
    program: Program, display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    never: Future[Content] = Future()
    claim(clipboard, watched, lambda mime: never if mime == PNG else ready(b"x"))
    for _ in range(300):
        program.ask(PNG, wait=False)
    refused = program.event(SelectionNotify)
    assert refused.property == 0
    never.set_exception(ClipboardError("clipboard.refused"))
    assert display.paste() == b"x"


def test_a_program_that_stops_taking_its_pieces_leaves_the_others_alone(
    program: Program, display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    claim(clipboard, watched, lambda mime: ready(bytes(4 * MIB) if mime == PNG else b"x"))
    begun = program.ask(PNG)  # and never deletes the first piece
    assert begun is not None
    assert begun.property
    assert display.paste() == b"x"
    assert display.paste(PNG) == bytes(4 * MIB)


def test_a_requestor_that_vanishes_in_the_middle_ends_nothing_but_itself(
    display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    claim(clipboard, watched, lambda mime: ready(bytes(4 * MIB) if mime == PNG else b"x"))
    brief = Program(display)
    brief.ask(PNG)
    brief.close()
    assert display.paste() == b"x"
