"""What the Linux agent knows and does without a desktop: facts from /proc, power."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from neuron_guest.backend import BackendError

_PROC = Path("/proc")


def os_release(text: str) -> dict[str, str]:
    """``/etc/os-release`` as a mapping (os-release(5))."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key: value.strip().strip("\"'") for key, _, value in pairs}


def facts() -> dict[str, object]:
    """Name and version of the system, and the machine's name."""
    try:
        release = os_release(Path("/etc/os-release").read_text(encoding="utf-8"))
    except OSError:
        release = {}
    return {
        "os": release.get("NAME", "Linux"),
        "os_version": release.get("VERSION_ID", ""),
        "hostname": socket.gethostname(),
        "backend": "linux",
    }


def memory(text: str) -> tuple[float, float]:
    """(used, total) in bytes from /proc/meminfo; used is total less available (proc(5))."""
    values = {line.split(":")[0]: float(line.split()[1]) * 1024 for line in text.splitlines() if ":" in line}
    total = values.get("MemTotal", 0.0)
    return total - values.get("MemAvailable", total), total


def busy(text: str) -> tuple[float, float]:
    """(busy, all) ticks of all processors from the first line of /proc/stat."""
    ticks = [float(word) for word in text.split("\n", 1)[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


class Meter:
    """Load between two questions; the first answers with the load since boot."""

    def __init__(self, proc: Path = _PROC) -> None:
        self._proc = proc
        self._before = (0.0, 0.0)

    def read(self) -> Mapping[str, float]:
        """See :meth:`Backend.metrics`."""
        now = busy((self._proc / "stat").read_text())
        spent, passed = now[0] - self._before[0], now[1] - self._before[1]
        self._before = now
        used, total = memory((self._proc / "meminfo").read_text())
        return {
            "cpu": min(1.0, max(0.0, spent / passed)) if passed > 0 else 0.0,
            "memory_used": used,
            "memory_total": total,
            "uptime": float((self._proc / "uptime").read_text().split()[0]),
        }


def power(action: str) -> None:
    """Switch off or restart through systemd, or the old programs. Raises: BackendError."""
    verb = {"shutdown": "poweroff", "reboot": "reboot"}.get(action)
    if verb is None:
        raise BackendError("not-found", action)
    from neuron_guest.platform.linux import programs  # with subprocess: the service starts without them

    if programs.has("systemctl"):
        programs.run(["systemctl", verb])
    else:
        programs.run([f"/sbin/{verb}"])


class MemoryClipboard:
    """A clipboard for a machine without a desktop, so that two ends can still hand text to each other."""

    def __init__(self) -> None:
        self.items: dict[str, bytes] = {}
        self.secret = False
        self.own = False
        self._lock = threading.Lock()

    def read(self, mime: str) -> bytes:
        """Raises: BackendError not-found."""
        with self._lock:
            if mime not in self.items:
                raise BackendError("not-found", f"the clipboard holds no {mime}")
            return self.items[mime]

    def write(self, items: Mapping[str, bytes], *, secret: bool) -> None:
        """Replace everything."""
        with self._lock:
            self.items, self.secret, self.own = dict(items), secret, True


def reap(process_wait: Callable[[], object]) -> None:
    """Wait for a started program in the background, so that it leaves no zombie."""
    threading.Thread(target=process_wait, name="neuron-reap", daemon=True).start()
