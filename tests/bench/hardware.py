"""Reading and judging a PC beside ``lspci -vv`` and ``lshw``, and the window's start beside a bare Qt window.

A PC of 100 devices lies in a folder of the file system; lspci reads the same folder (``-O sysfs.path=``),
lshw knows only this machine. Each figure is the best of several runs, taken in turn;
of the windows it is the median.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from libneuron.hardware import bundle
from libneuron.hardware.acs import Settings
from libneuron.hardware.capture import capture
from libneuron.hardware.grouping import predict
from libneuron.hardware.names import Numbers
from libneuron.hardware.report import as_json, judge
from libneuron.system.files import Root
from tests.bench.table import Gate, show, timed, verdict
from tests.unit.hardware.pc import ALL_ACS, REQUIRED, Pc, config

_SCAN_HERE, _LSHW = "neuron-hardware-advisor scan, this machine", "lshw -json, this machine"
_BARE_WINDOW, _WINDOW = "bare Qt window, first picture", "the Advisor's window, first picture"
_PORTS = 33  # each with two functions behind it: 99 devices and a host bridge
_RUNS = 7
_WINDOWS = 11
_INHERITED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_ENVIRONMENT = _INHERITED | {
    "QT_QPA_PLATFORM": "offscreen",
    "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / f"neuron-bench-{os.getuid()}"),
}
"""An installed program has its bytecode; ./dev writes none into a checkout, so it goes elsewhere."""

_BARE = """
import os
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel, QWidget, QVBoxLayout
class Shown(QWidget):
    def paintEvent(self, event):
        super().paintEvent(event)
        QTimer.singleShot(0, lambda: os.write(1, b"1") and QApplication.quit())
app = QApplication([])
window = Shown()
QVBoxLayout(window).addWidget(QLabel("x"))
window.resize(920, 700)
window.show()
app.exec()
"""
_OURS = """
import os
from neuron_hardware_advisor.window import AdvisorWindow, main
from PySide6.QtWidgets import QApplication
go_on, shown = AdvisorWindow._go_on, AdvisorWindow.show_report
def painted(self):
    if self._furnish is not None:
        os.write(1, b"1")
    go_on(self)
def answered(self, report):
    shown(self, report)
    os.write(1, b"2")
    QApplication.quit()
AdvisorWindow._go_on, AdvisorWindow.show_report = painted, answered
main()
"""
"""The program itself; it says when it was painted first (1), and when it shows the answer (2)."""


def hundred() -> Pc:
    """A PC of 100 devices: a host bridge, and cards of two functions behind root ports of four to a slot."""
    pc = Pc().desktop(arguments="intel_iommu=on")
    pc.add("0000:00:00.0", config(class_code=0x060000, port=None))
    for index in range(_PORTS):
        port = f"0000:00:{1 + index // 4:02x}.{index % 4}"
        acs = (ALL_ACS, REQUIRED) if index % 2 else None
        pc.port(port, acs=acs, multifunction=True)
        card = f"0000:{index + 1:02x}:00"
        code = 0x030000 if index % 8 == 0 else 0x020000
        pc.add(f"{card}.0", config(class_code=code, multifunction=True), below=port, reset_method="bus")
        pc.add(f"{card}.1", config(class_code=0x040300), below=port)
    for address in pc.paths:  # lspci insists on these
        none = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
        pc.text(f"/sys/bus/pci/devices/{address}/resource", none * 13)
        pc.text(f"/sys/bus/pci/devices/{address}/irq", "0\n")
    groups = set(predict(pc.machine(), Settings()).certain.values())
    for number, group in enumerate(sorted(groups, key=min)):
        pc.group(number, *map(str, group))
    return pc


def lay_out(pc: Pc, top: Path) -> None:
    """The PC as folders, files and links, as sysfs shows them."""
    devices = "/sys/bus/pci/devices/"
    for path, target in pc.links.items():
        place = top / path.lstrip("/")
        if path.startswith(devices) and "/" not in path.removeprefix(devices):
            (top / "sys/bus/pci/devices" / target).resolve().mkdir(parents=True, exist_ok=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    for path, data in pc.files.items():
        place = top / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    for path, names in pc.names.items():
        for name in names:
            place = top / path.lstrip("/") / name
            if not place.exists() and not place.is_symlink():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()


def _scan(tree: Root) -> None:
    as_json(judge(capture(tree, Numbers())))


def _run(*words: str | Path) -> Callable[[], object]:
    return lambda: subprocess.run(words, check=True, capture_output=True, env=_ENVIRONMENT)


def _processor(work: Callable[[], object]) -> float:
    """Seconds of processor time that the programs of ``work`` take, the least of several runs."""
    taken = []
    for _ in range(_RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        work()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(taken)


def _until(step: bytes, program: str) -> float:
    """Seconds from the start of ``program`` until it writes ``step``."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_ENVIRONMENT,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        while child.stdout.read(1) != step:
            if child.poll() is not None:
                raise RuntimeError("the window ended before it was painted")
        took = time.perf_counter() - began
        child.stdout.read()
    return took


def _windows() -> dict[str, float]:
    """Seconds until the first picture (and ours until the answer), the median of several rounds in turn."""
    asked = {
        _BARE_WINDOW: (b"1", _BARE),
        _WINDOW: (b"1", _OURS),
        "the Advisor's window, the answer": (b"2", _OURS),
    }
    times: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(_WINDOWS):
        for name, (step, program) in asked.items():
            times[name].append(_until(step, program))
    return {name: statistics.median(taken) for name, taken in times.items()}


def _best(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of each, the best of several rounds in turn."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(_RUNS):
        for name, work in works.items():
            times[name].append(timed(work))
    return {name: min(taken) for name, taken in times.items()}


def main() -> int:
    """Measure, print, and judge the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        lay_out(hundred(), top)
        tree = Root(top)
        machine = capture(tree, Numbers())
        assert len(machine.devices) == 100
        saved = top / "x.bundle"
        bundle.save(bundle.record(tree, Numbers()), saved)
        advisor = (sys.executable, "-m", "neuron_hardware_advisor", "scan", "--json")
        whole = _run(*advisor, "--root", top)
        best = _best(
            {
                "read and judge 100 devices, in process": lambda: _scan(tree),
                "… of it: judge": lambda: judge(machine),
                "neuron-hardware-advisor scan --root, 100 devices": whole,
                "lspci -vv, the same 100 devices": _run(
                    "lspci", "-vv", "-O", f"sysfs.path={top}/sys/bus/pci"
                ),
                _SCAN_HERE: _run(*advisor),
                "lspci -vv, this machine": _run("lspci", "-vv"),
                _LSHW: _run(shutil.which("lshw") or "lshw", "-json"),
            }
        )
        best["… its processor time, of the 100 devices"] = _processor(whole)
    best |= _windows()
    show("Hardware Advisor", ("", "ms"), [(name, f"{taken * 1000:.1f}") for name, taken in best.items()])
    scans = best[_SCAN_HERE] / best[_LSHW]
    windows = best[_WINDOW] / best[_BARE_WINDOW]
    return verdict(
        [
            Gate("scan of this machine ÷ lshw", scans, 4.0, at_least=False),
            Gate("window ÷ bare Qt window, first picture", windows, 1.3, at_least=False),
        ]
    )
