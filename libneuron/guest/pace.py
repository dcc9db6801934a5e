"""What a guest makes us tell, at a pace of our own. On the asyncio loop only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")
HURRIES, CALM = 4, 0.5
"""Values told at once; seconds until one more is."""


class Paced(Generic[_T]):
    """Hands ``told`` the latest value: at once or, where values come without end, soon."""

    def __init__(self, loop: asyncio.AbstractEventLoop, told: Callable[[_T], None]) -> None:
        self._loop = loop
        self._told = told
        self._hurries = float(HURRIES)
        self._hurried_at = 0.0
        self._waiting: asyncio.TimerHandle | None = None

    def tell(self, value: _T) -> None:
        """``value`` takes the place of one that was not told yet."""
        now = self._loop.time()
        self._hurries = min(HURRIES, self._hurries + (now - self._hurried_at) / CALM)
        self._hurried_at = now
        if self._waiting is not None:
            due = self._waiting.when()
        elif self._hurries < 1:
            due = now + CALM * (1 - self._hurries)
        else:
            self._hurries -= 1
            self._told(value)
            return
        self.forget()
        self._waiting = self._loop.call_at(due, self._late, value)

    def _late(self, value: _T) -> None:
        self._waiting = None
        self.tell(value)

    def forget(self) -> None:
        """Do not tell what waits."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
