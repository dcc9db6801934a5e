"""libvirt's event loop: one for the whole process, on a thread of its own.

libvirt asks that an implementation is registered before the first connection is opened; connections opened
without it can neither tell changes nor notice that their daemon died (libvirt's documentation of
``virEventRegisterDefaultImpl`` and ``virConnectSetKeepAlive``).
"""

from __future__ import annotations

import logging
import threading

import libvirt

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_started = False


def ensure_loop() -> None:
    """Start the loop, once; call before opening a connection."""
    global _started  # noqa: PLW0603 — libvirt's implementation is global as well
    with _lock:
        if _started:
            return
        libvirt.registerErrorHandler(_keep_quiet, None)  # it prints every error to standard error otherwise
        libvirt.virEventRegisterDefaultImpl()
        # A timer that never fires for us: without any handle libvirt's loop refuses to wait.
        libvirt.virEventAddTimeout(3_600_000, _nothing, None)
        threading.Thread(target=_run, name="neuron-libvirt-events", daemon=True).start()
        _started = True


def _keep_quiet(_context: object, error: tuple[object, ...]) -> None:
    _log.debug("libvirt: %s", error)


def _nothing(_timer: int, _opaque: object) -> None:
    return


def _run() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()
