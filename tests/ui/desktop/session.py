"""A private X11 desktop: Xvfb, openbox, a session bus, the accessibility bus; a panel with a tray."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

from tests.screen import start_openbox, start_xvfb

_T = TypeVar("_T")
ROOT = Path(__file__).resolve().parents[3]
_PANEL = """[General]
__userfile__=true
panels=panel1
[panel1]
plugins=statusnotifier
position=Bottom
desktop=0
panelSize=40
width=100
width-percent=true
lockPanel=true
[statusnotifier]
type=statusnotifier
"""


def wait_for(
    probe: Callable[[], _T | None],
    what: str,
    *,
    seconds: float = 60.0,
    seen: Callable[[], str] = str,
) -> _T:
    """The first true value of ``probe``.

    Raises: AssertionError naming ``what``, and what was ``seen`` instead, if none came in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}\n{seen()}"
        time.sleep(0.02)


class Desktop:
    """Used as a context: everything started in it is ended with it."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="neuron-desktop-"))
        self._running: list[subprocess.Popen[bytes]] = []
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("XDG_", "QT_", "DBUS_", "WAYLAND_", "DISPLAY", "GTK_"))
        }
        runtime = self.home / "run"
        runtime.mkdir(mode=0o700)
        (self.home / "logs").mkdir()
        self.environment |= {
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_DATA_HOME": str(self.home / ".local/share"),
            "XDG_STATE_HOME": str(self.home / ".local/state"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_SESSION_TYPE": "x11",
            "QT_QPA_PLATFORM": "xcb",
            "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "apps"))),
            "LC_ALL": "C.UTF-8",
        }

    def __enter__(self) -> Desktop:
        try:
            server, self.environment["DISPLAY"] = start_xvfb(log=self._log("Xvfb"))
            self._running.append(server)
            bus = self._told("--print-address", "dbus-daemon", "--session", "--nofork")
            self.environment["DBUS_SESSION_BUS_ADDRESS"] = bus
            self._running.append(start_openbox(self.environment, log=self._log("openbox")))
            self.start("/usr/libexec/at-spi-bus-launcher", "--launch-immediately", name="at-spi")
            wait_for(lambda: self.owns("org.a11y.Bus"), "the accessibility bus")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running):
            self.stop(process)
        shutil.rmtree(self.home, ignore_errors=True)

    def _told(self, option: str, program: str, *words: str) -> str:
        """Start a daemon that writes its address to a descriptor; returns what it wrote."""
        read, write = os.pipe()
        self.start(program, *words, f"{option}={write}", name=program, pass_fds=(write,))
        os.close(write)
        with os.fdopen(read) as answer:
            told = answer.readline().strip()
        assert told, f"{program} did not start:\n{self.log(program)}"
        return told

    def start(
        self, *words: str, name: str, env: Mapping[str, str] | None = None, pass_fds: Sequence[int] = ()
    ) -> subprocess.Popen[bytes]:
        """Start a program in the desktop; its output is :meth:`log` of ``name``."""
        with self._log(name).open("ab") as log:
            process = self._spawn(words, log, {**self.environment, **(env or {})}, pass_fds)
        self._running.append(process)
        return process

    @staticmethod
    def _spawn(
        words: Sequence[str], log: IO[bytes], env: Mapping[str, str], pass_fds: Sequence[int]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=dict(env),
            cwd=ROOT,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )

    def start_python(
        self, *words: str, name: str = "app", env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a Python module of the project: ``start_python("-m", "neuron_guest_bridge")``."""
        return self.start(sys.executable, *words, name=name, env=env)

    def start_panel(self) -> subprocess.Popen[bytes]:
        """Start lxqt-panel with a tray and wait until it hosts one."""
        settings = self.home / ".config" / "lxqt" / "panel.conf"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(_PANEL)
        panel = self.start("lxqt-panel", name="lxqt-panel")
        wait_for(lambda: self.owns("org.kde.StatusNotifierWatcher"), "the panel's tray")
        return panel

    def stop(self, process: subprocess.Popen[bytes], *, seconds: float = 10.0) -> int:
        """End a program and everything it started; returns its status."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process in self._running:
            self._running.remove(process)
        return process.returncode

    def _log(self, name: str) -> Path:
        return self.home / "logs" / f"{Path(name).name}.log"

    def log(self, name: str = "app") -> str:
        """What a program has written so far."""
        return self._log(name).read_text(errors="replace")

    def run(self, *words: str, seconds: float = 20.0, stdin: bytes = b"") -> str:
        """Run a program to its end; returns its output. Raises: CalledProcessError."""
        done = subprocess.run(
            words,
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=seconds,
            check=True,
            cwd=ROOT,
        )
        return done.stdout.decode("utf-8", "replace")

    def keys(self, *names: str) -> None:
        """Press keys as a person would: ``keys("Tab", "Return", "ctrl+q")``."""
        self.run("xdotool", "key", "--clearmodifiers", *names)

    @contextmanager
    def copied(self, text: str) -> Iterator[None]:
        """``text`` is on the clipboard, owned by a real program, while the context lasts."""
        source = self.home / "copied"
        source.write_text(text)
        owner = self.start("xclip", "-quiet", "-selection", "clipboard", "-i", str(source), name="xclip")
        try:
            yield
        finally:
            self.stop(owner)

    def paste(self) -> str:
        """The clipboard's text; empty if there is none."""
        done = subprocess.run(
            ["xclip", "-selection", "clipboard", "-o", "-t", "UTF8_STRING"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
        )
        return done.stdout.decode() if done.returncode == 0 else ""

    def owns(self, name: str) -> bool:
        """Whether someone owns ``name`` on the session bus."""
        answer = self.run(
            "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus",
            "org.freedesktop.DBus.NameHasOwner", f"string:{name}",
        )  # fmt: skip
        return "boolean true" in answer

    def screenshot(self, target: Path) -> None:
        """The whole screen as a PNG."""
        self.run("import", "-window", "root", str(target))
