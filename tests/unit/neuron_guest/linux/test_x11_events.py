"""A real X server tells of copies and of its screen."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import queue
import subprocess
from collections.abc import Iterator

import pytest

from neuron_guest.backend import BackendError, Happening, Offer
from neuron_guest.platform.linux.session import SessionBackend
from neuron_guest.platform.linux.x11_events import X11Events
from tests.screen import start_xvfb

TEXT = "text/plain;charset=utf-8"


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server, name = start_xvfb("1280x800x24")
    monkeypatch.setenv("DISPLAY", name)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    yield name
    server.terminate()
    server.wait(10)


def test_copies_and_changes_of_the_screen_are_told(display: str) -> None:
    backend = SessionBackend(os.environ)
    offers: queue.Queue[Offer] = queue.Queue()
    happenings: queue.Queue[Happening] = queue.Queue()
    with contextlib.ExitStack() as stack:  # before the server goes: Xlib ends the process with it
        for stop in (backend.clipboard_watch(offers.put), backend.desktop_watch(happenings.put)):
            stack.callback(stop)
            stack.callback(stop)  # twice does no harm
        subprocess.run(
            ["xclip", "-selection", "clipboard", "-i"],
            input=b"copied there", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        offer = offers.get(timeout=20)
        assert (offer.formats, offer.own) == ((TEXT,), False)
        backend.clipboard_write({TEXT: b"ours"}, secret=False)
        assert offers.get(timeout=20).own
        # This server has one mode only: of another size in millimetres its screen is, though.
        subprocess.run(["xrandr", "--fbmm", "400x300"], check=True)
        mode = happenings.get(timeout=20).mode
        assert mode is not None
        assert (mode.width, mode.height) == (1280, 800)


def test_a_large_copy_reaches_all_who_ask_for_it_at_once(display: str) -> None:
    del display
    backend = SessionBackend(os.environ)
    data = b"0123456789abcdef" * (256 * 1024)
    backend.clipboard_write({TEXT: data}, secret=False)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        read = [pool.submit(backend.clipboard_read, TEXT) for _ in range(3)]
        assert pool.submit(backend.clipboard_offer).result().own
        assert all(each.result() == data for each in read)


def test_a_display_that_is_not_there_is_said() -> None:
    with pytest.raises(BackendError) as refused:
        X11Events(":4095", copied=lambda: None, resized=lambda: None)
    assert refused.value.code == "unsupported"
