"""What a start of the agent costs: under emulation every import is paid dearly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[4]
_OURS = [str(_ROOT), str(_ROOT / "apps")]


def test_the_service_starts_without_what_only_a_session_needs() -> None:
    code = "import neuron_guest.__main__, neuron_guest.platform.linux.machine;print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {_OURS!r}; {code}"],
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
        "neuron_guest.platform.linux.programs",
        "argparse",
        "shutil",
        "subprocess",
    }
