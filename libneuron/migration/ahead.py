"""Looking at folders before they are asked for, so that a slow driver has always something to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Begins what is wanted next on threads of its own; with none, everything is done when it is taken.

    ``begin`` gives the portions of one path; the first is waited for ahead. Use as a context manager.
    """

    def __init__(self, begin: Callable[[str], Iterator[T]], *, threads: int) -> None:
        self._begin = begin
        self._limit = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="neuron-scan") if threads else None
        self._coming: dict[str, Future[tuple[list[T], Iterator[T]]]] = {}

    def __enter__(self) -> Ahead[T]:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def want(self, paths: Iterable[str]) -> None:
        """Say what will be taken next, the soonest first."""
        for path in paths:
            if self._pool is not None and len(self._coming) < self._limit and path not in self._coming:
                self._coming[path] = self._pool.submit(self._first, path)

    def _first(self, path: str) -> tuple[list[T], Iterator[T]]:
        portions = self._begin(path)
        return [first for first in [next(portions, None)] if first is not None], portions

    def take(self, path: str) -> Iterator[T]:
        """The portions of one path. Raises: what ``begin`` raises."""
        coming = self._coming.pop(path, None)
        if coming is None:
            return self._begin(path)
        first, more = coming.result()
        return chain(first, more)
