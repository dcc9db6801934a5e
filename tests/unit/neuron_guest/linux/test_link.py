"""Service and session: only the person at the screen is served, and nonsense is refused."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import pytest

from neuron_guest.backend import BackendError, Happening, Mode
from neuron_guest.helper_verbs import verbs
from neuron_guest.platform.linux import link, locks, programs, routed
from neuron_guest.platform.linux.helper import serve_session
from neuron_guest.platform.linux.routed import RoutedBackend
from neuron_guest.simulated import SimulatedBackend
from tests.system.contract.contract import eventually

TEXT = "text/plain;charset=utf-8"


class Seat:
    """Who sits at the screen."""

    def __init__(self) -> None:
        self.user: int | None = os.geteuid()

    def __call__(self) -> int | None:
        return self.user


@pytest.fixture
def seat() -> Seat:
    return Seat()


@pytest.fixture
def backend(tmp_path: Path, seat: Seat, monkeypatch: pytest.MonkeyPatch) -> Iterator[RoutedBackend]:
    monkeypatch.setattr(locks, "locked", lambda: False)  # not this machine's own screen
    made = RoutedBackend(tmp_path / "run" / "s", seat)
    yield made
    made.close()


@pytest.fixture
def knock(tmp_path: Path, backend: RoutedBackend) -> Iterator[Callable[[], socket.socket]]:
    opened: list[socket.socket] = []

    def go() -> socket.socket:
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(10)
        stream.connect(str(tmp_path / "run" / "s"))
        opened.append(stream)
        return stream

    yield go
    for stream in opened:
        stream.close()


def attach(stream: socket.socket, backend: RoutedBackend, desktop: SimulatedBackend) -> threading.Thread:
    stream.settimeout(None)
    arguments = (stream, verbs(desktop), threading.Lock())
    thread = threading.Thread(target=link.answer, args=arguments, daemon=True)
    thread.start()
    assert eventually(lambda: backend.info()["session"] == "active", seconds=10)
    return thread


def code(work: Callable[[], object]) -> str:
    with pytest.raises(BackendError) as caught:
        work()
    return caught.value.code


def test_verbs_reach_the_session(backend: RoutedBackend, knock: Callable[[], socket.socket]) -> None:
    desktop = SimulatedBackend()
    attach(knock(), backend, desktop)
    backend.clipboard_write({TEXT: "🙂".encode()}, secret=False)
    assert desktop.clipboard_read(TEXT) == "🙂".encode()
    assert backend.clipboard_read(TEXT) == "🙂".encode()
    assert backend.mode() == desktop.mode()
    assert backend.launch("notes", ["a"]) > 0
    assert [window.title for window in backend.windows()] == ["Notes (simulated) a"]
    assert backend.screenshot().startswith(b"\x89PNG")
    assert backend.apps(icons=True)[0].icon.startswith(b"\x89PNG")
    assert code(lambda: backend.launch("nothing", [])) == "not-found"


def test_another_users_helper_is_hung_up_on(
    backend: RoutedBackend, seat: Seat, knock: Callable[[], socket.socket]
) -> None:
    seat.user = os.geteuid() + 1
    assert knock().recv(1) == b""
    assert backend.info()["session"] == "none"


def test_after_a_switch_of_users_nothing_reaches_the_first(
    backend: RoutedBackend, seat: Seat, knock: Callable[[], socket.socket]
) -> None:
    desktop = SimulatedBackend()
    attach(knock(), backend, desktop)
    seat.user = os.geteuid() + 1
    backend.clipboard_write({TEXT: b"for the second"}, secret=False)
    assert desktop.clipboard_offer().formats == ()
    assert code(backend.screenshot) == "no-session"


def test_a_second_session_of_the_same_person_replaces_the_first(
    backend: RoutedBackend, knock: Callable[[], socket.socket]
) -> None:
    first, second = SimulatedBackend(), SimulatedBackend()
    thread = attach(knock(), backend, first)
    attach(knock(), backend, second)
    thread.join(10)
    assert not thread.is_alive()
    backend.clipboard_write({TEXT: b"x"}, secret=False)
    assert second.clipboard_read(TEXT) == b"x"


def test_a_session_that_ends_is_no_session(
    backend: RoutedBackend, knock: Callable[[], socket.socket]
) -> None:
    stream = knock()
    attach(stream, backend, SimulatedBackend())
    stream.shutdown(socket.SHUT_RDWR)
    assert eventually(lambda: backend.info()["session"] == "none", seconds=10)
    assert code(backend.windows) == "no-session"


@pytest.mark.parametrize("nonsense", ["null", "[]", '{"width": "1"}', '{"width": 1}', "7"])
def test_nonsense_from_a_helper_is_refused(
    backend: RoutedBackend, knock: Callable[[], socket.socket], nonsense: str
) -> None:
    stream = knock()

    def fool() -> None:
        while True:
            try:
                asked = link.receive(stream)
            except (EOFError, OSError):
                return
            value = '{"session": "active"}' if asked["verb"] == "info" else nonsense
            text = f'{{"value": {value}}}'.encode()
            stream.sendall(struct.pack(">I", len(text)) + text)

    stream.settimeout(None)
    threading.Thread(target=fool, daemon=True).start()
    assert eventually(lambda: backend.info()["session"] == "active", seconds=10)
    assert code(backend.mode) == "failed"
    assert code(backend.screenshot) == "failed"


def test_a_message_of_four_gibibytes_is_refused(
    backend: RoutedBackend, knock: Callable[[], socket.socket]
) -> None:
    stream = knock()
    stream.sendall(b"\xff\xff\xff\xff")
    assert stream.recv(1) == b""


def test_the_seat_is_read_from_logind(tmp_path: Path) -> None:
    (tmp_path / "seat0").write_text("IS_SEAT0=1\nACTIVE=3\nACTIVE_UID=1000\n")
    assert link.seated_user(tmp_path / "seat0") == 1000
    (tmp_path / "seat0").write_text("IS_SEAT0=1\n")
    assert link.seated_user(tmp_path / "seat0") is None
    assert link.seated_user(tmp_path / "gone") is None


def heard_on(pipe: Path) -> TextIO:
    """``pipe`` to write on, once somebody reads it. Opening it plainly waits for ever where nobody does."""
    found: list[int] = []

    def opened() -> bool:
        with contextlib.suppress(OSError):  # ENXIO: nobody yet
            found.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        return bool(found)

    assert eventually(opened, seconds=30), "nobody listens"
    return os.fdopen(found[0], "w", encoding="utf-8")


def test_a_locked_screen_is_told_and_keeps_its_copies(
    tmp_path: Path,
    backend: RoutedBackend,
    knock: Callable[[], socket.socket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """logind's part is played by programs of its tools' names."""
    (tmp_path / "seat0").write_text("ACTIVE=c7\nACTIVE_UID=0\n")
    monkeypatch.setattr(locks, "locked", lambda _seat: real(tmp_path / "seat0"))
    monkeypatch.setattr(locks, "_AGAIN", 0.01)
    monkeypatch.setattr(routed, "_LATER", 0.0)
    hint, news, starts = tmp_path / "hint", tmp_path / "news", tmp_path / "starts"
    hint.write_text("no\n")
    os.mkfifo(news)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in (
        ("loginctl", f'[ "$*" = "show-session c7 --property=LockedHint --value" ] && cat {hint}'),
        ("busctl", f"echo >> {starts}; exec cat {news}"),
    ):
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    attach(knock(), backend, SimulatedBackend())
    told: queue.Queue[Happening] = queue.Queue()
    stop = backend.desktop_watch(told.put)
    with heard_on(news) as line:
        assert told.get(timeout=10) == Happening(session="active")
        hint.write_text("yes\n")
        line.write('{"member":"PropertiesChanged","payload":{"data":["…",{"IdleHint":{}}]}}\n')
        line.write('{"member":"PropertiesChanged","payload":{"data":["…",{"LockedHint":{"data":true}}]}}\n')
        line.flush()
        while told.get(timeout=10) != Happening(session="locked"):
            pass
        assert backend.info()["session"] == "locked"
        assert code(lambda: backend.clipboard_read(TEXT)) == "locked"
        hint.write_text("no\n")
        line.write('{"payload":{"data":["…",{"ActiveSession":{}}]}}\n')
        line.flush()
        while told.get(timeout=10) != Happening(session="active"):
            pass  # a monitor that began late asked for itself, and told of the lock twice
        assert backend.info()["session"] == "active"
    # The bus was restarted: the monitor ended, and another one is started.
    assert eventually(lambda: starts.read_bytes() == b"\n\n", seconds=30)
    with heard_on(news) as line:
        hint.write_text("yes\n")
        line.write('{"payload":{"data":["…",{"LockedHint":{}}]}}\n')
        line.flush()
        while told.get(timeout=10) != Happening(session="locked"):
            pass
        stop()


real = locks.locked


def test_a_screen_that_was_locked_before_anybody_looked_keeps_its_copies(
    backend: RoutedBackend, knock: Callable[[], socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    attach(knock(), backend, SimulatedBackend())
    backend.clipboard_write({TEXT: b"x"}, secret=False)
    monkeypatch.setattr(locks, "locked", lambda: True)
    assert code(lambda: backend.clipboard_read(TEXT)) == "locked"
    assert code(backend.files.copied) == "locked"
    backend._lock(False)  # logind is watched from now on
    assert backend.clipboard_read(TEXT) == b"x"


def test_a_bus_that_comes_back_is_listened_to_soon_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each restart of the bus ends the monitor; only one that never heard anything is tried more seldom."""
    says = iter(["", "", "{}", "", "{}"])
    watched = locks.Locks(lambda _locked: None, tmp_path / "no seat")
    pauses: list[float] = []

    class Ends(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            pauses.append(timeout)
            return False

        def is_set(self) -> bool:
            return len(pauses) == 5

    monkeypatch.setattr(watched, "_stopped", Ends())
    listen = programs.listen
    monkeypatch.setattr(programs, "listen", lambda _argv: listen(["printf", next(says)]))
    watched.run()
    assert pauses == [2, 4, 2, 4, 2]


def test_the_helper_tells_of_the_displays_modes(backend: RoutedBackend, tmp_path: Path) -> None:
    desktop = SimulatedBackend()
    thread = threading.Thread(target=serve_session, args=(desktop, tmp_path / "run" / "s"), daemon=True)
    thread.start()
    assert eventually(lambda: backend.info()["session"] == "active", seconds=10)
    told: queue.Queue[Happening] = queue.Queue()
    backend._tellers.append(told.put)
    mode = desktop.set_mode(Mode(1024, 768))
    assert told.get(timeout=10) == Happening(mode=mode)


def test_answers_that_nobody_asked_for_end_the_helper(
    backend: RoutedBackend, knock: Callable[[], socket.socket]
) -> None:
    """Kept, they would fill the service's memory, and be taken for the answers to what is asked next."""
    stream = knock()
    link.send(stream, {"value": "forged"})
    assert stream.recv(1) == b""
    assert eventually(lambda: not backend._helpers, seconds=10)


def test_a_message_of_millions_of_parts_is_refused_before_it_is_taken_apart(
    backend: RoutedBackend, knock: Callable[[], socket.socket]
) -> None:
    """85 MB of empty lists took the service 2 GB, and 11 s in which it answered nobody."""
    stream = knock()
    text = b'{"event": "display", "value": [' + b"[]," * 1_000_000 + b"[]]}"
    with contextlib.suppress(OSError):  # it may hang up while we still send
        stream.sendall(struct.pack(">I", len(text)) + text)
    assert stream.recv(1) == b""


def test_bytes_that_are_no_text_end_the_helper(
    backend: RoutedBackend, knock: Callable[[], socket.socket]
) -> None:
    stream = knock()
    text = b'{"event": {"$b64": 7}}'
    stream.sendall(struct.pack(">I", len(text)) + text)
    assert stream.recv(1) == b""
    assert eventually(lambda: not backend._helpers, seconds=10)


def test_files_stay_behind_a_locked_screen(
    backend: RoutedBackend, knock: Callable[[], socket.socket]
) -> None:
    attach(knock(), backend, SimulatedBackend())
    batch = backend.files.begin(0)
    backend._lock(True)
    assert code(backend.files.copied) == "locked"
    assert code(lambda: backend.files.read(1, 0, 0, 1)) == "locked"
    backend.files.discard(batch)
