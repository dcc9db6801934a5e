"""Keeps the machine from being switched off or sent to sleep while something must not be cut off.

logind's inhibitor (``org.freedesktop.login1.Manager.Inhibit``): the lock lasts as long as its descriptor is
open, so it is gone with the process that held it, however that ended.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from libneuron.errors import NeuronError
from libneuron.system.calls import Caller

_NAME, _PATH = "org.freedesktop.login1", "/org/freedesktop/login1"
_MANAGER = "org.freedesktop.login1.Manager"
_PATIENCE = 5.0  # seconds; work is not kept waiting by a session service that hangs


@contextlib.contextmanager
def awake(bus: Caller | None, *, who: str, why: str) -> Iterator[bool]:
    """Hold shutdown and sleep back while the block runs; yields whether logind agreed.

    Without a bus or logind the block runs all the same: what it does must survive a power cut anyway.
    """
    descriptor = -1
    if bus is not None:
        with contextlib.suppress(NeuronError):
            words = ("shutdown:sleep", who, why, "block")
            (descriptor,) = bus.call(_NAME, _PATH, _MANAGER, "Inhibit", "ssss", words, timeout=_PATIENCE)
    try:
        yield descriptor >= 0
    finally:
        if descriptor >= 0:
            os.close(descriptor)
