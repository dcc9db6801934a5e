"""Start-up of Guest Bridge's tray beside a bare PySide6 tray program: time until it is there, and memory."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.table import Gate, show, verdict
from tests.ui.desktop.session import Desktop, wait_for
from tests.ui.desktop.tray import TrayClient

BARE = """
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon
app = QApplication([])
picture = QPixmap(32, 32)
picture.fill("red")
menu = QMenu()
menu.addAction("Quit")
tray = QSystemTrayIcon(QIcon(picture))
tray.setContextMenu(menu)
tray.show()
app.exec()
"""
_OURS = ("-m", "neuron_guest_bridge", "--background", "--connect=test:///default")
_ROUNDS = 9
_MIB = 1024


@dataclass(frozen=True)
class Start:
    """One start: seconds until the icon is there, processor seconds until then, MiB then and in the end."""

    took: float
    worked: float
    early: float
    late: float


def _memory(pid: int) -> float:
    """Proportional set size in MiB: shared pages count by their share."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / _MIB
    return 0.0


def _processor(pid: int) -> float:
    """Seconds of processor time, its own and the kernel's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _once(
    desktop: Desktop, tray: TrayClient, *words: str, settled: Callable[[], bool] = lambda: True
) -> Start:
    """One start, until the program has ``settled``."""
    # As installed: compiled once, not at every start.
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(desktop.home / "pycache")}
    began = time.perf_counter()
    process = desktop.start_python(*words, env=compiled)
    took = tray.arrivals.get(timeout=60) - began
    worked, early = _processor(process.pid), _memory(process.pid)
    wait_for(settled, "the machines in the tray")
    late = _memory(process.pid)
    desktop.stop(process)
    wait_for(lambda: not tray.items(), "the icon to go")
    return Start(took, worked, early, late)


def _measure() -> tuple[list[Start], list[Start]]:
    """Pairs of starts, the bare program's and ours, right after each other and in either order."""
    bare, ours = [], []
    with Desktop() as desktop:
        desktop.start_panel()
        bare_file = desktop.home / "bare.py"
        bare_file.write_text(BARE)
        with TrayClient(desktop) as tray:
            for turn in range(_ROUNDS + 1):
                if turn % 2:
                    bare.append(_once(desktop, tray, str(bare_file)))
                ours.append(_once(desktop, tray, *_OURS, settled=lambda: "test" in tray.tip()))
                if not turn % 2:
                    bare.append(_once(desktop, tray, str(bare_file)))
    return bare[1:], ours[1:]  # the first of each compiles


def main() -> int:
    """Measure both in turns; the gates are the issue's."""
    bare, ours = _measure()
    rows = []
    for name, found in (("bare PySide6 tray", bare), ("Guest Bridge", ours)):
        times = sorted(start.took * 1000 for start in found)
        row = (
            name,
            f"{statistics.median(times):.0f} ms ({times[0]:.0f}–{times[-1]:.0f})",
            f"{statistics.median(start.worked for start in found) * 1000:.0f} ms",
            f"{statistics.median(start.early for start in found):.1f} MiB",
            f"{statistics.median(start.late for start in found):.1f} MiB",
        )
        rows.append(row)
    head = ("", "until the icon is there", "processor", "memory then", "with the machines known")
    show(f"Start of the tray, median of {_ROUNDS}", head, rows)
    pairs = list(zip(bare, ours, strict=True))
    slower = statistics.median(mine.took / plain.took for plain, mine in pairs)
    larger = statistics.median(mine.late - plain.late for plain, mine in pairs)
    return verdict(
        [
            Gate("time, ours / bare, median of pairs", slower, 1.3, at_least=False),
            Gate("memory, ours − bare, MiB", larger, 25, at_least=False),
        ]
    )
