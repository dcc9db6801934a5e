"""The command line of Guest Bridge as a person runs it: a process of its own, with files of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import weakref
from pathlib import Path
from typing import IO, Any

from tests.system.lab.shell import SLACK

ROOT = Path(__file__).resolve().parents[3]
_WITHOUT_GUEST = ("list", "pair", "unpair", "start", "suspend")
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

    def start(self, *words: str, stdin: int | IO[str] = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Start a verb; with ``--json``."""
        kept = {
            "XDG_DATA_HOME": str(self.data.parent),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_RUNTIME_DIR": self._runtime,
            "HOME": str(self.home),
        }
        patience = () if words[0] in _WITHOUT_GUEST else ("--timeout", "300")
        libvirt = () if words[0] == "unpair" else ("--connect", self.uri)
        end = words.index("--") if "--" in words else len(words)  # what follows it belongs to the verb
        command = [sys.executable, "-m", "neuron_guest_bridge", *words[:end], *patience]
        return subprocess.Popen(
            [*command, *libvirt, "--json", *words[end:]],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **kept, "PYTHONPATH": f"{ROOT}:{ROOT / 'apps'}"},
        )

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
