"""A real X server and real other programs for the clipboard tests."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from libneuron.system.clipboard.model import Clipboard, ClipboardOffer
from libneuron.system.clipboard.x11 import Times, X11Clipboard
from tests.screen import start_xvfb, sway_session

WAIT = 20.0  # seconds after which a test gives up


class Watched:
    """The offers a clipboard has announced, to wait for."""

    def __init__(self) -> None:
        self.offers: list[ClipboardOffer] = []
        self.lost: list[Exception] = []
        self._news = threading.Condition()

    def changed(self, offer: ClipboardOffer) -> None:
        with self._news:
            self.offers.append(offer)
            self._news.notify_all()

    def gone(self, error: Exception) -> None:
        with self._news:
            self.lost.append(error)
            self._news.notify_all()

    def until(self, wanted: Callable[[ClipboardOffer], bool]) -> ClipboardOffer:
        """The newest offer, once it is as ``wanted``."""
        with self._news:
            found = self._news.wait_for(lambda: bool(self.offers) and wanted(self.offers[-1]), WAIT)
            assert found, self.offers
            return self.offers[-1]

    def until_lost(self) -> Exception:
        with self._news:
            assert self._news.wait_for(lambda: bool(self.lost), WAIT)
            return self.lost[0]


class Display:
    """An X server and the programs started on it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.env = {**os.environ, "DISPLAY": name}
        self.env.pop("WAYLAND_DISPLAY", None)
        self.programs: list[subprocess.Popen[bytes]] = []

    def start(self, *argv: str, stdin: bytes | None = None) -> subprocess.Popen[bytes]:
        """A program on this display that is ended after the test."""
        program = subprocess.Popen(
            argv,
            env=self.env,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.programs.append(program)
        if stdin is not None:
            assert program.stdin is not None
            program.stdin.write(stdin)
            program.stdin.close()
        return program

    def copy(self, data: bytes, target: str = "UTF8_STRING") -> subprocess.Popen[bytes]:
        """Another program copies ``data`` and stays to serve it (xclip -quiet does not fork)."""
        return self.start("xclip", "-quiet", "-selection", "clipboard", "-t", target, stdin=data)

    def paste(self, target: str = "UTF8_STRING", *, check: bool = True) -> bytes:
        """What another program gets when it pastes ``target``."""
        done = subprocess.run(
            ["xclip", "-o", "-selection", "clipboard", "-t", target],
            env=self.env, capture_output=True, timeout=60, check=check,
        )  # fmt: skip
        return done.stdout

    def until(self, wanted: Callable[[list[str]], bool]) -> None:
        """Wait until the names of the formats that can be pasted are as ``wanted``."""
        limit = time.monotonic() + WAIT
        while not wanted(self.paste("TARGETS", check=False).decode().split("\n")):
            assert time.monotonic() < limit

    def end_programs(self) -> None:
        """End everything that was started here."""
        for program in self.programs:
            program.kill()
            program.wait()
        self.programs.clear()

    def close(self) -> None:
        self.end_programs()


@pytest.fixture(scope="session")
def xvfb() -> Iterator[str]:
    server, name = start_xvfb("640x480x24")
    yield name
    server.terminate()
    server.wait()


@pytest.fixture
def display(xvfb: str) -> Iterator[Display]:
    programs = Display(xvfb)
    yield programs
    programs.close()


class Compositor(Display):
    """A headless Wayland compositor and the programs started on it."""

    def __init__(self, socket: Path) -> None:
        super().__init__("")
        self.socket = socket
        self.env = {**os.environ, "XDG_RUNTIME_DIR": str(socket.parent), "WAYLAND_DISPLAY": socket.name}
        self.env.pop("DISPLAY", None)

    def copy(self, data: bytes, target: str = "text/plain;charset=utf-8") -> subprocess.Popen[bytes]:
        """Another program copies ``data`` and stays to serve it."""
        return self.start("wl-copy", "--foreground", "--type", target, stdin=data)

    def paste(self, target: str = "text/plain;charset=utf-8", *, check: bool = True) -> bytes:
        """What another program gets when it pastes ``target``; TARGETS lists what there is."""
        words = ["--list-types"] if target == "TARGETS" else ["--no-newline", "--type", target]
        done = subprocess.run(
            ["wl-paste", *words], env=self.env, capture_output=True, timeout=60, check=check
        )
        return done.stdout


@pytest.fixture(scope="session")
def sway() -> Iterator[Path]:
    with sway_session() as socket:
        yield socket


@pytest.fixture
def compositor(sway: Path) -> Iterator[Compositor]:
    programs = Compositor(sway)
    yield programs
    programs.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 80 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def clipboard(display: Display, watched: Watched, tmp_path: Path) -> Iterator[Clipboard]:
    host = X11Clipboard(spool=tmp_path / "spool", display=display.name, times=Times(ask=1.0, step=1.0))
    host.start(watched.changed, watched.gone)
    watched.until(lambda offer: True)
    yield host
    host.close()
