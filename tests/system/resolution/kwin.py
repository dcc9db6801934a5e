"""A real KWin without a screen, and a window of our own in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from libneuron.system.bus import Bus
from libneuron.system.errors import SystemAccessError
from libneuron.system.loop import LoopThread
from tests.system.lab.shell import until

_WINDOW = """
import sys
from PySide6.QtGui import QGuiApplication, QRasterWindow
app = QGuiApplication([])
app.setDesktopFileName(sys.argv[1])
window = QRasterWindow()
window.resize(int(sys.argv[2]), int(sys.argv[3]))
window.show()
app.exec()
"""
_RESIZE = """
var all = workspace.windowList ? workspace.windowList() : workspace.clientList();
all.forEach(function (window) {{
    if (window.resourceClass == "{name}") {{
        var outside = window.frameGeometry, inside = window.clientGeometry || window.bufferGeometry;
        window.frameGeometry = {{
            x: 0, y: 0,
            width: {width} + outside.width - inside.width, height: {height} + outside.height - inside.height
        }};
    }}
}});
"""
_SCRIPTING = ("org.kde.KWin", "/Scripting", "org.kde.kwin.Scripting")


class KWin:
    """A session bus with KWin on it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs: list[subprocess.Popen[bytes]] = []
        self._scripts = 0
        # The packaged file has a capability (CAP_SYS_NICE) that may be refused here; a copy has none.
        self._program = folder / "kwin_wayland"
        shutil.copyfile("/usr/bin/kwin_wayland", self._program)
        self._program.chmod(0o755)
        runtime = folder / "run"
        runtime.mkdir(mode=0o700)
        kept = {
            name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")
        }
        self._env = {
            **kept,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "QT_QPA_PLATFORM": "",
        }
        self.address = f"unix:path={folder}/bus"
        self._env["DBUS_SESSION_BUS_ADDRESS"] = self.address
        self._start("dbus-daemon", "--session", "--nofork", f"--address={self.address}")
        until((folder / "bus").exists, timeout=30, what="the bus")
        self._io = LoopThread()
        self._bus = self._io.wait(Bus.open(address=self.address))

    def begin(self) -> None:
        """Start KWin, and wait until it can be scripted."""
        self.kwin = self._start(
            str(self._program), "--virtual", "--width", "1600", "--height", "1000", "--no-lockscreen",
            "--no-global-shortcuts", "--socket", "wayland-test",
        )  # fmt: skip
        until(self._answers, timeout=60, what="KWin")

    def _answers(self) -> bool:
        try:
            self._io.wait(self._bus.call(*_SCRIPTING, "isScriptLoaded", "s", ("x",), timeout=5))
        except SystemAccessError:
            return False
        return True

    def _start(self, *words: str, **env: str) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        program = subprocess.Popen(words, env={**self._env, **env}, stdin=quiet, stdout=quiet, stderr=quiet)
        self._programs.append(program)
        return program

    def window(self, name: str, width: int, height: int) -> subprocess.Popen[bytes]:
        """A Wayland window of this application id and inner size."""
        where = {"WAYLAND_DISPLAY": "wayland-test", "QT_QPA_PLATFORM": "wayland"}
        return self._start(sys.executable, "-c", _WINDOW, name, str(width), str(height), **where)

    def resize(self, name: str, width: int, height: int) -> None:
        """What the person's hand does, by KWin itself."""
        self._scripts += 1
        script = self._folder / f"resize{self._scripts}.js"
        script.write_text(_RESIZE.format(name=name, width=width, height=height))
        for member, words in (("loadScript", (str(script), script.name)), ("start", ())):
            self._io.wait(self._bus.call(*_SCRIPTING, member, "s" * len(words), words, timeout=30))

    def loaded(self, plugin: str) -> bool:
        """Whether KWin has this script."""
        (found,) = self._io.wait(self._bus.call(*_SCRIPTING, "isScriptLoaded", "s", (plugin,), timeout=30))
        return bool(found)

    def call(self, service: str, member: str, signature: str, *body: object) -> None:
        """Pretend to be KWin's script. Raises: SystemAccessError."""
        words = (service, "/org/neuronos/Windows", "org.neuronos.Windows1", member, signature, body)
        self._io.wait(self._bus.call(*words, timeout=30))

    def end(self, program: subprocess.Popen[bytes]) -> None:
        """End a program."""
        program.kill()
        program.wait()
        self._programs.remove(program)

    def close(self) -> None:
        """End everything."""
        self._io.wait(self._bus.close())
        self._io.close()
        for program in reversed(list(self._programs)):
            self.end(program)


@contextmanager
def running() -> Iterator[KWin]:
    """A session of its own; KWin is not started yet."""
    with tempfile.TemporaryDirectory(prefix="neuron-kwin-lab-", ignore_cleanup_errors=True) as name:
        made = KWin(Path(name))
        try:
            yield made
        finally:
            made.close()
