"""How a machine is, by its own word: figures that can be none are not shown."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from libneuron.guest.api import GuestApi, Reply
from neuron_guest_bridge.examination import Health, health


class Told:
    """A guest that tells these figures."""

    label = "win11"

    def __init__(self, figures: Mapping[str, Any]) -> None:
        self._figures = figures

    async def request(
        self,
        verb: str,
        data: Mapping[str, Any] | None = None,
        *,
        body: bytes | None = None,
        timeout: float = 15.0,
    ) -> Reply:
        return Reply(self._figures if verb == "get_metrics" else {})


def _health(figures: Mapping[str, Any]) -> Health:
    return asyncio.run(health(GuestApi(Told(figures))))


def test_figures_that_can_be_are_shown() -> None:
    found = _health({"cpu": 0.5, "memory_used": 1 << 30, "memory_total": 1 << 40, "uptime": 3e8})
    assert (found.cpu, found.memory_used, found.memory_total, found.uptime) == (0.5, 1 << 30, 1 << 40, 3e8)


@pytest.mark.parametrize("figure", [1e308, -1e308, -0.5, 1 << 64, -1])
def test_a_figure_that_cannot_be_is_unknown(figure: float) -> None:
    """The window cannot write 10 to the 310th per cent; it would stop in the middle of its page."""
    names = ("cpu", "memory_used", "memory_total", "uptime")
    found = _health(dict.fromkeys(names, figure))
    assert [getattr(found, name) for name in names] == [None] * 4
