"""The command line of Guest Bridge, with files of its own: as a process of its own, or in this one."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any
from unittest import mock

from libneuron.system.paths import Paths, user_paths
from neuron_guest_bridge.__main__ import main
from tests.system.lab.shell import SLACK

ROOT = Path(__file__).resolve().parents[3]
_WITHOUT_GUEST = ("list", "pair", "unpair", "start", "suspend", "power-off")
"""The other verbs wait for an answer, here as long as it takes."""


class Bridge:
    """``neuron-guest-bridge`` for one libvirt, keeping its keys below ``home``."""

    def __init__(self, uri: str, home: Path) -> None:
        self.uri = uri
        self.home = home
        self.data = home / "data" / "neuron"
        # As short as /run/user/1000: a socket's path must fit in 108 bytes, and pytest's folders are long.
        self._runtime = tempfile.mkdtemp(prefix="neuron-run-")
        weakref.finalize(self, shutil.rmtree, self._runtime)

    def _kept(self) -> Mapping[str, str]:
        """What says where the files are."""
        return {
            "XDG_DATA_HOME": str(self.data.parent),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_RUNTIME_DIR": self._runtime,
            "HOME": str(self.home),
        }

    @property
    def where(self) -> Paths:
        """Its directories."""
        with mock.patch.dict(os.environ, self._kept()):
            return user_paths()

    def _words(self, *words: str) -> list[str]:
        patience = () if words[0] in _WITHOUT_GUEST else ("--timeout", "300")
        libvirt = () if words[0] == "unpair" else ("--connect", self.uri)
        end = words.index("--") if "--" in words else len(words)  # what follows it belongs to the verb
        return [*words[:end], *patience, *libvirt, "--json", *words[end:]]

    def start(self, *words: str, stdin: int | IO[str] = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Start a verb; with ``--json``."""
        return subprocess.Popen(
            [sys.executable, "-m", "neuron_guest_bridge", *self._words(*words)],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self._kept(), "PYTHONPATH": f"{ROOT}:{ROOT / 'apps'}"},
        )

    def here(self, *words: str, status: int = 0) -> Any:
        """Run a verb to its end in this process, on its main thread: forty starts of Python are dear."""
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        said = io.StringIO()
        try:
            with mock.patch.dict(os.environ, self._kept()), contextlib.redirect_stdout(said):
                found = main(self._words(*words))
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        assert found == status, f"status {found}: {said.getvalue()}"
        return json.loads(said.getvalue())

    @staticmethod
    def finish(process: subprocess.Popen[str], *, status: int = 0, timeout: float = 600) -> Any:
        """What it printed, as an object."""
        said, complained = process.communicate(timeout=timeout * SLACK)
        assert process.returncode == status, f"status {process.returncode}: {said}{complained}"
        assert said, complained
        return json.loads(said)

    def run(self, *words: str, status: int = 0, timeout: float = 600) -> Any:
        """Run a verb to its end."""
        return self.finish(self.start(*words), status=status, timeout=timeout)
