"""All health checks at once beside greenboot's way: scripts one after the other, with the usual tools."""

from __future__ import annotations

import functools
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from libneuron.system.clock import RealClock
from libneuron.system.files import Root
from libneuron.system.paths import resources
from libneuron.system.runner import RealRunner
from libneuron.updates.checks import Check, load_checks
from libneuron.updates.examine import examine
from libneuron.updates.health import Outcome, ok
from libneuron.updates.subject import Probe, Subject
from tests.bench.table import Gate, show, timed, verdict

ROUNDS = 7
LIMIT = 5.0  # seconds that the hanging check may take

# What a greenboot script does for the same question. Those of our checks without a counterpart are left out,
# which is to greenboot's advantage.
SCRIPTS = {
    "programs": "for p in sh mount systemctl login bash apt-get dpkg; do\n"
    '  ldd "$(command -v $p)" >/dev/null || exit 1\ndone',
    "accounts": "getent passwd root >/dev/null && pwck -qr >/dev/null 2>&1; true",
    "units": "systemctl --failed --no-legend 2>/dev/null | grep -q . && exit 1; true",
    "fstab": "findmnt --verify >/dev/null 2>&1; true",
    "space": "df --output=pcent / | tail -1 >/dev/null",
    "packages": 'test -z "$(dpkg --audit)"',
}


def _serial(folder: Path) -> None:
    for script in sorted(folder.iterdir()):
        subprocess.run([script], capture_output=True, check=False)


def _best(seconds: Sequence[float]) -> float:
    return min(seconds)  # the one least disturbed by what else the machine does


def _waiting(count: int, seconds: float) -> tuple[Check, ...]:
    """Checks that wait for an answer, as those over D-Bus do, up to ``seconds``."""

    def waiting(pause: float) -> Probe:
        def probe(_subject: Subject) -> Outcome:
            time.sleep(pause)
            return ok()

        return probe

    return tuple(
        Check(f"w{number}", "", True, 5, waiting(seconds * (number + 1) / count), "", program=False)
        for number in range(count)
    )


def _hanging() -> Check:
    """A check that never comes back."""

    def probe(_subject: Subject) -> Outcome:
        threading.Event().wait()
        return ok()

    return Check("hangs", "", True, LIMIT, probe, "", program=False)


def main() -> int:
    """Measure and print; 0 if all ratios hold."""
    root = Root()
    subject = Subject(root, RealRunner(), RealClock(), None)
    checks = load_checks(resources() / "updates/checks.toml", root)
    examine(checks, subject)  # warm
    together = _best([timed(lambda: examine(checks, subject)) for _ in range(ROUNDS)])
    alone = {
        check.id: _best([timed(functools.partial(examine, [check], subject)) for _ in range(ROUNDS)])
        for check in checks
    }
    slowest = max(alone.values())
    waiting = _waiting(20, 0.4)
    waits = _best([timed(lambda: examine(waiting, subject)) for _ in range(ROUNDS)])
    hung = timed(lambda: examine([*checks, _hanging()], subject))
    with tempfile.TemporaryDirectory() as name:
        for script, text in SCRIPTS.items():
            place = Path(name) / f"{script}.sh"
            place.write_text(f"#!/bin/sh\n{text}\n")
            place.chmod(0o755)
        peer = _best([timed(lambda: _serial(Path(name))) for _ in range(ROUNDS)])
    show(
        "Health checks (this machine)",
        ("", "checks", "ms"),
        [
            ("ours, all at once", str(len(checks)), f"{together * 1e3:.0f}"),
            ("ours, one after the other", str(len(checks)), f"{sum(alone.values()) * 1e3:.0f}"),
            ("the slowest of ours alone", "1", f"{slowest * 1e3:.0f}"),
            ("greenboot's way, scripts in turn", str(len(SCRIPTS)), f"{peer * 1e3:.0f}"),
            ("20 that wait up to 400 ms for an answer", "20", f"{waits * 1e3:.0f}"),
            (f"ours and one that hangs, limit {LIMIT:g} s", str(len(checks) + 1), f"{hung * 1e3:.0f}"),
        ],
    )
    return verdict(
        [
            Gate("all at once / greenboot's scripts", together / peer, 1.0, at_least=False),
            Gate("waiting checks together / the slowest of them", waits / 0.4, 1.1, at_least=False),
            Gate("all at once, s", together, 2.0, at_least=False),
            Gate("all at once / the slowest of ours alone", together / slowest, 1.1, at_least=False),
            Gate("with one that hangs / its limit", hung / LIMIT, 1.1, at_least=False),
        ]
    )
