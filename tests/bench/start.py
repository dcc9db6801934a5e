"""Start-up of Guest Bridge's tray beside a bare PySide6 tray program: time until it is there, and memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.table import Gate, show, verdict
from tests.ui.desktop.session import Desktop, wait_for
from tests.ui.desktop.tray import TrayClient

_BARE = """
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
_ROUNDS = 5
_MIB = 1024


def _memory(pid: int) -> float:
    """Proportional set size in MiB: shared pages count by their share."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / _MIB
    return 0.0


def _once(
    desktop: Desktop, tray: TrayClient, *words: str, settled: Callable[[], bool] = lambda: True
) -> tuple[float, float, float]:
    """Seconds until the icon is there, MiB then, and MiB once the program has ``settled``."""
    began = time.perf_counter()
    # As installed: compiled once, not at every start.
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(desktop.home / "pycache")}
    process = desktop.start_python(*words, env=compiled)
    wait_for(tray.items, "the icon")
    took = time.perf_counter() - began
    memory = _memory(process.pid)
    wait_for(settled, "the machines in the tray")
    later = _memory(process.pid)
    desktop.stop(process)
    wait_for(lambda: not tray.items(), "the icon to go")
    return took, memory, later


def main() -> int:
    """Measure both in turns; the gates are the issue's."""
    with Desktop() as desktop:
        desktop.start_panel()
        bare_file = desktop.home / "bare.py"
        bare_file.write_text(_BARE)
        ours_words = ("-m", "neuron_guest_bridge", "--background", "--connect=test:///default")
        bare, ours = [], []
        with TrayClient(desktop) as tray:
            _once(desktop, tray, *ours_words)
            for _ in range(_ROUNDS):
                bare.append(_once(desktop, tray, str(bare_file)))
                ours.append(_once(desktop, tray, *ours_words, settled=lambda: "test" in tray.tip()))
    rows, middle = [], []
    for name, found in (("bare PySide6 tray", bare), ("Guest Bridge", ours)):
        took, memory, later = (statistics.median(column) for column in zip(*found, strict=True))
        middle.append((took, later))
        rows.append((name, f"{took * 1000:.0f} ms", f"{memory:.0f} MiB", f"{later:.0f} MiB"))
    head = ("", "until the icon is there", "memory then", "with the machines known")
    show(f"Start of the tray, median of {_ROUNDS}", head, rows)
    (bare_time, bare_memory), (our_time, our_memory) = middle
    return verdict(
        [
            Gate("time, ours / bare", our_time / bare_time, 1.3, at_least=False),
            Gate("memory, ours − bare, MiB", our_memory - bare_memory, 25, at_least=False),
        ]
    )
