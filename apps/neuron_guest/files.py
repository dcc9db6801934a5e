"""Files between host and guest: what the six verbs do on the machine of the person signed in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from libneuron.guest.wire.filing import FilingError, Incoming, Listing, listed, move_into, read_piece, sweep
from libneuron.guest.wire.transfers import Place
from neuron_guest.backend import BackendError

_Result = TypeVar("_Result")
_KEPT = 2  # batches: the last one pasted may still be copied from
_OPEN = 4  # batches and listings that are used at once


@dataclass(frozen=True)
class Places:
    """Where files lie on this machine: ``private`` is made when it is wanted, below a folder of the
    person's own; ``downloads`` is where a person looks; ``copied`` are the clipboard's; ``address`` makes the
    URI that the clipboard carries."""

    private: Callable[[], Path]
    downloads: Callable[[], Path]
    copied: Callable[[], Sequence[Path]]
    address: Callable[[Path], str]


@dataclass
class _Batch:
    incoming: Incoming
    turn: threading.Lock = field(default_factory=threading.Lock)


class LocalFiles:
    """See :class:`neuron_guest.backend.Files`."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._last = 0
        self._open: dict[int, _Batch] = {}
        self._listings: dict[int, Listing] = {}
        self._swept = False

    def begin(self, size: int) -> int:
        """See :class:`Files`."""
        folder = self._places.private()
        with self._lock:
            coming = [batch.incoming.folder for batch in self._open.values()]
            sweep(folder, keep=_KEPT if self._swept else 0, coming=coming)
            self._swept = True
            oldest = next(iter(self._open)) if len(self._open) >= _OPEN else None
        if oldest is not None:
            self.discard(oldest)
        batch = _Batch(_filed(lambda: Incoming(folder, size)))
        with self._lock:
            self._last += 1
            self._open[self._last] = batch
            return self._last

    def _batch(self, number: int) -> _Batch:
        with self._lock:
            found = self._open.get(number)
        if found is None:
            raise BackendError("not-found", "this batch of files is complete, or was given up")
        return found

    def write(self, batch: int, path: str, offset: int, data: bytes, *, directory: bool) -> None:
        """See :class:`Files`."""
        found = self._batch(batch)
        try:
            with found.turn:
                if directory:
                    _filed(lambda: found.incoming.directory(path))
                else:
                    _filed(lambda: found.incoming.write(path, offset, data))
        except BackendError:
            self.discard(batch)
            raise

    def finish(self, batch: int, place: Place) -> Sequence[str]:
        """See :class:`Files`."""
        found = self._batch(batch)
        try:
            with found.turn:
                tops = _filed(found.incoming.finish)
                if place is Place.DOWNLOADS:
                    tops = _filed(lambda: move_into(self._places.downloads(), tops))
        except BackendError:
            self.discard(batch)
            raise
        with self._lock:
            self._open.pop(batch, None)
        if place is Place.DOWNLOADS:
            found.incoming.discard()
        return [self._places.address(top) for top in tops]

    def discard(self, batch: int) -> None:
        """See :class:`Files`."""
        with self._lock:
            found = self._open.pop(batch, None)
        if found is not None:
            with found.turn:
                found.incoming.discard()

    def copied(self) -> Mapping[str, Any]:
        """See :class:`Files`."""
        found = _filed(lambda: listed(self._places.copied()))
        with self._lock:
            self._last += 1
            self._listings[self._last] = found
            while len(self._listings) > _OPEN:
                del self._listings[next(iter(self._listings))]
            number = self._last
        return {
            "batch": number,
            "files": [asdict(entry) for entry in found.entries],
            "left_out": found.left_out,
        }

    def read(self, batch: int, node: int, offset: int, count: int) -> bytes:
        """See :class:`Files`."""
        with self._lock:
            found = self._listings.get(batch)
        if found is None or node >= len(found.sources):
            raise BackendError("not-found", "something else has been copied since")
        return _filed(lambda: read_piece(found.sources[node], offset, count))


def _filed(work: Callable[[], _Result]) -> _Result:
    try:
        return work()
    except FilingError as error:
        raise BackendError(error.code, str(error)) from error
