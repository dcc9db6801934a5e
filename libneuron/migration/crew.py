"""Those who copy: threads, each with a process for small files (:mod:`libneuron.migration.worker`)."""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from libneuron.migration import worker
from libneuron.migration.worker import CopyAnswer, CopyOrder, RenameOrder
from libneuron.system.errors import SystemAccessError
from libneuron.system.runner import spawn

_LOCK = "workers"
_START = (
    "import sys; sys.path.append(sys.argv[1]); from libneuron.migration.worker import main;"
    " main(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])"
)

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Lost(Exception):  # noqa: N818 — not an error: the work is done without it
    """The process ended."""


class Worker:
    """One copying process. Its thread alone talks to it."""

    def __init__(self, folder: Path) -> None:
        """Start it; ``folder`` is the run's own. Raises: SystemAccessError; OSError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        top = Path(__file__).resolve().parents[2]
        cache = [] if sys.pycache_prefix is None else ["-X", f"pycache_prefix={sys.pycache_prefix}"]
        with theirs:
            number = theirs.fileno()
            argv: list[str | Path] = [
                sys.executable,
                "-I",
                "-S",
                *cache,
                "-c",
                _START,
                top,
                str(number),
                str(os.getpid()),
            ]
            try:
                self._process = spawn([*argv, folder / _LOCK], pass_fds=(number,))
            except (SystemAccessError, OSError):
                ours.close()
                raise
        self._socket = ours

    def close(self) -> None:
        """End the process."""
        self._socket.close()
        self._process.kill()  # it has answered all, and holds nothing
        self._process.wait()

    def copy(self, source: int, target: int, orders: Sequence[CopyOrder]) -> list[CopyAnswer]:
        """Copy files between two open folders. Raises: Lost."""
        return worker.copy_answers(self._ask(worker.copy_request(orders), [source, target]))

    def rename(self, folder: int, orders: Sequence[RenameOrder]) -> list[bool]:
        """Give files their names, never over another. Raises: Lost."""
        return worker.rename_answers(self._ask(worker.rename_request(orders), [folder]))

    def _ask(self, request: bytes, folders: list[int]) -> bytes:
        try:
            socket.send_fds(self._socket, [request], folders)
            answer = self._socket.recv(worker.PACKET)
        except OSError as error:
            raise Lost from error
        if not answer:
            raise Lost
        return answer


class Crew:
    """A pool of threads. Use as a context manager."""

    def __init__(self, jobs: int, folder: Path, *, processes: bool) -> None:
        """``processes`` False: all is done in the threads, which pays for few files."""
        self._folder = folder
        self._processes = processes
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="neuron-copy")
        self._own = threading.local()
        self._lock = threading.Lock()
        self._workers: list[Worker] = []

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._pool.shutdown()
        for one in self._workers:
            one.close()

    def submit(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Have one of the threads do it."""
        return self._pool.submit(work, *args, **kwargs)

    def worker(self) -> Worker | None:
        """The process of the thread that asks; None where there is none."""
        if not self._processes:
            return None
        found: Worker | None = getattr(self._own, "worker", None)
        if found is None:
            try:
                found = Worker(self._folder)
            except (SystemAccessError, OSError):  # slower without, not worse
                self._processes = False
                return None
            self._own.worker = found
            with self._lock:
                self._workers.append(found)
        return found

    def lost(self) -> None:
        """A process ended by itself: go on without."""
        self._processes = False


def wait_for_workers(folder: Path) -> None:
    """Wait until no process of an earlier run, which was killed, works in this run's folder any more."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)
