"""A child process that never outlives who started it. Source: prctl(2), PR_SET_PDEATHSIG.

Imports next to nothing: programs that must start at once use it.
"""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> bool:
    """Have the kernel kill this process once the thread that started it ends.

    False where the process ``parent`` ended before that, so that nothing will ever kill this one.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return os.getppid() == parent
