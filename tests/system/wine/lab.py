"""Wine with a screen, a desktop whose resolution really changes, and a Windows Python that tests call into.

One lab is one Wine prefix of its own, one Xvfb, and one driver: a Windows Python inside the desktop which
runs functions of ``tests.system.wine.inside`` by name. Services live as long as the driver (Wine ends them
with the last ordinary process).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from tests.screen import start_xvfb
from tests.system.wine import jsonbytes
from tests.system.wine.runtime import windows_python

ROOT = Path(__file__).resolve().parents[3]
SCREEN = (1280, 800)
_LARGEST_SCREEN = "1920x1200x24"

_ANSWER_TIME = 120.0  # seconds

# The desktop that every process of window station WinSta0 gets is a virtual one: only there does
# ChangeDisplaySettingsExW work on a bare X server.
_REGISTRY = f"""REGEDIT4

[HKEY_CURRENT_USER\\Software\\Wine\\Explorer]
"Desktop"="Default"

[HKEY_CURRENT_USER\\Software\\Wine\\Explorer\\Desktops]
"Default"="{SCREEN[0]}x{SCREEN[1]}"

[HKEY_LOCAL_MACHINE\\Software\\Wine\\Drives]
"d:"="cdrom"
"""


class RemoteError(Exception):
    """A function raised inside Wine; the text is its traceback."""


def windows_path(path: Path) -> str:
    """How Wine shows a path of this machine."""
    return "Z:" + str(path).replace("/", "\\")


class WineLab:
    """A running Wine desktop. Use :meth:`call`, then :meth:`close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prefix = folder / "prefix"
        self.disc = folder / "disc"
        self.python = windows_python() / "python.exe"
        self._programs: list[subprocess.Popen[bytes]] = []
        self._drivers: list[_Driver] = []
        self._xvfb, display = start_xvfb(_LARGEST_SCREEN, log=folder / "xvfb.log")
        self.env = {
            **{name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ},
            "DISPLAY": display,
            "LC_ALL": "C.UTF-8",
            "WINEPREFIX": str(self.prefix),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            # No Mono, no HTML engine (each would ask to be downloaded), no menu entries on this machine.
            "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=",
            "PYTHONPATH": ";".join(windows_path(path) for path in (ROOT, ROOT / "apps")),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
        }
        try:
            self._make_prefix()
            self._drivers.append(_Driver(self))
        except BaseException:
            self.close()
            raise

    def _make_prefix(self) -> None:
        registry = self.folder / "desktop.reg"
        registry.write_text(_REGISTRY)
        self.run("wineboot", "--init")
        self.disc.mkdir()
        (self.prefix / "dosdevices" / "d:").symlink_to(self.disc)
        self.run("regedit", "/S", windows_path(registry))
        # The desktop's settings are read when its first window is made: start anew with them.
        self.wineserver("-k")
        self.wineserver("-w")

    def run(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a Windows program to its end; its output must be a pipe, or Python does not start."""
        return subprocess.run(
            ["wine", *words],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start ``python.exe words…`` in the desktop; what it says goes to ``log`` in the lab's folder."""
        program = subprocess.Popen(
            ["wine", str(self.python), *words],
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert program.stdout is not None
        threading.Thread(target=self._keep, args=(program.stdout,), daemon=True).start()
        self._programs.append(program)
        return program

    def _keep(self, output: IO[bytes]) -> None:
        with (self.folder / "log").open("ab", buffering=0) as log, output:
            for line in output:
                log.write(line)

    def log(self) -> str:
        """What the started programs said so far."""
        log = self.folder / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def call(self, name: str, /, **arguments: object) -> Any:
        """Call ``name`` ("module.function" of ``inside``) in the driver; bytes pass both ways.

        Raises: RemoteError with the traceback.
        """
        return self._drivers[0].call(name, arguments)

    def call_other(self, name: str, /, **arguments: object) -> Any:
        """The same in a second process: what another program does."""
        if len(self._drivers) < 2:
            self._drivers.append(_Driver(self))
        return self._drivers[1].call(name, arguments)

    def link_port(self, number: int, pty: str) -> str:
        """Make COM``number`` the pty named ``pty``; returns the port's Windows name."""
        link = self.prefix / "dosdevices" / f"com{number}"
        link.unlink(missing_ok=True)
        link.symlink_to(pty)
        return rf"\\.\COM{number}"

    def insert_disc(self, files: Mapping[str, bytes]) -> None:
        """Have these files on the CD in drive D, instead of what was there."""
        shutil.rmtree(self.disc)
        for name, data in files.items():
            path = self.disc / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        self.disc.mkdir(exist_ok=True)

    def wineserver(self, option: str) -> None:
        """Speak to this prefix's own wineserver: ``-k`` ends it, ``-w`` waits for its end."""
        subprocess.run(["wineserver", option], env=self.env, capture_output=True, timeout=60, check=False)

    def close(self) -> None:
        """End everything of this prefix and the screen."""
        for driver in self._drivers:
            driver.close()
        if self.prefix.exists():
            self.wineserver("-k")
            self.wineserver("-w")
        for program in self._programs:
            program.wait(timeout=30)
        self._xvfb.terminate()
        self._xvfb.wait(timeout=30)


class _Driver:
    """The host's end of the driver's connection."""

    def __init__(self, lab: WineLab) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(60)
            port = server.getsockname()[1]
            lab.start("-m", "tests.system.wine.driver", str(port))
            try:
                connection, _ = server.accept()
            except TimeoutError as error:
                raise RuntimeError(f"The driver did not start:\n{lab.log()}") from error
        self._connection = connection
        self._lines = connection.makefile("rb")

    def close(self) -> None:
        self._lines.close()
        self._connection.close()

    def call(self, name: str, arguments: Mapping[str, object]) -> Any:
        self._connection.settimeout(_ANSWER_TIME)
        message = {"call": name, "arguments": dict(arguments)}
        self._connection.sendall(json.dumps(message, default=jsonbytes.encode).encode() + b"\n")
        answer = json.loads(self._lines.readline(), object_hook=jsonbytes.decode)
        if "error" in answer:
            raise RemoteError(answer["error"])
        return answer["result"]


def temporary_lab() -> tuple[WineLab, tempfile.TemporaryDirectory[str]]:
    """A lab in a folder of its own; close the first, then clean up the second."""
    folder = tempfile.TemporaryDirectory(prefix="neuron-wine-", ignore_cleanup_errors=True)
    try:
        return WineLab(Path(folder.name)), folder
    except BaseException:
        folder.cleanup()
        raise
