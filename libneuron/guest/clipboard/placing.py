"""Files that are pasted on another machine must lie there before their addresses mean anything."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol, runtime_checkable

from libneuron.progress import Progress
from libneuron.system.clipboard.model import Clipboard
from libneuron.system.clipboard.spool import Content, SpoolLimits


@runtime_checkable
class Places(Protocol):
    """A clipboard on another machine: the files that are pasted there must be brought there first."""

    def place(self, found: Content, limits: SpoolLimits, progress: Progress) -> Future[Content]:
        """``found`` lists files of this machine (``text/uri-list``); the future has their addresses there.

        The future raises GuestError, ClipboardError, or Cancelled after ``progress.cancel()``.
        """


def placed(
    read: Future[Content], there: Clipboard, limits: SpoolLimits, progress: Progress
) -> Future[Content]:
    """Addresses of files, once the files themselves lie where they are pasted."""
    if not isinstance(there, Places):
        return read
    result: Future[Content] = Future()
    result.set_running_or_notify_cancel()

    def settle(future: Future[Content]) -> None:
        error = future.exception()
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(future.result())

    def place(future: Future[Content]) -> None:
        if future.exception() is None:
            there.place(future.result(), limits, progress).add_done_callback(settle)
        else:
            settle(future)

    read.add_done_callback(place)
    return result
