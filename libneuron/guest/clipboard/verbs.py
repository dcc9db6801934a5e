"""The verbs of a guest that its clipboard needs: ``libneuron.guest.api`` and ``.files`` have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from libneuron.guest.files import GuestListing
from libneuron.guest.wire.transfers import Place
from libneuron.progress import Progress


class GuestOffer(Protocol):
    """What the agent says about its clipboard (``GuestApi.clipboard_offer``)."""

    @property
    def formats(self) -> tuple[str, ...]:
        """MIME types, best first."""

    @property
    def secret(self) -> bool:
        """Marked by a password manager."""

    @property
    def own(self) -> bool:
        """Put there by the agent, or by another program that shares the clipboard with the host."""


class GuestApi(Protocol):
    """The verbs used here, on the asyncio loop; each has its own time limit. Raise NeuronError."""

    async def clipboard_offer(self) -> GuestOffer:
        """What the clipboard holds."""

    async def clipboard_read(self, mime: str) -> bytes:
        """One format of it."""

    async def set_clipboard(self, items: Mapping[str, bytes], *, secret: bool = False) -> None:
        """Replace it."""

    async def promise_clipboard(self, serial: int, formats: Sequence[str], *, secret: bool = False) -> None:
        """Replace it by a promise; without formats, take the promise back."""

    async def supply_clipboard(self, wanted: int, data: bytes, *, problem: str = "") -> None:
        """Keep the promise."""


class FileVerbs(Protocol):
    """Files to and from the guest (``libneuron.guest.files.GuestFiles``)."""

    async def send(
        self, paths: Sequence[Path], place: Place, *, most: int, progress: Progress
    ) -> tuple[str, ...]:
        """Send files; returns their addresses there."""

    async def copied(self) -> GuestListing:
        """The files on the guest's clipboard."""

    async def fetch(self, found: GuestListing, *, most: int, progress: Progress) -> tuple[Path, ...]:
        """Fetch them; returns where they lie here."""
