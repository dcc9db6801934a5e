"""The program that shows a machine's screen: which one, and with which words. Decides only.

Sources: ``virt-viewer --help`` (11.0), virt-manager(1) ("--show-domain-console"), Looking Glass' client,
which finds its memory by its own settings.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum


class Viewer(Enum):
    """What a person can choose; the values are kept in the settings."""

    BEST = "best"
    """Looking Glass for a machine that has its memory, else a viewer that is installed."""
    LOOKING_GLASS = "looking-glass"
    VIRT_VIEWER = "virt-viewer"
    VIRT_MANAGER = "virt-manager"
    NONE = "none"


PROGRAMS = {
    Viewer.LOOKING_GLASS: "looking-glass-client",
    Viewer.VIRT_VIEWER: "virt-viewer",
    Viewer.VIRT_MANAGER: "virt-manager",
}


def choose(wanted: Viewer, *, looking_glass: bool, installed: Callable[[str], bool]) -> Viewer:
    """The one that shows it, NONE where there is none. ``looking_glass``: the machine has memory for it."""
    order: tuple[Viewer, ...] = (wanted,)
    if wanted is Viewer.BEST:
        order = (Viewer.VIRT_VIEWER, Viewer.VIRT_MANAGER)
        order = (Viewer.LOOKING_GLASS, *order) if looking_glass else order
    found = (viewer for viewer in order if viewer in PROGRAMS and installed(PROGRAMS[viewer]))
    return next(found, Viewer.NONE)


def command(viewer: Viewer, *, uri: str, uuid: str) -> tuple[str, ...]:
    """What shows the machine ``uuid`` of libvirt's ``uri``."""
    program = PROGRAMS[viewer]
    if viewer is Viewer.VIRT_VIEWER:
        return (program, "--connect", uri, "--wait", "--reconnect", "--uuid", "--", uuid)
    if viewer is Viewer.VIRT_MANAGER:
        return (program, "--connect", uri, "--show-domain-console", uuid)
    return (program,)
