"""A change of resolution on a Linux guest: what is asked of xrandr, and the way back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from neuron_guest.backend import BackendError, Mode
from neuron_guest.platform.linux import programs
from neuron_guest.platform.linux.session import SessionBackend

_LISTED = """Screen 0: minimum 8 x 8, current {width} x {height}, maximum 32767 x 32767
Virtual-1 connected primary {width}x{height}+0+0 (normal left inverted right x axis y axis) 0mm x 0mm
   1280x800      60.00{first}
   1920x1080     60.00{second}
"""


class Tools:
    """xrandr with one output; ``ends`` says what becomes of the display after a switch."""

    def __init__(self, ends: str) -> None:
        self.ends = ends
        self.now = "1280x800"
        self.switched: list[str] = []

    def run(self, words: Sequence[str], *, timeout: float = 0) -> bytes:
        del timeout
        if "--mode" in words:
            wanted = words[words.index("--mode") + 1]
            self.switched.append(wanted)
            if self.ends == "refused" and wanted == "1920x1080":
                raise BackendError("failed", "xrandr: Configure crtc 0 failed")
            if self.ends != "stays":
                self.now = "" if self.ends == "dark" and wanted == "1920x1080" else wanted
            return b""
        width, _, height = (self.now or "0x0").partition("x")
        first, second = ("*" if self.now == mode else " " for mode in ("1280x800", "1920x1080"))
        return _LISTED.format(width=width, height=height, first=first, second=second).encode()


@pytest.mark.parametrize("ends", ["refused", "stays", "dark"])
def test_a_change_that_fails_is_taken_back(monkeypatch: pytest.MonkeyPatch, ends: str) -> None:
    tools = Tools(ends)
    monkeypatch.setattr(programs, "run", tools.run)
    with pytest.raises(BackendError):
        SessionBackend({"DISPLAY": ":0"}).set_mode(Mode(1920, 1080))
    assert tools.switched == ["1920x1080", "1280x800"]
    assert tools.now == "1280x800"


def test_a_change_that_works_is_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    tools = Tools("changes")
    monkeypatch.setattr(programs, "run", tools.run)
    assert SessionBackend({"DISPLAY": ":0"}).set_mode(Mode(1920, 1080)) == Mode(1920, 1080, 60)
    assert tools.switched == ["1920x1080"]
