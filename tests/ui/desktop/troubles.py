"""Guest Bridge as a person runs it, and what can go wrong around it: each trouble is a context."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.ui.desktop.atspi import Client
from tests.ui.desktop.session import Desktop, wait_for
from tests.ui.desktop.tray import TrayClient

TEXT = "text/plain;charset=utf-8"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(30 << 20)
"""More than a small disk holds beside the 64 MiB that are left for others."""


class Running:
    """Guest Bridge with the simulated machine connected, its window open, its icon in a panel."""

    def __init__(
        self,
        desktop: Desktop,
        assistive: Client,
        tray: TrayClient,
        *,
        home: Path,
        libvirt: str = "test:///default",
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.desktop, self.assistive, self.tray = desktop, assistive, tray
        names = ("CONFIG", "DATA", "STATE", "CACHE")
        self._env = {f"XDG_{name}_HOME": str(home / name.lower()) for name in names} | dict(env or {})
        words = ("-m", "neuron_guest_bridge", f"--connect={libvirt}")
        self.process = desktop.start_python(*words, env=self._env)
        assistive.find("push button", "Try a simulated machine").press()
        assistive.find("list item", "Simulated machine, Simulated · Connected")
        assistive.find("list item", "Paint (simulated)")
        assistive.find("page tab", "Activity").press()
        self.agent, words_of = _child_with(self.process.pid, "neuron_guest")
        self._socket, self._keys = (words_of[words_of.index(name) + 1] for name in ("--socket", "--keys"))

    def close(self) -> None:
        """End it."""
        self.desktop.stop(self.process)

    def command(self, *words: str) -> subprocess.Popen[bytes]:
        """A command in a terminal, which goes through the running program."""
        return self.desktop.start_python("-m", "neuron_guest_bridge", *words, name="terminal", env=self._env)

    @contextmanager
    def copied(self, data: bytes, mime: str) -> Iterator[int]:
        """A program on this desktop has copied ``data``; its process."""
        source = Path(tempfile.mkdtemp(dir=self.desktop.home)) / "copied"
        source.write_bytes(data)
        if "WAYLAND_DISPLAY" in self._env:
            shell = ("sh", "-c", 'exec wl-copy --foreground --type "$1" < "$2"', "wl-copy", mime, str(source))
            owner = self.desktop.start(*shell, name="wl-copy", env=self._env)
        else:
            target = "UTF8_STRING" if mime == TEXT else mime
            words = ("xclip", "-quiet", "-selection", "clipboard", "-t", target, "-i", str(source))
            owner = self.desktop.start(*words, name="xclip")
        try:
            yield owner.pid
        finally:
            self.desktop.stop(owner)

    def guest_pastes(self, mime: str) -> subprocess.Popen[bytes]:
        """Somebody in the machine pastes what was copied here."""
        target = str(self.desktop.home / "pasted")
        return self.command("clipboard", "get", "simulated", "--type", mime, "--output", target)

    def says(self, text: str) -> bool:
        """Whether the window says so."""
        return any(text in node.name for app in self.assistive.apps() for node in app.walk())

    def offered(self, what: str) -> None:
        """Wait until the machine could paste what was copied last."""
        wait_for(lambda: self.says(f"{what} offered to Simulated machine"), "the offer")

    @contextmanager
    def other_agent(self, module: str) -> Iterator[None]:
        """The machine's agent ends and another program with its keys takes its place; then its own again."""
        os.kill(self.agent, signal.SIGKILL)
        made = self.desktop.start_python("-m", module, self._socket, self._keys, name="agent")
        try:
            yield
        finally:
            self.desktop.stop(made)
            own = ("-m", "neuron_guest", "simulate", "--socket", self._socket, "--keys", self._keys)
            self.desktop.start_python(*own, name="agent")


def _child_with(pid: int, module: str) -> tuple[int, list[str]]:
    """The process that ``pid`` has started with ``module``, and its words."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
            if module in words:
                return int(child), words
    raise AssertionError(f"{pid} runs no {module}")


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process stands still."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def small_disk() -> Iterator[Path]:
    """A file system with 80 MiB."""
    with tempfile.TemporaryDirectory(prefix="neuron-small-") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "none", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def remounted(disk: Path, size: str) -> Iterator[None]:
    """A small disk has another size."""
    for wanted, then in ((size, True), ("80m", False)):
        subprocess.run(["mount", "-o", f"remount,size={wanted}", disk], check=True)
        if then:
            yield
