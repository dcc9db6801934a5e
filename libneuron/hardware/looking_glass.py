"""How much shared memory Looking Glass needs for a resolution.

Formula of its documentation (IVSHMEM): width × height × bytes per pixel × 2 frames, in MiB, plus 10, up to
the next power of two; 4 bytes a pixel, 8 with HDR.
"""

from __future__ import annotations

from dataclasses import dataclass

from libneuron.hardware.machine import Machine

_SDR, _HDR = 4, 8
_FRAMES = 2
_RESERVE = 10  # MiB
_USUAL = ((1920, 1080), (2560, 1440), (3840, 2160))


def memory(width: int, height: int, *, hdr: bool = False) -> int:
    """MiB of shared memory for one screen."""
    needed = width * height * (_HDR if hdr else _SDR) * _FRAMES / (1 << 20) + _RESERVE
    size = 1
    while size < needed:
        size *= 2
    return size


@dataclass(frozen=True)
class Screen:
    """One screen with the memory it needs in MiB; ``connector`` empty for the usual sizes."""

    connector: str
    width: int
    height: int
    sdr: int
    hdr: int


def screens(machine: Machine) -> tuple[Screen, ...]:
    """The connected monitors at their best mode, or the usual sizes where none is known."""
    found = [
        (display.connector, *display.modes[0])
        for display in machine.displays
        if display.connected and display.modes
    ] or [("", *size) for size in _USUAL]
    return tuple(
        Screen(connector, width, height, memory(width, height), memory(width, height, hdr=True))
        for connector, width, height in found
    )
