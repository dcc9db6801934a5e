"""Files through a helper: a service must not write where the person could put something in its way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from libneuron.guest.wire.fields import Fields
from libneuron.guest.wire.transfers import MOST_FILES, PIECE, Place
from neuron_guest.backend import Backend, BackendError, Files
from neuron_guest.helper_words import checked


def verbs(files: Files) -> Mapping[str, Callable[..., object]]:
    """What a service may ask the helper for."""

    def write(batch: int, path: str, offset: int, data: bytes, *, directory: bool) -> None:
        files.write(batch, path, offset, data, directory=directory)

    return {
        "files_begin": files.begin,
        "file_write": write,
        "files_finish": lambda batch, place: list(files.finish(batch, Place(place))),
        "files_discard": files.discard,
        "files_list": lambda: dict(files.copied()),
        "file_read": files.read,
    }


class RemoteFiles:
    """See :class:`Files`. ``ask(verb, **arguments)`` reaches the helper, whose answers are checked."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask

    def begin(self, size: int) -> int:
        """See :class:`Files`."""
        told = self._ask("files_begin", size=size)
        return checked(lambda: Fields({"batch": told}).integer("batch", 0, 1 << 53))

    def write(self, batch: int, path: str, offset: int, data: bytes, *, directory: bool) -> None:
        """See :class:`Files`."""
        self._ask("file_write", batch=batch, path=path, offset=offset, data=data, directory=directory)

    def finish(self, batch: int, place: Place) -> Sequence[str]:
        """See :class:`Files`."""
        told = self._ask("files_finish", batch=batch, place=place.value)
        return checked(lambda: Fields({"uris": told}).texts("uris", count=MOST_FILES))

    def discard(self, batch: int) -> None:
        """See :class:`Files`."""
        self._ask("files_discard", batch=batch)

    def copied(self) -> Mapping[str, Any]:
        """See :class:`Files`."""
        told = self._ask("files_list")
        return checked(lambda: _copied(told))

    def read(self, batch: int, node: int, offset: int, count: int) -> bytes:
        """See :class:`Files`."""
        data = self._ask("file_read", batch=batch, node=node, offset=offset, count=count)
        if not isinstance(data, bytes) or len(data) > PIECE:
            raise BackendError("failed", "the session's helper answered nonsense")
        return data


def _copied(value: object) -> Mapping[str, Any]:
    fields = Fields(value)
    return {
        "batch": fields.integer("batch", 0, 1 << 53),
        "files": [
            {
                "path": item.text("path", limit=1 << 15),
                "size": item.integer("size", 0, 1 << 53),
                "directory": item.flag("directory"),
            }
            for item in fields.objects("files", count=MOST_FILES)
        ],
        "left_out": fields.integer("left_out", 0, 1 << 53),
    }


class NoFiles:
    """See :class:`Files`: a machine where nobody is signed in."""

    def _refuse(self, *_arguments: object, **_named: object) -> Any:
        raise BackendError("no-session", "nobody is signed in to a desktop")

    begin = write = finish = discard = copied = read = _refuse


class OpenBatches:
    """The batches that one session of the host has begun; removed when it ends before they are complete."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._open: set[int] = set()
        self._ended = False

    def begin(self, size: int) -> int:
        """See :meth:`Files.begin`."""
        batch = self._backend.files.begin(size)
        with self._lock:
            self._open.add(batch)
            ended = self._ended
        if ended:
            self._backend.files.discard(batch)
        return batch

    def closed(self, batch: int) -> None:
        """It is complete, or given up."""
        with self._lock:
            self._open.discard(batch)

    def end(self) -> None:
        """The session is over: remove, in the background, what will not be completed."""
        with self._lock:
            self._ended = True
            left, self._open = self._open, set()
        if left:
            threading.Thread(target=self._remove, args=(left,), name="neuron-files", daemon=True).start()

    def _remove(self, left: set[int]) -> None:
        for batch in left:
            try:
                self._backend.files.discard(batch)
            except BackendError:
                return  # the session and its helper are gone; the next one sweeps
