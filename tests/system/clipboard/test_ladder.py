"""The best clipboard that a desktop allows, on real and on faked desktops."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.system.clipboard.ladder import open_clipboard
from tests.system.clipboard.conftest import Compositor, Display


class FakeCompositor:
    """Answers the first round trip with ``interfaces`` and then with ``rubbish``."""

    def __init__(self, path: Path, interfaces: tuple[str, ...], rubbish: bytes = b"") -> None:
        self.path = path
        self._interfaces = interfaces
        self._rubbish = rubbish
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self.received = bytearray()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            while len(self.received) < 24:  # get_registry and sync
                self.received += connection.recv(4096)
            registry, callback = (
                struct.unpack_from("=I", self.received, 8)[0],
                struct.unpack_from("=I", self.received, 20)[0],
            )
            for number, name in enumerate(self._interfaces):
                raw = name.encode() + b"\0"
                body = (
                    struct.pack("=II", number, len(raw)) + raw + bytes(-len(raw) % 4) + struct.pack("=I", 1)
                )
                connection.sendall(struct.pack("=II", registry, (8 + len(body)) << 16) + body)
            connection.sendall(struct.pack("=III", callback, 12 << 16, 0))
            if self._rubbish:
                connection.sendall(self._rubbish)
            while data := connection.recv(4096):
                self.received += data

    def close(self) -> None:
        self._listener.close()
        self._thread.join(10)


@pytest.fixture
def made() -> Iterator[list[FakeCompositor]]:
    compositors: list[FakeCompositor] = []
    yield compositors
    for compositor in compositors:
        compositor.close()


def environment(path: Path, display: str = "") -> dict[str, str]:
    return {"WAYLAND_DISPLAY": path.name, "XDG_RUNTIME_DIR": str(path.parent), "DISPLAY": display}


def test_wayland_is_preferred_where_it_lets_us(
    compositor: Compositor, display: Display, tmp_path: Path
) -> None:
    found = open_clipboard(environment(compositor.socket, display.name), spool=tmp_path)
    assert (found.clipboard.kind, found.passed_over) == ("wlr-data-control", ())
    found.clipboard.close()


def test_the_standardised_protocol_is_preferred_to_the_older_one(
    made: list[FakeCompositor], tmp_path: Path
) -> None:
    names = ("zwlr_data_control_manager_v1", "wl_seat", "ext_data_control_manager_v1")
    made.append(FakeCompositor(tmp_path / "wayland-9", names))
    found = open_clipboard(environment(made[0].path), spool=tmp_path)
    assert found.clipboard.kind == "ext-data-control"
    found.clipboard.start(lambda _offer: None, lambda _error: None)
    found.clipboard.close()


def test_a_compositor_without_data_control_leaves_x11(
    made: list[FakeCompositor], display: Display, tmp_path: Path
) -> None:
    made.append(FakeCompositor(tmp_path / "wayland-9", ("wl_seat", "wl_compositor")))
    found = open_clipboard(environment(made[0].path, display.name), spool=tmp_path)
    assert (found.clipboard.kind, found.passed_over) == ("x11", ("Wayland: no data-control protocol",))
    found.clipboard.close()


def test_without_any_desktop_it_is_done_by_hand_and_the_reasons_are_kept(tmp_path: Path) -> None:
    found = open_clipboard(environment(tmp_path / "none", ":9876"), spool=tmp_path)
    assert found.clipboard.kind == "manual"
    assert [reason.split(":")[0] for reason in found.passed_over] == ["Wayland", "X11"]
    assert open_clipboard({}, spool=tmp_path).passed_over == ()


@pytest.mark.parametrize(
    "rubbish",
    [
        struct.pack("=II", 1, 4 << 16),  # smaller than its head
        struct.pack("=II", 1, 0xFFF1 << 16),  # not a multiple of four
        struct.pack("=II", 1, 12 << 16 | 0) + b"\0\0\0\0",  # an error event without its text
        struct.pack("=IIII", 1, 20 << 16 | 0, 1, 2) + struct.pack("=I", 0xFFFFFFFF),  # a string of 4 GiB
    ],
)
def test_rubbish_from_a_compositor_ends_the_clipboard_and_says_so(
    rubbish: bytes, made: list[FakeCompositor], tmp_path: Path
) -> None:
    names = ("wl_seat", "ext_data_control_manager_v1")
    made.append(FakeCompositor(tmp_path / "wayland-9", names, rubbish))
    found = open_clipboard(environment(made[0].path), spool=tmp_path)
    if found.clipboard.kind == "manual":
        assert found.passed_over[0].startswith("Wayland: ")
        return
    ended = threading.Event()
    found.clipboard.start(lambda _offer: None, lambda _error: ended.set())
    assert ended.wait(20)
    found.clipboard.close()
