"""What a start of the agent costs: under emulation every import is paid dearly."""

from __future__ import annotations

import os
import subprocess
import sys


def test_the_service_starts_without_what_only_a_session_needs() -> None:
    code = (
        "import sys, neuron_guest.__main__, neuron_guest.platform.linux.machine;"
        "print(*sorted(name for name in sys.modules if name.startswith('neuron_guest')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "neuron_guest.platform.linux.routed" in loaded
    assert not loaded & {
        "neuron_guest.platform.linux.session",
        "neuron_guest.platform.linux.desktop_files",
        "neuron_guest.platform.linux.screens",
        "neuron_guest.selftest",
        "neuron_guest.simulated",
    }
