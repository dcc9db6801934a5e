"""Who else shares the clipboard: an agent's channel needs a viewer, Looking Glass needs neither."""

from __future__ import annotations

import pytest

from libneuron.guest.clipboard.rivals import rivals
from libneuron.guest.clipboard.rules import Rival

BOTH = {Rival.LOOKING_GLASS, Rival.SPICE}


@pytest.mark.parametrize(
    ("spice", "windows", "expected"),
    [
        (False, [], set()),
        (True, ["xterm"], set()),
        (False, ["virt-manager"], set()),
        (True, ["Virt-manager", "xterm"], {Rival.SPICE}),
        (True, ["remote-viewer"], {Rival.SPICE}),
        (False, ["looking-glass-client"], {Rival.LOOKING_GLASS}),
        (True, ["looking-glass-client", "virt-viewer"], BOTH),
    ],
)
def test_rivals(spice: bool, windows: list[str], expected: set[Rival]) -> None:
    assert rivals(spice_channel=spice, windows=windows) == expected
