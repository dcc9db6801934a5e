"""A real window under a real window manager is followed, closed, opened again."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from libneuron.errors import Exit
from libneuron.system.errors import SystemAccessError
from libneuron.system.x11_window import WatchedWindow, X11WindowWatcher

WAIT = 20.0
CLASS = "looking-glass-client"


class Screen:
    """An X server with a window manager, and programs on it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.env = {**os.environ, "DISPLAY": name}
        self.programs: list[subprocess.Popen[bytes]] = []

    def start(self, *argv: str) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        program = subprocess.Popen(argv, env=self.env, stdin=quiet, stdout=quiet, stderr=quiet)
        self.programs.append(program)
        return program

    def run(self, *argv: str) -> str:
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    def window(self) -> str:
        return self.run("xdotool", "search", "--sync", "--onlyvisible", "--classname", CLASS).split()[0]

    def close(self) -> None:
        for program in reversed(self.programs):
            program.kill()
            program.wait()


@pytest.fixture
def screen() -> Iterator[Screen]:
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1200x24", "-noreset", "-nolisten", "tcp"],
        pass_fds=(write,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    with os.fdopen(read) as pipe:
        made = Screen(f":{pipe.readline().strip()}")
    made.programs.append(server)
    made.start("openbox", "--sm-disable")
    # A window mapped before the manager is up would stay unmanaged and in no client list.
    deadline = time.monotonic() + WAIT
    while "window id" not in made.run("xprop", "-root", "_NET_SUPPORTING_WM_CHECK"):
        assert time.monotonic() < deadline, "openbox did not start"
    yield made
    made.close()


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


CLIENT = """
import sys, xcffib, xcffib.xproto
name, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
conn = xcffib.connect()
screen = conn.get_setup().roots[conn.pref_screen]
window = conn.generate_id()
conn.core.CreateWindow(0, window, screen.root, 10, 10, width, height, 0, 1, screen.root_visual, 0, [])
both = (name + "\\0" + name + "\\0").encode()
atoms = xcffib.xproto.Atom
conn.core.ChangeProperty(0, window, atoms.WM_CLASS, atoms.STRING, 8, len(both), both)
conn.core.MapWindow(window)
conn.flush()
conn.wait_for_event()
"""


def _client(
    screen: Screen, name: str = CLASS, width: int = 800, height: int = 600
) -> subprocess.Popen[bytes]:
    """A plain window with a class of our choice, sized to the pixel."""
    return screen.start(sys.executable, "-c", CLIENT, name, str(width), str(height))


def test_a_window_is_followed_from_opening_to_closing(
    screen: Screen, seen: Seen, watcher: X11WindowWatcher
) -> None:
    client = _client(screen)
    seen.until(800, 600)
    window = screen.window()
    for step in range(20):
        screen.run("xdotool", "windowsize", window, str(500 + step * 10), "400")
    seen.until(690, 400)
    client.kill()
    seen.until_gone()
    _client(screen)
    seen.until(800, 600)


def test_a_window_that_is_there_already_is_seen(
    screen: Screen, seen: Seen, watcher: X11WindowWatcher
) -> None:
    _client(screen)
    seen.until(800, 600)
    later = Seen()
    second = X11WindowWatcher(CLASS, later.news.put, lost=lambda: None, display=screen.name)
    try:
        assert later.until(800, 600).dpi == 96.0
    finally:
        second.close()


def test_the_screens_scale_comes_along(screen: Screen, seen: Seen, watcher: X11WindowWatcher) -> None:
    _client(screen)
    seen.until(800, 600)
    subprocess.run(["xrdb", "-merge"], env=screen.env, input=b"Xft.dpi: 192\n", check=True, timeout=60)
    assert seen.until(800, 600).dpi == 192.0


def test_other_windows_do_not_count(screen: Screen, seen: Seen, watcher: X11WindowWatcher) -> None:
    _client(screen, "another", 300, 300)
    other = Seen()
    second = X11WindowWatcher("another", other.news.put, lost=lambda: None, display=screen.name)
    other.until(300, 300)
    second.close()
    _client(screen)
    seen.until(800, 600)
    assert all(told is None or (isinstance(told, WatchedWindow) and told.width == 800) for told in seen.all)


def test_a_display_that_goes_away_is_told(screen: Screen, seen: Seen, watcher: X11WindowWatcher) -> None:
    screen.programs[0].kill()
    while seen.news.get(timeout=WAIT) != "lost":
        pass


def test_no_display_is_said_in_a_sentence() -> None:
    with pytest.raises(SystemAccessError) as refused:
        X11WindowWatcher(CLASS, lambda _window: None, lost=lambda: None, display=":987")
    assert refused.value.exit is Exit.CANNOT
