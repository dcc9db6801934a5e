"""Which other programs share a VM's clipboard with the host.

The SPICE agent's channel alone does nothing: a viewer must be there that speaks to it. Looking Glass' client
is such a viewer since B4, and after B7 it does without the agent.
"""

from __future__ import annotations

from collections.abc import Iterable

from libneuron.guest.clipboard.rules import Rival

LOOKING_GLASS = "looking-glass-client"
"""X11 class of Looking Glass' window."""

VIEWERS = frozenset({"remote-viewer", "virt-viewer", "virt-manager", "spicy"})


def rivals(*, spice_channel: bool, windows: Iterable[str]) -> frozenset[Rival]:
    """Who shares it now.

    ``spice_channel``: the VM has the SPICE agent's channel (``Domain.spice``); ``windows``: the X11 classes
    of the desktop's windows, in any case. A viewer may be looking at another VM; standing back for nothing
    is shown and can be switched.
    """
    classes = {name.lower() for name in windows}
    found = set()
    if LOOKING_GLASS in classes:
        found.add(Rival.LOOKING_GLASS)
    if spice_channel and classes & VIEWERS:
        found.add(Rival.SPICE)
    return frozenset(found)
