"""A real window under a real window manager is followed, closed, opened again."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.errors import Exit
from libneuron.system.errors import SystemAccessError
from libneuron.system.x11_window import WatchedWindow, X11WindowWatcher
from tests.system.resolution.screen import CLASS, WAIT, Screen


class Seen:
    """What the watcher told, to wait for."""

    def __init__(self) -> None:
        self.news: queue.Queue[WatchedWindow | str | None] = queue.Queue()
        self.all: list[WatchedWindow | str | None] = []

    def until(self, width: int, height: int) -> WatchedWindow:
        while True:
            told = self.news.get(timeout=WAIT)
            self.all.append(told)
            if isinstance(told, WatchedWindow) and (told.width, told.height) == (width, height):
                return told

    def until_gone(self) -> None:
        while self.news.get(timeout=WAIT) is not None:
            pass


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def watcher(screen: Screen, seen: Seen) -> Iterator[X11WindowWatcher]:
    made = X11WindowWatcher(CLASS, seen.news.put, lost=lambda: seen.news.put("lost"), display=screen.name)
    yield made
    made.close()


def test_a_window_is_followed_from_opening_to_closing(
    screen: Screen, seen: Seen, watcher: X11WindowWatcher
) -> None:
    client = screen.client()
    seen.until(800, 600)
    for step in range(20):
        screen.run("xdotool", "windowsize", client.window, str(500 + step * 10), "400")
    seen.until(690, 400)
    client.program.kill()
    seen.until_gone()
    screen.client()
    seen.until(800, 600)


def test_fullscreen_is_followed_and_left_again(screen: Screen, seen: Seen, watcher: X11WindowWatcher) -> None:
    client = screen.client()
    seen.until(800, 600)
    screen.run("wmctrl", "-i", "-r", client.window, "-b", "add,fullscreen")
    seen.until(2560, 1600)
    screen.run("wmctrl", "-i", "-r", client.window, "-b", "remove,fullscreen")
    seen.until(800, 600)


def test_a_window_that_is_there_already_is_seen(
    screen: Screen, seen: Seen, watcher: X11WindowWatcher
) -> None:
    screen.client()
    seen.until(800, 600)
    later = Seen()
    second = X11WindowWatcher(CLASS, later.news.put, lost=lambda: None, display=screen.name)
    try:
        assert later.until(800, 600).dpi == 96.0
    finally:
        second.close()


def test_the_screens_scale_comes_along(screen: Screen, seen: Seen, watcher: X11WindowWatcher) -> None:
    screen.client()
    seen.until(800, 600)
    subprocess.run(["xrdb", "-merge"], env=screen.env, input=b"Xft.dpi: 192\n", check=True, timeout=60)
    assert seen.until(800, 600).dpi == 192.0


def test_other_windows_do_not_count(screen: Screen, seen: Seen, watcher: X11WindowWatcher) -> None:
    screen.client("another", 300, 300)
    other = Seen()
    second = X11WindowWatcher("another", other.news.put, lost=lambda: None, display=screen.name)
    other.until(300, 300)
    second.close()
    screen.client()
    seen.until(800, 600)
    assert all(told is None or (isinstance(told, WatchedWindow) and told.width == 800) for told in seen.all)


def _pipes() -> list[str]:
    """This process's pipes."""
    links = [Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd")]
    found = [os.readlink(link) for link in links if link.is_symlink()]
    return sorted(name for name in found if name.startswith("pipe:"))


def test_a_display_that_goes_away_is_told_and_who_hears_it_may_close_at_once(
    screen: Screen, seen: Seen
) -> None:
    before = _pipes()
    ended = threading.Event()

    def lost() -> None:
        made.close()
        ended.set()

    made: X11WindowWatcher = X11WindowWatcher(CLASS, seen.news.put, lost=lost, display=screen.name)
    screen.programs[0].kill()
    assert ended.wait(WAIT)
    made.close()
    assert _pipes() == before


def test_no_display_is_said_in_a_sentence() -> None:
    with pytest.raises(SystemAccessError) as refused:
        X11WindowWatcher(CLASS, lambda _window: None, lost=lambda: None, display=":987")
    assert refused.value.exit is Exit.CANNOT
