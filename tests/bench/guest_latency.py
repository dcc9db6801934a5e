"""How long a person waits for the guest: copy, paste, launch, resize, screenshot. Writes ``docs/latency.md``.

The clock runs on the host, from the moment something is asked for until it can be seen here. The host's side
of the clipboard is a real X server with the bridge on it, and a second program hears of copies and pastes.
"""

from __future__ import annotations

import os
import platform
import queue
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from libneuron.guest.clipboard.bridge import Bridge
from libneuron.guest.clipboard.channel import GuestClipboard
from libneuron.guest.clipboard.rules import Rules
from libneuron.system.clipboard.model import ClipboardOffer
from libneuron.system.clipboard.spool import SpoolLimits
from libneuron.system.clipboard.targets import TEXT
from libneuron.system.clipboard.x11 import X11Clipboard
from libneuron.system.clock import RealClock
from tests.bench.latency_subjects import Subject, machine, simulated, wine
from tests.bench.table import percentile, show, timed
from tests.screen import start_xvfb

ROOT = Path(__file__).resolve().parents[2]
_ORIGIN = "bench"
_WAIT = 120.0
_WARM_UP = 3
_PACE = 0.6
"""Seconds between two copies: those that follow faster than a person makes them are held back."""
ROWS = {
    "ping": "An answer at all (ping)",
    "ready": "Copied in the guest → ready to paste on the host",
    "pasted": "Copied in the guest → pasted on the host",
    "fetch": "The guest’s copy fetched by hand, 1 KiB of text",
    "launch": "Application started",
    "resize": "Resolution changed and read back",
    "picture": "Screenshot in hand",
}


_PAGE = """\
# How long Guest Bridge takes

Written by `./dev bench guest_latency`; do not edit. Milliseconds, median / 99th percentile, from the moment
something is asked for until it can be seen on the host, through the encrypted channel.

{table}

Machine: {machine}.

- **Simulated guest**: the agent in a process of its own, its desktop in memory. This is the channel, the
  bridge and the host's X server alone.
- **Windows agent under Wine**: service program, helper and serial line. Another Windows program makes the
  copy. Wine's desktop is not Windows': a real one may be faster or slower.
- **Linux machine, emulated**: every instruction is translated, which costs a factor of 10 to 30, and the
  tools of X11 start for each request. A dash: not measured, as making a copy there would take longer than
  what follows.

With few measurements the 99th percentile is the slowest of them.
"""


class Desk:
    """The host's desktop: the bridge of one guest, and a program that pastes what it brings."""

    def __init__(self, subject: Subject, display: str, folder: Path) -> None:
        self._copy = subject.copy
        self._offers: queue.Queue[ClipboardOffer] = queue.Queue()
        guest = GuestClipboard(subject.guest.api, loop=subject.io.loop, origin=_ORIGIN, spool=folder)
        subject.events = guest.event
        host = X11Clipboard(spool=folder, display=display)
        self._bridge = Bridge(origin=_ORIGIN, host=host, rules=Rules(), clock=RealClock())
        self._bridge.attach(guest)
        self._program = X11Clipboard(spool=folder, display=display)
        self._program.start(self._offers.put, lambda _error: None)

    def copy(self) -> None:
        """Something is copied there."""
        assert self._copy is not None
        self._copy()

    def _next(self) -> ClipboardOffer:
        while (offer := self._offers.get(timeout=_WAIT)).origin != _ORIGIN:
            pass
        return offer

    def ready(self) -> None:
        """Something is copied there, and a program here hears what it can paste."""
        self.copy()
        self._next()

    def pasted(self) -> None:
        """The same until the program has the text."""
        self.copy()
        self._program.read(self._next().number, TEXT, SpoolLimits()).result(_WAIT)

    def close(self) -> None:
        """Leave the display."""
        self._bridge.close()
        self._program.close()


def _ways(subject: Subject, desk: Desk) -> dict[str, Callable[[], object]]:
    run = subject.guest.run
    modes, own = run(lambda api: api.modes())
    sizes = [(mode.width, mode.height) for mode in modes]
    here = (own.width, own.height)
    other = next(size for size in sizes if size != here and size[0] * size[1] <= here[0] * here[1])
    turn = [other, here]

    def resize() -> object:
        turn.reverse()
        wanted = {"width": turn[1][0], "height": turn[1][1], "refresh": 0}
        return run(lambda api: api.requester.request("set_resolution", wanted, timeout=_WAIT))

    ways: dict[str, Callable[[], object]] = {
        "ping": lambda: run(lambda api: api.ping()),
        "ready": desk.ready,
        "pasted": desk.pasted,
        "fetch": lambda: run(lambda api: api.clipboard_text()),
        "launch": lambda: run(lambda api: api.launch(*subject.launch)),
        "resize": resize,
        "picture": lambda: run(lambda api: api.screenshot()),
    }
    if subject.copy is None:
        del ways["ready"], ways["pasted"]
    return ways


@dataclass(frozen=True)
class Found:
    """What a guest's figures are, seconds by the names of :data:`ROWS`, and how often each was taken."""

    name: str
    rounds: int
    figures: dict[str, tuple[float, float]]


def _measure(subject: Subject, display: str) -> Found:
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(subject, display, Path(folder))
        try:
            for name, way in _ways(subject, desk).items():
                if name == "fetch":
                    subject.guest.run(lambda api: api.set_clipboard_text("x" * 1024))
                pace = _PACE if name in ("ready", "pasted") else 0.0
                times = []
                for _ in range(_WARM_UP + subject.rounds):
                    time.sleep(pace)
                    times.append(timed(way))
                times = times[_WARM_UP:]
                figures[name] = (percentile(times, 0.5), percentile(times, 0.99))
        finally:
            desk.close()
    return Found(subject.name, subject.rounds, figures)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _cell(figure: tuple[float, float] | None) -> str:
    return "–" if figure is None else f"{figure[0] * 1e3:.1f} / {figure[1] * 1e3:.1f}"


def document(found: list[Found], *, load: float) -> str:
    """The page."""
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    head = [item.name for item in found]
    rows = [[title, *(_cell(item.figures.get(name)) for item in found)] for name, title in ROWS.items()]
    rows.append(["measured, times each", *(str(item.rounds) for item in found)])
    table = [["", *head], ["---", *("---:" for _ in head)], *rows]
    facts = (
        _processor(),
        f"{os.cpu_count()} processors without hardware virtualization",
        system,
        f"Linux {platform.release()}",
        f"Python {platform.python_version()}",
        f"load {load:.1f} at the start",
        f"{datetime.now(UTC):%Y-%m-%d}",
    )
    return _PAGE.format(table="\n".join(f"| {' | '.join(row)} |" for row in table), machine=", ".join(facts))


def main() -> int:
    """Measure all three, print, and write the page."""
    load = os.getloadavg()[0]
    server, display = start_xvfb("1280x1024x24")
    try:
        found = []
        for kind in (simulated, wine, machine):
            with kind() as subject:
                print(f"{subject.name}: {subject.rounds} times each", file=sys.stderr, flush=True)
                found.append(_measure(subject, display))
    finally:
        server.terminate()
        server.wait()
    rows = [(title, *(_cell(item.figures.get(name)) for item in found)) for name, title in ROWS.items()]
    show("Latency, ms, median / 99th percentile", ("", *(item.name for item in found)), rows)
    page = ROOT / "docs" / "latency.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text(document(found, load=load), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
