"""A guest's display as the follower sees it: sizes, whatever the refresh rate."""

from __future__ import annotations

from collections.abc import Sequence

from libneuron.guest.api import GuestApi
from libneuron.guest.resolution import Size


class GuestScreen:
    """Adapts :class:`~libneuron.guest.api.GuestApi` to :class:`~libneuron.guest.follow.SizedGuest`."""

    def __init__(self, api: GuestApi) -> None:
        self._api = api

    async def sizes(self) -> tuple[Sequence[Size], Size]:
        """The modes it accepts, without repetitions, and the present one. Raises: GuestError."""
        modes, current = await self._api.modes()
        return sorted({Size(mode.width, mode.height) for mode in modes}), Size(current.width, current.height)

    async def resize(self, size: Size) -> Size:
        """Switch; returns what was read back. Raises: GuestError."""
        mode = await self._api.set_resolution(size.width, size.height)
        return Size(mode.width, mode.height)
