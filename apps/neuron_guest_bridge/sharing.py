"""The clipboard's direction, which a person chooses, and the two permissions that it is kept as. Pure."""

from __future__ import annotations

from libneuron.guest.clipboard.rules import Direction, Side
from libneuron.guest.wire.requests import Permission

_IN, _OUT = Permission.CLIPBOARD_IN, Permission.CLIPBOARD_OUT


def direction_of(allowed: frozenset[Permission]) -> Direction:
    """The clipboard's direction that permissions amount to."""
    return {
        (True, True): Direction.BOTH,
        (True, False): Direction.TO_GUEST,
        (False, True): Direction.TO_HOST,
        (False, False): Direction.OFF,
    }[_IN in allowed, _OUT in allowed]


def with_direction(allowed: frozenset[Permission], direction: Direction) -> frozenset[Permission]:
    """``allowed`` with the clipboard's direction changed."""
    wanted = {item for item, side in ((_IN, Side.HOST), (_OUT, Side.GUEST)) if direction.allows(side)}
    return (allowed - {_IN, _OUT}) | wanted
