"""A guest gone bad: paired, and from then on it sends as much and as odd as it can. ``SOCKET KEYS``."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from neuron_guest.agent import Agent
from neuron_guest.backend import App, Happening, Mode, Offer
from neuron_guest.keys import GuestKeys
from neuron_guest.platform.posix import UnixListenPort
from neuron_guest.simulated import SimulatedBackend, png

_APPS = 9_000
_ODD = "\u202e\x1b[31m&\n<b>\ud7ff\u0301"
_ICON = png(64, 64, bytes(64 * 64 * 3))
_PACE = 0.001  # seconds: the agent itself is to keep up


class Rubbish(SimulatedBackend):
    """Thousands of applications with odd names, pictures that are none, and news without end."""

    def apps(self, *, icons: bool) -> Sequence[App]:
        """Very many."""
        pictures = itertools.cycle((_ICON, b"!", _ICON[:-40], b""))
        return [
            App(f"id{at}", f"{_ODD} {at}"[:500], f"path{at}", icon=next(pictures) if icons else b"")
            for at in range(_APPS)
        ]

    def shout(self) -> None:
        """Copies, other sizes and locked screens, one after the other."""
        for at in itertools.count():
            self._put({}, Offer((f"text/{_ODD}{at}", "text/plain;charset=utf-8", "image/png")))
            for told in list(self._tellers):
                told(Happening(("active", "locked")[at % 2]))
                told(Happening(mode=Mode(1 + at % 60_000, 1, 60)))
            time.sleep(_PACE)


def main(socket: str, keys: str) -> None:
    """Serve until killed."""
    backend = Rubbish(Path(keys).parent / "disk")
    agent = Agent(UnixListenPort(Path(socket)), backend, GuestKeys(Path(keys)))
    threading.Thread(target=backend.shout, daemon=True).start()
    agent.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
