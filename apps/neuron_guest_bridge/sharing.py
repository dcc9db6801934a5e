"""What a person chooses per machine: the clipboard's direction (kept as two permissions), and yes or no."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from libneuron.guest.clipboard.rules import Direction, Side
from libneuron.guest.wire.requests import Permission
from libneuron.system.files import make_private_directory

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


@dataclass(frozen=True)
class Choices:
    """Yes or no per machine, each yes an empty file below ``folder``."""

    folder: Path

    def get(self, machine: str, name: str) -> bool:
        """What was chosen; no, until it was."""
        return (self.folder / name / machine).exists()

    def set(self, machine: str, name: str, *, on: bool) -> None:
        """Remember a choice."""
        path = make_private_directory(make_private_directory(self.folder) / name) / machine
        if on:
            path.touch(0o600)
        else:
            path.unlink(missing_ok=True)


OWNS_CLIPBOARD = "owns-clipboard"
"""Guest Bridge shares the clipboard although another program does too."""
FOLLOWS_WINDOW = "follows-window"
"""The display follows Looking Glass' window."""
