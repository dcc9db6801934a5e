"""A real screen with a real window manager, and a window of our own on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.screen import start_openbox, start_xvfb

WAIT = 20.0
CLASS = "looking-glass-client"

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
print(window, flush=True)
conn.wait_for_event()
"""


@dataclass(frozen=True)
class Client:
    """A running window: its program, and its X11 id."""

    program: subprocess.Popen[bytes]
    window: str


class Screen:
    """An X server with a window manager, and programs on it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.env = {**os.environ, "DISPLAY": name}
        self.programs: list[subprocess.Popen[bytes]] = []

    def start(self, *argv: str) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        program = subprocess.Popen(argv, env=self.env, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet)
        self.programs.append(program)
        return program

    def run(self, *argv: str) -> str:
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    def client(self, name: str = CLASS, width: int = 800, height: int = 600) -> Client:
        """A plain window with a class of our choice, sized to the pixel."""
        program = self.start(sys.executable, "-c", CLIENT, name, str(width), str(height))
        assert program.stdout is not None
        return Client(program, program.stdout.readline().decode().strip())

    def close(self) -> None:
        for program in reversed(self.programs):
            program.kill()
            program.wait()
            if program.stdout is not None:
                program.stdout.close()


@contextmanager
def running() -> Iterator[Screen]:
    """A screen of its own, ended afterwards."""
    server, name = start_xvfb("2560x1600x24")
    made = Screen(name)
    made.programs.append(server)
    try:
        made.programs.append(start_openbox({**os.environ, "DISPLAY": name}))
        yield made
    finally:
        made.close()
