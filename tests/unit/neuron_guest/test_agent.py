"""The agent against hosts that behave and hosts that do not."""

from __future__ import annotations

import logging
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from libneuron.guest.keys import KeyStore
from libneuron.guest.wire.channel import Down, Ready
from libneuron.guest.wire.errors import AuthenticationError
from libneuron.guest.wire.frames import Kind, frame
from libneuron.guest.wire.jsontext import encode
from libneuron.guest.wire.mux import BytesSource, Message
from libneuron.guest.wire.requests import VERBS
from libneuron.guest.wire.transfers import WANTED
from neuron_guest.backend import BackendError, Mode
from neuron_guest.keys import GuestKeys
from neuron_guest.simulated import SimulatedBackend
from tests.unit.neuron_guest.raw import RawHost, enrol, serving

TEXT = "text/plain;charset=utf-8"
ALL = ("clipboard_in", "clipboard_out", "launch", "screenshot", "power")


class Backend(SimulatedBackend):
    """The simulated desktop, whose verbs can be made to hang or to have a bug."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def metrics(self) -> Mapping[str, float]:
        self.gate.wait(20)
        return super().metrics()

    def modes(self) -> Sequence[Mode]:
        raise ZeroDivisionError("a bug")


@pytest.fixture
def backend() -> Iterator[Backend]:
    made = Backend()
    yield made
    made.gate.set()


@pytest.fixture
def agent(tmp_path: Path, backend: Backend) -> Iterator[tuple[Path, KeyStore, GuestKeys]]:
    with serving(tmp_path, backend) as made:
        yield made


@pytest.fixture
def host(agent: tuple[Path, KeyStore, GuestKeys]) -> Iterator[RawHost]:
    path, store, _ = agent
    enrol(path, store)
    made = RawHost(path, store)
    assert isinstance(made.begin(), Ready)
    yield made
    made.close()


VALID = {
    "width": 800, "height": 600, "path": "notes", "url": "http://x", "window": 1, "text": "t", "serial": 1,
    "wanted": 1, "size": 1, "batch": 1, "offset": 0, "count": 1, "node": 0,
}  # fmt: skip
"""Fields that suit every verb."""


def error(answer: Mapping[str, object]) -> str:
    assert answer["success"] is False
    found = answer["error"]
    assert isinstance(found, dict)
    return str(found["code"])


# -- enrolment ------------------------------------------------------------------------------------------


def test_an_enrolment_key_opens_nothing_but_enrolment(agent: tuple[Path, KeyStore, GuestKeys]) -> None:
    path, store, _ = agent
    host = RawHost(path, store, "enrol")
    greeting = host.begin()
    assert isinstance(greeting, Ready)
    assert greeting.hello["enrolling"] is True
    host.hello(*ALL)
    for verb in sorted(VERBS.keys() - {"ping", "hello", "enrol"}):
        assert error(host.ask(verb, VALID)) == "not-paired"
    host.close()


def test_an_enrolment_key_is_good_once(agent: tuple[Path, KeyStore, GuestKeys]) -> None:
    path, store, guest = agent
    spent = store.credentials("vm", "enrol")
    hand_over = (path.parent / "guest" / "neuron-enrolment.json").read_text()
    enrol(path, store)
    assert guest.paired
    (path.parent / "guest" / "neuron-enrolment.json").write_text(hand_over)  # the disc is still there
    again = RawHost(path, store)
    again.channel._credentials = lambda _hint: spent
    down = again.begin()
    assert isinstance(down, Down)
    assert isinstance(down.error, AuthenticationError)
    again.close()


def test_a_new_hand_over_pairs_again(agent: tuple[Path, KeyStore, GuestKeys], tmp_path: Path) -> None:
    path, store, _ = agent
    enrol(path, store)
    store.revoke("vm")
    (path.parent / "guest" / "neuron-enrolment.json").write_text(store.begin_enrolment("vm", "test"))
    enrol(path, store)
    host = RawHost(path, store)
    assert isinstance(host.begin(), Ready)
    host.close()


def test_a_guest_without_keys_says_so_at_once(agent: tuple[Path, KeyStore, GuestKeys]) -> None:
    path, store, _ = agent
    (path.parent / "guest" / "neuron-enrolment.json").unlink()
    host = RawHost(path, store, "enrol")
    down = host.begin()
    assert isinstance(down, Down)
    assert isinstance(down.error, AuthenticationError)
    host.close()


# -- messages in every state ----------------------------------------------------------------------------


def test_no_verb_works_before_hello(host: RawHost) -> None:
    for verb in sorted(VERBS.keys() - {"ping", "hello", "enrol", "measure"}):
        assert error(host.ask(verb, VALID)) == "bad-request"
    assert error(host.ask("enrol", dict.fromkeys(("certificate", "key", "peer"), "-----BEGIN X"))) == (
        "not-permitted"
    )


def test_what_is_not_permitted_is_refused_by_the_guest_too(host: RawHost) -> None:
    host.hello()
    for verb, data in (
        ("clipboard_get", None),
        ("clipboard_set", {"text": "x"}),
        ("launch_app", {"path": "notes"}),
        ("screenshot", None),
        ("shutdown", None),
    ):
        assert error(host.ask(verb, data)) == "not-permitted"


def test_a_slow_verb_does_not_delay_a_ping(host: RawHost, backend: Backend) -> None:
    host.hello()
    for number in range(8):
        host.channel.send({"type": "get_metrics", "request_id": f"slow{number}"})
    assert host.ask("ping")["success"]
    backend.gate.set()
    for number in range(8):
        assert host.answer(f"slow{number}")["success"]


def test_more_requests_than_it_will_queue_are_answered_with_busy(host: RawHost, backend: Backend) -> None:
    host.hello()
    for number in range(64):
        host.channel.send({"type": "get_metrics", "request_id": f"slow{number}"})
    assert error(host.ask("get_info")) == "busy"
    backend.gate.set()
    assert host.answer("slow63")["success"]
    assert host.ask("get_info")["success"]


@pytest.mark.expect_log("neuron_guest")
def test_a_bug_in_a_backend_is_one_failed_answer(host: RawHost) -> None:
    host.hello()
    assert error(host.ask("list_modes")) == "failed"
    assert host.ask("ping")["success"]


@pytest.mark.parametrize("identity", [None, True, [], {}, 1.5, "x" * 65])
def test_a_request_id_that_is_none_is_refused(host: RawHost, identity: object) -> None:
    host.channel.send({"type": "ping", "request_id": identity})
    assert error(host.answer(None)) == "bad-request"


def test_a_request_id_in_use_is_refused(host: RawHost, backend: Backend) -> None:
    host.hello()
    host.channel.send({"type": "get_metrics", "request_id": "same"})
    host.channel.send({"type": "get_info", "request_id": "same"})
    assert error(host.answer("same")) == "bad-request"
    backend.gate.set()
    assert host.answer("same")["success"]


@pytest.mark.parametrize(
    "bad",
    [
        b"\xff" * 8,
        frame(Kind.MESSAGE, 0, b"not json"),
        frame(Kind.MESSAGE, 0, b"[]"),
        frame(Kind.MESSAGE, 0, b"[" * 10_000),
        frame(Kind.MESSAGE, 0, encode({"data_size": 5})),
        frame(Kind.MESSAGE, 1, encode({"data_size": 1 << 40})),
        frame(Kind.MESSAGE, 1, encode({"data_size": -1})),
        frame(Kind.CREDIT, 1, b"123"),
        (Kind.MESSAGE << 24 | 0xFFFFFF).to_bytes(4, "big") + bytes(4),
        b"".join(frame(Kind.MESSAGE, 7, encode({"type": "clipboard_set", "request_id": n})) for n in (1, 2)),
        b"".join(
            frame(Kind.MESSAGE, n, encode({"type": "measure", "request_id": n, "data": {}}))
            for n in range(1, 100)
        ),
        frame(Kind.MESSAGE, 3, encode({"type": "clipboard_set", "request_id": 1, "data_size": 1 << 24}))
        + b"".join(frame(Kind.MESSAGE, n, encode({"data_size": 1 << 25})) for n in (4, 5)),
    ],
    ids=lambda bad: f"{len(bad)} bytes",
)
def test_what_breaks_the_protocol_ends_the_session_and_only_that(host: RawHost, bad: bytes) -> None:
    host.hello(*ALL)
    host.plain(bad)
    found = host.until(lambda event: isinstance(event, (Down, Ready)))
    if found == Down(None):  # the guest called, the channel began anew by itself
        assert isinstance(host.until(lambda event: isinstance(event, Ready)), Ready)
    assert host.ask("ping")["success"]
    assert error(host.ask("get_info")) == "bad-request"  # nothing of the old session is left


def test_a_session_switch_in_the_middle_of_a_transfer_leaves_nothing_behind(
    host: RawHost, backend: Backend
) -> None:
    host.hello(*ALL)
    backend.copy({TEXT: b"before"})
    head = {"type": "clipboard_set", "request_id": 1, "data": {"formats": [{"mime": TEXT, "size": 100_000}]}}
    host.channel.send(head, BytesSource(bytes(50_000)))
    host.flush()
    assert isinstance(host.begin(), Ready)
    host.hello(*ALL)
    assert host.ask("clipboard_get")["data"] == {"text": "before"}


def test_formats_that_do_not_add_up_change_nothing(host: RawHost, backend: Backend) -> None:
    host.hello(*ALL)
    backend.copy({TEXT: b"before"})
    answer = host.ask(
        "clipboard_set", {"formats": [{"mime": TEXT, "size": 10}]}, body=BytesSource(b"123456789")
    )
    assert error(answer) == "bad-field"
    assert host.ask("clipboard_get")["data"] == {"text": "before"}


def test_a_cancelled_request_is_answered_as_cancelled(host: RawHost, backend: Backend) -> None:
    host.hello(*ALL)
    host.channel.send({"type": "get_metrics", "request_id": "slow"})
    assert host.ask("cancel", {"target": "slow"})["success"]
    backend.gate.set()
    assert error(host.answer("slow")) == "cancelled"


# -- secrets --------------------------------------------------------------------------------------------


def test_a_copy_marked_secret_stays_in_the_guest(host: RawHost, backend: Backend) -> None:
    host.hello(*ALL)
    backend.copy({TEXT: b"hunter2"}, secret=True)
    assert error(host.ask("clipboard_get")) == "secret"
    assert error(host.ask("clipboard_get", {"mime": TEXT})) == "secret"
    host.hello(*ALL, "secrets")
    assert host.ask("clipboard_get")["data"] == {"text": "hunter2"}


def test_copies_are_announced_only_with_permission_and_never_secrets(host: RawHost, backend: Backend) -> None:
    host.hello("clipboard_in")
    backend.copy({TEXT: b"unannounced"})
    host.ask("ping")
    host.hello(*ALL)
    backend.copy({TEXT: b"hunter2"}, secret=True)
    backend.copy({TEXT: b"x", "text/html": b"x"})
    event = host.until(told_of("clipboard_offered"))
    assert isinstance(event, Message)
    assert event.head["data"] == {"formats": [TEXT, "text/html"], "secret": False, "own": False}


def told_of(kind: str) -> Callable[[object], bool]:
    """An event of this kind came."""
    return lambda event: isinstance(event, Message) and event.head.get("type") == kind


def test_a_host_hears_how_the_session_is_and_of_each_change(host: RawHost, backend: Backend) -> None:
    host.hello("clipboard_in")
    event = host.until(told_of("session_changed"))
    assert isinstance(event, Message)
    assert event.head["data"] == {"session": "active"}
    backend.lock(locked=True)
    event = host.until(told_of("session_changed"))
    assert isinstance(event, Message)
    assert event.head["data"] == {"session": "locked"}
    host.hello("clipboard_in")  # another host, or this one again
    event = host.until(told_of("session_changed"))
    assert isinstance(event, Message)
    assert event.head["data"] == {"session": "locked"}


def test_a_host_hears_of_another_mode_whoever_chose_it(host: RawHost, backend: Backend) -> None:
    host.hello(*ALL)
    host.ask("ping")
    backend.set_mode(Mode(1024, 768))
    backend.set_mode(Mode(1920, 1080))
    seen: list[Mapping[str, Any]] = []
    while not seen or seen[-1]["width"] != 1920:
        event = host.until(told_of("display_changed"))
        assert isinstance(event, Message)
        seen.append(event.head["data"])
    assert seen[-1] == {"width": 1920, "height": 1080, "refresh": 60}


def test_what_is_copied_is_never_logged(
    host: RawHost, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    host.hello(*ALL)
    host.ask("clipboard_set", {"text": "correct horse battery"})
    host.ask("clipboard_get")
    host.ask("launch_app", {"path": "correct horse battery"})
    assert "correct horse" not in caplog.text
    assert "PRIVATE" not in caplog.text


# -- power, port ----------------------------------------------------------------------------------------


def test_shutdown_answers_before_it_happens(host: RawHost, backend: Backend) -> None:
    host.hello(*ALL)
    assert host.ask("shutdown")["success"]
    assert not backend.powered_off.is_set()
    assert backend.powered_off.wait(10)


def test_a_host_that_goes_and_comes_is_served_again(agent: tuple[Path, KeyStore, GuestKeys]) -> None:
    path, store, _ = agent
    enrol(path, store)
    for _ in range(3):
        host = RawHost(path, store)
        began = time.monotonic()
        assert isinstance(host.begin(), Ready)
        assert time.monotonic() - began < 10
        host.close()


def test_backend_errors_carry_their_code() -> None:
    assert BackendError("mode-refused", "no").code == "mode-refused"


# -- a guest user who means harm ------------------------------------------------------------------------


def test_copies_with_endless_names_do_not_end_the_agent(host: RawHost, backend: Backend) -> None:
    host.hello(*ALL)
    for _ in range(300):
        backend.copy(dict.fromkeys((f"{number}" + "x" * 250 for number in range(300)), b""))
    backend.copy({TEXT: b"last"})
    event = host.until(
        lambda event: isinstance(event, Message) and event.head.get("data", {}).get("formats") == [TEXT]
    )
    assert isinstance(event, Message)
    assert host.ask("ping")["success"]


def test_copies_that_nobody_fetches_fill_no_queue(host: RawHost, backend: Backend) -> None:
    host.hello(*ALL)
    for number in range(20_000):
        backend.copy({f"text/{number}": b""})
    backend.copy({TEXT: b"last"})
    told = 0
    while True:
        event = host.until(told_of("clipboard_offered"))
        assert isinstance(event, Message)
        told += 1
        if event.head["data"]["formats"] == [TEXT]:
            break
    assert told < 10_000


def test_a_request_in_tiny_pieces_does_not_keep_the_buffers_they_lay_in(
    host: RawHost, backend: Backend
) -> None:
    host.hello(*ALL)
    data = {"formats": [{"mime": TEXT, "size": 50}]}
    host.plain(frame(Kind.MESSAGE, 7, encode({"type": "clipboard_set", "request_id": "s", "data": data})))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(50):
            host.plain(frame(Kind.BODY, 7, b"x") + frame(Kind.BODY, 99, bytes(60_000)) * 2)
        host.ask("ping")
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    host.plain(frame(Kind.END, 7))
    assert host.answer("s")["success"]
    assert backend.clipboard_read(TEXT) == b"x" * 50
    assert kept < 1_000_000


# -- promised copies ------------------------------------------------------------------------------------


def wanted(host: RawHost) -> Mapping[str, Any]:
    event = host.until(lambda event: isinstance(event, Message) and event.head.get("type") == WANTED)
    assert isinstance(event, Message)
    found: Mapping[str, Any] = event.head["data"]
    return found


def ask_for(host: RawHost, mime: str) -> int:
    """A paste begins; returns the request's id."""
    host._next += 1
    host.channel.send({"type": "clipboard_get", "request_id": host._next, "data": {"mime": mime}})
    return host._next


def test_more_pastes_than_workers_are_all_supplied(host: RawHost) -> None:
    host.hello(*ALL)
    mimes = ["text/html", "text/rtf", "image/png", TEXT]
    host.ask("clipboard_promise", {"serial": 3, "formats": mimes})
    pastes = [ask_for(host, mime) for mime in mimes]
    found = [wanted(host) for _ in pastes]  # every worker waits now
    assert {data["serial"] for data in found} == {3}
    for data in found:
        assert host.ask("clipboard_supply", {"wanted": data["wanted"]}, body=BytesSource(b"x"))["success"]
    assert all(host.answer(paste)["success"] for paste in pastes)


def test_what_the_host_cannot_hand_over_fails_with_its_reason(host: RawHost) -> None:
    host.hello(*ALL)
    host.ask("clipboard_promise", {"serial": 3, "formats": ["text/html"]})
    paste = ask_for(host, "text/html")
    number = wanted(host)["wanted"]
    host.ask("clipboard_supply", {"wanted": number, "problem": "clipboard.owner-silent"})
    assert error(host.answer(paste)) == "clipboard.owner-silent"
    assert host.ask("clipboard_supply", {"wanted": number})["success"]  # too late: nobody waits


def test_whoever_pastes_when_the_host_goes_is_told_at_once(
    agent: tuple[Path, KeyStore, GuestKeys], host: RawHost
) -> None:
    host.hello(*ALL)
    host.ask("clipboard_promise", {"serial": 3, "formats": ["text/html"]})
    ask_for(host, "text/html")
    wanted(host)
    assert isinstance(host.begin(), Ready)  # a new session
    host.hello(*ALL)
    assert error(host.ask("clipboard_get", {"mime": "text/html"})) == "no-session"
