"""Whether a desktop answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.system import display
from libneuron.system.display import answers


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Path]:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "wayland-7"))
        made.listen()
        yield tmp_path


def test_a_compositor_that_listens_answers_by_name_and_by_path(listening: Path) -> None:
    assert answers({"WAYLAND_DISPLAY": "wayland-7", "XDG_RUNTIME_DIR": str(listening)})
    assert answers({"WAYLAND_DISPLAY": str(listening / "wayland-7")})


def test_an_x_server_that_listens_answers(listening: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "_SOCKETS", str(listening / "wayland-"))
    for name in (":7", ":7.0", "unix:7"):
        assert answers({"DISPLAY": name})
    assert not answers({"DISPLAY": ":8"})


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"DISPLAY": ""},
        {"DISPLAY": ":64999"},
        {"DISPLAY": "127.0.0.1:59000"},
        {"WAYLAND_DISPLAY": "wayland-0"},
        {"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": "/nowhere", "DISPLAY": ":64999"},
        {"WAYLAND_DISPLAY": "x" * 200, "XDG_RUNTIME_DIR": "/nowhere"},
    ],
)
def test_where_nothing_listens_nothing_answers(environment: dict[str, str]) -> None:
    assert not answers(environment)


def test_what_qt_was_told_is_qts_to_judge() -> None:
    assert answers({"QT_QPA_PLATFORM": "offscreen"})
    assert answers({"DISPLAY": "/private/tmp/launchd/org.xquartz:0"})
