"""The threads that do what the host asks: a verb that takes long, or hangs, holds up no other for a while."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from libneuron.guest.wire.errors import FieldError
from libneuron.guest.wire.requests import Permission
from neuron_guest.backend import Backend, BackendError
from neuron_guest.files_link import OpenBatches
from neuron_guest.handlers import HANDLERS, Answer, Call
from neuron_guest.promises import Promises

_log = logging.getLogger("neuron_guest")

_WORKERS = 4
Error = Mapping[str, str]
"""A refusal as it is answered: ``code``, ``message`` and perhaps ``field``."""


@dataclass
class Request:
    """A request whose body is still coming in, or which a worker has in hand."""

    id: str | int
    verb: str
    parsed: Any
    conversation: object  # whose it is, and who may answer it
    permissions: frozenset[Permission]
    body: bytearray = field(default_factory=bytearray)  # a kept piece would hold the buffer it lies in
    size: int = 0
    cancelled: bool = False


class Workers:
    """Threads that are started when they are first needed. ``done`` is called on them, once for each request.

    :meth:`put` and :meth:`freed` belong to one thread, the agent's.
    """

    def __init__(
        self, backend: Backend, done: Callable[[Request, Answer | None, Error | None], None]
    ) -> None:
        self._backend = backend
        self._done = done
        self._work: queue.SimpleQueue[tuple[Request, Promises, OpenBatches] | None] = queue.SimpleQueue()
        self._threads = 0
        self._idle = 0

    def put(self, request: Request, promises: Promises, batches: OpenBatches) -> None:
        """Do ``request`` when a thread is free."""
        if self._idle <= 0 and self._threads < _WORKERS:
            self._threads += 1
            threading.Thread(target=self._toil, name="neuron-verb", daemon=True).start()
        else:
            self._idle -= 1
        self._work.put((request, promises, batches))

    def freed(self) -> None:
        """A request's ``done`` has arrived."""
        self._idle += 1

    def stop(self) -> None:
        """Let the threads end with what they are doing."""
        for _ in range(self._threads):
            self._work.put(None)

    def _toil(self) -> None:
        while (work := self._work.get()) is not None:
            request, promises, batches = work
            answer, error = (None, None) if request.cancelled else self._do(request, promises, batches)
            self._done(request, answer, error)

    def _do(
        self, request: Request, promises: Promises, batches: OpenBatches
    ) -> tuple[Answer | None, Error | None]:
        call = Call(
            self._backend, request.parsed, bytes(request.body), request.permissions, promises, batches
        )
        try:
            return HANDLERS[request.verb](call), None
        except BackendError as error:
            return None, {"code": error.code, "message": str(error)}
        except FieldError as error:
            return None, {"code": "bad-field", "message": str(error), "field": error.field}
        except Exception:  # noqa: BLE001 — a bug in a backend must not end the agent; it is logged whole
            _log.exception("%s failed", request.verb)
            return None, {"code": "failed", "message": "an internal error; the guest's log has more"}
