"""What every clipboard looks like to a bridge: offers out, reads and claims in, nothing blocks.

The host's clipboards stand in this package; the guest's, behind its channel, has the same face. Formats are
the MIME types of the guest's agent (``neuron_guest.backend.Offer``), whatever the desktop itself calls them;
see :mod:`libneuron.system.clipboard.targets`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from libneuron.progress import Progress
from libneuron.system.clipboard.spool import Content, SpoolLimits


@dataclass(frozen=True)
class ClipboardOffer:
    """A new copy, as far as it can be known without reading its content.

    ``number`` counts the copies of this clipboard: a read names it, so that it never returns another copy's
    data. ``origin`` is what a bridge wrote beside a copy that it brought ("" for all others). ``owner`` is
    the X11 class of the window that holds it ("" where the desktop does not tell). ``silent`` if the owner
    did not answer in time; nothing is known about the formats then. No formats: the clipboard is empty.
    """

    number: int
    formats: tuple[str, ...]
    secret: bool = False
    origin: str = ""
    owner: str = ""
    silent: bool = False


@dataclass(frozen=True)
class Claim:
    """A copy to put on a clipboard without having its content yet.

    ``fetch`` is called, on any thread, when somebody pastes; it must return at once. ``after`` is the number
    of this clipboard's newest copy that the caller knew: if another came since, the claim is refused, because
    somebody was faster.
    """

    formats: tuple[str, ...]
    origin: str
    secret: bool
    after: int
    fetch: Callable[[str], Future[Content]]


class Clipboard(Protocol):
    """One clipboard. Every method returns at once, on any thread."""

    kind: str
    """How it is reached: "x11", "ext-data-control", "wlr-data-control", "guest"."""
    most: int
    """Bytes of one format that it can take."""

    def start(self, changed: Callable[[ClipboardOffer], None], lost: Callable[[Exception], None]) -> None:
        """Call ``changed`` at each new copy that is not our claim, also for the present one; ``lost`` once if
        the clipboard goes away. Both on a thread of the clipboard's own."""

    def read(
        self, number: int, mime: str, limits: SpoolLimits, progress: Progress | None = None
    ) -> Future[Content]:
        """One format of copy ``number``. A ``progress`` given here may be cancelled but not paused.

        The future raises ClipboardError stale, owner-silent, refused, too-large, disk-full, unavailable; or
        Cancelled after ``progress.cancel()``.
        """

    def claim(self, claim: Claim) -> Future[None]:
        """Own the clipboard for ``claim``. The future raises ClipboardError stale, unavailable."""

    def release(self) -> None:
        """Give up our claim, if it still holds; the clipboard is empty then."""

    def close(self) -> None:
        """Stop; pending futures raise ClipboardError unavailable."""
