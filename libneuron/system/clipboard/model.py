"""What every host clipboard looks like to the rest: offers out, reads and claims in, nothing blocks.

Formats are the MIME types of the guest's agent (``neuron_guest.backend.Offer``), whatever the desktop
itself calls them; see :mod:`libneuron.system.clipboard.targets`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from libneuron.progress import Progress
from libneuron.system.clipboard.spool import Content


@dataclass(frozen=True)
class HostOffer:
    """A new copy on the host, as far as it can be known without reading its content.

    ``number`` counts the host's copies: a read names it, so that it never returns another copy's data.
    ``origin`` is what a bridge wrote beside a copy that came out of a VM ("" for all others). ``owner`` is
    the X11 class of the window that holds it ("" where the desktop does not tell). ``silent`` if the owner
    did not answer in time; nothing is known about the formats then.
    """

    number: int
    formats: tuple[str, ...]
    secret: bool = False
    origin: str = ""
    owner: str = ""
    silent: bool = False


@dataclass(frozen=True)
class Claim:
    """A copy to put on the host's clipboard without having its content yet.

    ``fetch`` is called on the clipboard's own thread when somebody pastes; it must return at once. ``after``
    is the number of the newest host copy that the caller knew: if another came since, the claim is refused,
    because the person on the host was faster.
    """

    formats: tuple[str, ...]
    origin: str
    secret: bool
    after: int
    fetch: Callable[[str], Future[Content]]


class HostClipboard(Protocol):
    """The clipboard of the person's desktop. Every method returns at once, on any thread."""

    kind: str
    """ "x11", "ext-data-control", "wlr-data-control"."""

    def start(self, changed: Callable[[HostOffer], None], lost: Callable[[Exception], None]) -> None:
        """Call ``changed`` on the clipboard's thread at each new copy that is not ours, also for the present
        one; ``lost`` once if the display goes away."""

    def read(self, number: int, mime: str, progress: Progress | None = None) -> Future[Content]:
        """One format of host copy ``number``.

        The future raises ClipboardError stale, owner-silent, refused, too-large, disk-full, unavailable; or
        Cancelled after ``progress.cancel()``.
        """

    def claim(self, claim: Claim) -> Future[None]:
        """Own the clipboard for ``claim``. The future raises ClipboardError stale, unavailable."""

    def release(self) -> None:
        """Give up our claim, if it still holds; the clipboard is empty then."""

    def close(self) -> None:
        """Stop the thread and leave the display; pending futures raise ClipboardError unavailable."""
