"""The clipboard's text, read once for a field of our own."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.once import text_once
from libneuron.system.clipboard.targets import TEXT
from tests.system.clipboard.conftest import Display


@pytest.fixture(params=["x11", "wayland"])
def desktop(request: pytest.FixtureRequest) -> Display:
    found: Display = request.getfixturevalue("display" if request.param == "x11" else "compositor")
    return found


def target(desktop: Display) -> str:
    return "UTF8_STRING" if desktop.name else TEXT


def read(desktop: Display, spool: Path) -> str | None:
    return text_once(desktop.env, spool=spool, most=1024)


def test_text_is_read_as_it_was_copied(desktop: Display, tmp_path: Path) -> None:
    desktop.copy("שלום 🙂".encode(), target(desktop))
    desktop.until(lambda names: target(desktop) in names)
    assert read(desktop, tmp_path) == "שלום 🙂"


def test_a_picture_is_no_text(desktop: Display, tmp_path: Path) -> None:
    desktop.copy(b"\x89PNG", "image/png")
    desktop.until(lambda names: "image/png" in names)
    assert read(desktop, tmp_path) == ""


def test_a_program_that_stands_still_is_told_and_so_is_too_much(desktop: Display, tmp_path: Path) -> None:
    owner = desktop.copy(b"x" * 1025, target(desktop))
    desktop.until(lambda names: target(desktop) in names)
    with pytest.raises(ClipboardError) as refused:
        read(desktop, tmp_path)
    assert refused.value.code == "clipboard.too-large"
    owner.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(ClipboardError) as refused:
            read(desktop, tmp_path)
        assert refused.value.code == "clipboard.owner-silent"
    finally:
        owner.send_signal(signal.SIGCONT)


def test_a_desktop_that_lets_nobody_look_leaves_it_to_the_window(tmp_path: Path) -> None:
    assert text_once({}, spool=tmp_path, most=1024) is None
