"""What comes from a guest is shown as it is, and decoded only where its size is harmless."""

from __future__ import annotations

import base64
import struct
import zlib

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QPixmap
from pytestqt.qtbot import QtBot

from libneuron.guest.api import GuestApp
from libneuron.ui.widgets import OneLine
from neuron_guest_bridge import handwork, window_apps_list
from neuron_guest_bridge.model import in_order
from neuron_guest_bridge.window_apps_list import picture

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'


def png(width: int, height: int) -> bytes:
    """A black picture; a large one takes a thousandth of what it decodes to."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 1) * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_texts(picture: bytes, count: int) -> bytes:
    """``picture`` with texts of 2 MB each, in 2 KB each."""
    text = zlib.compress(b"a" * 2_000_000, 9)
    texts = b"".join(chunk(b"zTXt", b"t%d\0\0" % number + text) for number in range(count))
    return picture[:33] + texts + picture[33:]


def _sizes(icon: bytes) -> list[QSize]:
    return picture(GuestApp("a", "A", "a", (), base64.b64encode(icon).decode())).availableSizes()


@pytest.mark.parametrize("data", [png(400, 20_000), png(20_000, 400), SVG, png(9, 9)[:40], b""])
def test_an_icon_is_decoded_only_if_it_is_a_small_png(qtbot: QtBot, data: bytes) -> None:
    general = picture(GuestApp("a", "A", "a", (), "no base64!")).availableSizes()
    assert _sizes(png(48, 48)) == [QSize(48, 48)]
    assert _sizes(data) == general


@pytest.mark.parametrize("data", [png(9000, 9000), SVG, b"", png(9, 9)[:40]])
def test_a_copied_picture_is_decoded_only_if_it_is_a_png_of_a_possible_size(
    qtbot: QtBot, data: bytes
) -> None:
    assert handwork._decoded(data).isNull()
    assert handwork._decoded(png(1920, 1080)).size() == QSize(1920, 1080)


def test_texts_in_a_picture_are_never_unpacked(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty texts in an icon held the window for 15 s, and 2 GB."""
    small = with_texts(png(48, 48), 3)
    assert handwork._decoded(small).size() == QSize(48, 48)
    assert handwork._decoded(small).textKeys() == []
    decoded: list[bytes] = []

    class Recorder(QPixmap):
        def loadFromData(self, data: bytes, kind: str) -> bool:  # type: ignore[override]
            decoded.append(data)
            return super().loadFromData(data, kind)

    monkeypatch.setattr(window_apps_list, "QPixmap", Recorder)
    assert _sizes(small) == [QSize(48, 48)]
    assert decoded == [png(48, 48)]


def test_a_tooltip_shows_markup_letter_by_letter(qtbot: QtBot) -> None:
    label = OneLine()
    qtbot.addWidget(label)
    label.show_text("<img src='file:///etc/x'> & more")
    assert "<img" not in label.toolTip()
    label.show_text("a & b")
    assert label.toolTip() == "a & b"


@pytest.mark.parametrize("path", ["C:\\a\n\u202eexe.txt", "\u202e\n", "x" * 30_000])
def test_an_application_without_a_name_is_shown_in_one_short_line(path: str) -> None:
    [app] = in_order([GuestApp("a", "\u202e", path, (), "")])
    assert app.name and len(app.name) <= 512
    assert "\n" not in app.name and "\u202e" not in app.name
