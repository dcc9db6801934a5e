"""What ``xrandr`` and ``wlr-randr`` print, as modes. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from neuron_guest.backend import Mode

_X_MODE = re.compile(r"\s+(\d+)x(\d+)\S*\s+(.*)")
_WLR_MODE = re.compile(r"\s+(\d+)x(\d+) px, ([\d.]+) Hz(.*)")


@dataclass(frozen=True)
class Screen:
    """One output with its modes; ``current`` is None while it is off."""

    output: str
    modes: tuple[Mode, ...]
    current: Mode | None


def from_xrandr(text: str) -> Screen | None:
    """The first connected output of ``xrandr --query``."""
    output, modes, current = "", [], None
    for line in text.splitlines():
        if not line.startswith(" "):
            if output:
                break
            if " connected" in line:
                output = line.split(" ", 1)[0]
            continue
        found = _X_MODE.match(line)
        if output and found:
            rates = re.findall(r"([\d.]+)(\*?)", found[3])
            mode = Mode(int(found[1]), int(found[2]), round(float(rates[0][0])) if rates else 0)
            modes.append(mode)
            if "*" in found[3]:
                current = mode
    return Screen(output, tuple(modes), current) if output else None


def from_wlr_randr(text: str) -> Screen | None:
    """The first output of ``wlr-randr``."""
    output, modes, current = "", [], None
    for line in text.splitlines():
        if line and not line.startswith(" "):
            if output:
                break
            output = line.split(" ", 1)[0]
            continue
        found = _WLR_MODE.match(line)
        if found:
            mode = Mode(int(found[1]), int(found[2]), round(float(found[3])))
            modes.append(mode)
            if "current" in found[4]:
                current = mode
    return Screen(output, tuple(modes), current) if output else None
