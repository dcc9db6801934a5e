"""Work in a process of its own, so that nothing it does can make a window wait.

Threads would: a long call into C (JSON, sorting, the garbage collector) stops Qt's loop for as long as it
lasts, and so does whoever has Python's lock while the machine is busy (168 ms were seen). Here the window's
process only waits for messages.

Over a socket pair: the work, a pickled callable, goes there; how far it is and its outcome come back; what
the person presses meanwhile goes there as well. Once the window is gone, the work stops at its next safe
point. Pickles are safe here, because both ends are this program, and nobody else has the pair.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from enum import StrEnum
from multiprocessing.connection import Connection, Pipe
from typing import Protocol, TypeVar

from libneuron.errors import Cancelled, NeuronError
from libneuron.progress import Progress, ProgressView
from libneuron.system.errors import SystemAccessError
from libneuron.system.runner import spawn

_START = (
    "import os, sys; sys.path[:] = sys.argv[2].split(os.pathsep);"
    " from libneuron.system.apart import main; main(int(sys.argv[1]))"
)
_BEAT = 0.05
"""Seconds in which a press on Pause or Stop reaches the work."""
_NICE = 5
"""The work leaves the processor to windows, its own and others, where both want it."""

T = TypeVar("T")


class Do(Protocol):
    """Has work done somewhere, and waits for it."""

    def __call__(self, work: Callable[[Progress], T], progress: Progress) -> T:
        """Do ``work``. Raises: what it raises."""


class _Word(StrEnum):
    """What is said over the pair: the first three there, the others back."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    MOVED = "moved"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    BUG = "bug"


def here(work: Callable[[Progress], T], progress: Progress) -> T:
    """Do it in this very thread."""
    return work(progress)


def nothing() -> None:
    """The preparation of work that needs none."""


def apart(work: Callable[[Progress], T], progress: Progress, *, prepare: Callable[[], object] = nothing) -> T:
    """Do it in a process of its own, after ``prepare`` there. All that crosses must be picklable.

    Raises: what it raises; SystemAccessError process-ended; Cancelled; RuntimeError with a bug's traceback.
    """
    ours, theirs = Pipe()
    with ours:
        with theirs:
            descriptor = theirs.fileno()
            path = os.pathsep.join(sys.path)
            # The clean environment of foreign programs would take the person's language away.
            env = {**os.environ, "LC_ALL": os.environ.get("LC_ALL", "")}
            argv = [sys.executable, "-c", _START, str(descriptor), path]
            process = spawn(argv, env=env, stderr=2, pass_fds=(descriptor,))
        try:
            ours.send((prepare, work))
            return _outcome(ours, progress)
        except (EOFError, OSError) as error:
            raise SystemAccessError("system.process-ended", details=str(error)) from error
        finally:
            ours.close()  # whatever happened here: it stops
            process.wait()


def _outcome(channel: Connection, progress: Progress) -> T:  # type: ignore[type-var] # the work's own
    paused = asked = False
    while True:
        if channel.poll(_BEAT):
            word, value = channel.recv()
            if word is _Word.MOVED:
                progress.mirror(value)
            elif word is _Word.DONE:
                return value  # type: ignore[no-any-return]
            elif word is _Word.CANCELLED:
                raise Cancelled
            elif word is _Word.FAILED:
                raise value
            else:
                raise RuntimeError(value)
        if progress.cancelled and not asked:
            asked = True
            channel.send(_Word.CANCEL)
        if progress.view().paused is not paused:
            paused = not paused
            channel.send(_Word.PAUSE if paused else _Word.RESUME)


class _Side:
    """The end of the pair in the process that works."""

    def __init__(self, channel: Connection) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self.progress = Progress(clock=time.monotonic, listener=self._moved)

    def _moved(self, view: ProgressView) -> None:
        self.say(_Word.MOVED, view)

    def say(self, word: _Word, value: object = None) -> None:
        """Tell the window, from whichever thread. Where it is gone, nobody is left to be told."""
        with self._lock, contextlib.suppress(OSError):
            self._channel.send((word, value))

    def listen(self) -> None:
        """Do what the person presses until the window is gone, which is a press on Stop."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                word = self._channel.recv()
                if word is _Word.CANCEL:
                    self.progress.cancel()
                elif word is _Word.PAUSE:
                    self.progress.pause()
                else:
                    self.progress.resume()
        self.progress.cancel()


def main(descriptor: int) -> None:
    """Do the one piece of work that comes over the socket ``descriptor``."""
    os.nice(_NICE)
    with Connection(descriptor) as channel:
        side = _Side(channel)
        prepare, work = channel.recv()
        threading.Thread(target=side.listen, daemon=True).start()
        try:
            _kept = prepare()
            side.say(_Word.DONE, work(side.progress))
        except Cancelled:
            side.say(_Word.CANCELLED)
        except NeuronError as error:
            side.say(_Word.FAILED, error)
        except Exception:  # noqa: BLE001 — a bug: it is raised again in the window's process
            side.say(_Word.BUG, traceback.format_exc())
