"""A hardened service's view of the system: the root is a mount point there, which rename(2) refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.updates import guardian
from tests.conftest import ROOT
from tests.system.updates.disk import Disk, disk

# In a mount namespace of its own; the runner's programs start in that of its parent.
_INSIDE = """
import os, subprocess, sys
from pathlib import Path
from libneuron.system.clock import RealClock
from libneuron.system.files import Root
from libneuron.system.runner import RealRunner
from libneuron.updates import guardian
from libneuron.updates.settings import Settings

point, checks, beyond = sys.argv[1:]

class Beyond:
    def run(self, argv, **named):
        return RealRunner().run(("nsenter", f"--mount=/proc/{os.getppid()}/ns/mnt", "--", *argv), **named)

subprocess.run(["mount", "--bind", point, point], check=True)
outside = Beyond() if beyond == "beyond" else None
here = guardian.Machine(
    Root(Path(point)), RealRunner(), RealClock(), None, Path(checks), Settings(free_mib=1), True, outside
)
print(guardian.roll_back(here, None).committed)
"""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path, named="@") as made:
        guardian.begin(made.machine(), tool="test")
        made.update_badly()
        guardian.end(made.machine())
        yield made


def roll_back_inside(machine: Disk, beyond: str) -> subprocess.CompletedProcess[str]:
    words = ("unshare", "--mount", sys.executable, "-c", _INSIDE, machine.point, machine.work / "checks.toml")
    paths = os.pathsep.join((str(ROOT), str(ROOT / "apps")))
    return subprocess.run(
        [*words, beyond], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths}
    )


def test_the_exchange_is_made_by_a_program_beyond_the_walls(machine: Disk) -> None:
    done = roll_back_inside(machine, "beyond")
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
    machine.restart()
    over = guardian.resume(machine.machine())
    assert over is not None
    assert (over.outcome, over.problems) == ("restored", ())
    assert (machine.point / "usr/bin/app").exists()
    machine.check_clean()


def test_without_one_it_fails_and_nothing_is_left_pending(machine: Disk) -> None:
    done = roll_back_inside(machine, "alone")
    assert "could not be prepared: Device or resource busy" in done.stderr
    past = guardian.history(machine.machine())
    assert (past.pending, [item.outcome for item in past.rollbacks]) == (None, ["abandoned"])
    machine.restart()
    assert not (machine.point / "usr/bin/app").exists()
