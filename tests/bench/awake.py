"""Processors that do not fall asleep while something is measured."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SPIN = """
import os
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
parent = os.getppid()
print(flush=True)
while os.getppid() == parent:
    for _ in range(1 << 16):
        pass
"""


@contextmanager
def awake() -> Iterator[None]:
    """Keep each processor busy with a process that gives way to any other at once (sched(7), SCHED_IDLE).

    A processor with nothing to do sleeps, and a virtual one's sleep and awakening cost tens of microseconds
    each: two processes that answer each other would be measured by how deep the one slept that waited.
    """
    spinners = [
        subprocess.Popen(
            [sys.executable, "-IS", "-c", "import sys" + _SPIN, str(number)], stdout=subprocess.PIPE
        )
        for number in sorted(os.sched_getaffinity(0))
    ]
    try:
        for spinner in spinners:
            assert spinner.stdout is not None
            spinner.stdout.readline()
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.communicate()
