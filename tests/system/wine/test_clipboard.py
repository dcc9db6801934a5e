"""The Windows clipboard: both directions, against another process that uses it as ordinary programs do."""

from __future__ import annotations

import hashlib
import random
import re
import struct
import zlib
from typing import Any
from urllib.parse import quote

import pytest

from tests.system.wine.lab import WineLab
from tests.system.wine.test_desktop import do

TEXT = "text/plain;charset=utf-8"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# Red, green; blue, half-transparent white.
_ROWS = bytes.fromhex("00 ff0000ff 00ff00ff 00 0000ffff ffffff80")
PNG_2X2 = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 6, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(_ROWS))
    + _chunk(b"IEND", b"")
)


def foreign(wine: WineLab, name: str, **arguments: object) -> Any:
    return wine.call_other(f"foreign_clipboard.{name}", **arguments)


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines\n", "שלום עולם", "emoji 👩‍👩‍👧‍👦 🇩🇪 \U0001f9ff", ""], ids=ascii
)
def test_text_reaches_windows_programs_with_their_line_ends(wine: WineLab, text: str) -> None:
    do(wine, "clipboard_write", {TEXT: text.encode()}, secret=False)
    assert foreign(wine, "text") == text.replace("\n", "\r\n")


def test_text_of_windows_programs_is_read_with_our_line_ends(wine: WineLab) -> None:
    foreign(wine, "copy_text", text="eins\r\nzwei 😀\r\n")
    assert do(wine, "clipboard_read", TEXT) == "eins\nzwei 😀\n".encode()


def test_ten_megabytes_of_text_survive_both_ways(wine: WineLab) -> None:
    text = "0123456789 äöü 😀\n" * 500_000
    assert len(text.encode()) > 10_000_000
    do(wine, "clipboard_write", {TEXT: text.encode()}, secret=False)
    back = foreign(wine, "text")
    assert back == text.replace("\n", "\r\n")
    foreign(wine, "copy_text", text=back)
    assert do(wine, "clipboard_read", TEXT) == text.encode()


def test_every_format_of_one_copy_is_pasted_by_another_program(wine: WineLab) -> None:
    items = {
        TEXT: b"bold\n",
        "text/html": "<b>böld</b>".encode(),
        "text/rtf": rb"{\rtf1 {\b bold}}",
        "image/png": PNG_2X2,
        "text/uri-list": b"file:///C:/windows/win.ini\r\nfile:///C:/a%20b/%C3%A4.txt\r\n",
    }
    do(wine, "clipboard_write", items, secret=False)
    html = foreign(wine, "paste", format="HTML Format")
    start = int(re.search(rb"StartFragment:(\d+)", html)[1])  # type: ignore[index]
    end = int(re.search(rb"EndFragment:(\d+)", html)[1])  # type: ignore[index]
    assert html[start:end].decode() == "<b>böld</b>"
    assert foreign(wine, "paste", format="Rich Text Format") == rb"{\rtf1 {\b bold}}" + b"\0"
    assert foreign(wine, "paste", format="PNG") == PNG_2X2
    dropped = foreign(wine, "paste", format=15)
    assert dropped[20:].decode("utf-16-le") == "C:\\windows\\win.ini\0C:\\a b\\ä.txt\0\0"
    for mime, data in items.items():
        assert do(wine, "clipboard_read", mime) == data


def test_a_png_is_rendered_as_a_bitmap_for_programs_that_know_no_png(wine: WineLab) -> None:
    do(wine, "clipboard_write", {"image/png": PNG_2X2}, secret=False)
    plain = foreign(wine, "paste", format=8)
    assert plain[:20] == struct.pack("<IiiHHI", 40, 2, 2, 1, 32, 0)
    # Bottom row first: blue, half-transparent white; then red, green. Blue, green, red, alpha each.
    assert plain[40:56].hex() == "ff0000ffffffff800000ffff00ff00ff"
    version5 = foreign(wine, "paste", format=17)
    assert version5[:4] == struct.pack("<I", 124)
    assert version5[124:140] == plain[40:56]


def test_a_bitmap_of_windows_programs_is_read_as_png(wine: WineLab) -> None:
    do(wine, "clipboard_write", {"image/png": PNG_2X2}, secret=False)
    bitmap = foreign(wine, "paste", format=8)
    foreign(wine, "copy", formats=[[8, bitmap]])
    shot = do(wine, "clipboard_read", "image/png")
    assert shot[16:24] == struct.pack(">II", 2, 2)
    pixels = wine.call("desktop.rows_of", png=shot)
    assert pixels == _ROWS


def test_html_and_rtf_of_windows_programs_are_read(wine: WineLab) -> None:
    html = b"<html><body>\r\n<!--StartFragment--><i>x</i><!--EndFragment-->\r\n</body></html>"
    header = (
        "Version:1.0\r\nStartHTML:{:08d}\r\nEndHTML:{:08d}\r\nStartFragment:{:08d}\r\nEndFragment:{:08d}\r\n"
    )
    size = len(header.format(0, 0, 0, 0))
    start = html.index(b"<i>") + size
    data = header.format(size, size + len(html), start, start + len(b"<i>x</i>")).encode() + html
    foreign(wine, "copy", formats=[["HTML Format", data], ["Rich Text Format", b"{\\rtf1 x}\0"]])
    assert do(wine, "clipboard_read", "text/html") == b"<i>x</i>"
    assert do(wine, "clipboard_read", "text/rtf") == b"{\\rtf1 x}"
    assert do(wine, "clipboard_read", "image/png")["refused"] == "not-found"


def test_a_copy_is_announced_without_polling_and_ours_is_known_as_ours(wine: WineLab) -> None:
    wine.call("desktop.watch")
    foreign(wine, "copy_text", text="theirs")
    offer = wine.call("desktop.next_offer")
    assert offer == {"formats": [TEXT], "secret": False, "own": False}
    do(wine, "clipboard_write", {TEXT: b"ours", "image/png": PNG_2X2}, secret=False)
    offer = wine.call("desktop.next_offer")
    assert offer == {"formats": ["image/png", TEXT], "secret": False, "own": True}


@pytest.mark.parametrize(
    ("marks", "secret"),
    [
        ([], False),
        ([["ExcludeClipboardContentFromMonitorProcessing", b"\1"]], True),
        ([["Clipboard Viewer Ignore", b"\1"]], True),
        ([["CanIncludeInClipboardHistory", b"\0\0\0\0"]], True),
        ([["CanUploadToCloudClipboard", b"\0\0\0\0"]], True),
        ([["CanUploadToCloudClipboard", b"\0"]], True),
        ([["CanIncludeInClipboardHistory", b"\1\0\0\0"]], False),
    ],
)
def test_what_a_password_manager_marks_is_secret(
    wine: WineLab, marks: list[list[object]], secret: bool
) -> None:
    text = "hunter2\0".encode("utf-16-le")
    foreign(wine, "copy", formats=[[13, text], *marks])
    assert do(wine, "clipboard_offer")["secret"] is secret


def test_a_secret_of_ours_is_marked_for_windows(wine: WineLab) -> None:
    do(wine, "clipboard_write", {TEXT: b"hunter2"}, secret=True)
    assert foreign(wine, "paste", format="ExcludeClipboardContentFromMonitorProcessing") is not None
    assert foreign(wine, "paste", format="CanIncludeInClipboardHistory")[:4] == bytes(4)
    assert do(wine, "clipboard_offer")["secret"] is True


def test_a_copy_that_looking_glass_brought_counts_as_the_hosts(wine: WineLab) -> None:
    text = "x\0".encode("utf-16-le")
    foreign(wine, "copy", formats=[[13, text], ["LookingGlassClipboardOrigin", b"\1"]])
    assert do(wine, "clipboard_offer")["own"] is True


def test_a_clipboard_held_open_by_another_program_is_busy_not_stuck(wine: WineLab) -> None:
    foreign(wine, "copy_text", text="x")
    foreign(wine, "hold")
    try:
        assert do(wine, "clipboard_read", TEXT)["refused"] == "busy"
    finally:
        foreign(wine, "let_go")
    assert do(wine, "clipboard_read", TEXT) == b"x"


def test_what_we_promised_outlives_us(wine: WineLab) -> None:
    do(wine, "clipboard_write", {TEXT: b"kept", "image/png": PNG_2X2}, secret=False)
    do(wine, "close")
    assert foreign(wine, "text") == "kept"
    assert foreign(wine, "paste", format="PNG") == PNG_2X2


def test_a_hostile_bitmap_is_refused_not_fatal(wine: WineLab) -> None:
    header = struct.pack("<IiiHHIIiiII", 40, 1 << 30, 1 << 30, 1, 32, 0, 0, 0, 0, 0, 0)
    foreign(wine, "copy", formats=[["CF_NONE", b"x"], [8, header]])
    assert do(wine, "clipboard_read", "image/png")["refused"] in ("unreadable", "not-found")


def test_a_promise_is_kept_only_when_somebody_pastes(wine: WineLab) -> None:
    wine.call("desktop.promise", items={TEXT: b"only now", "image/png": PNG_2X2})
    assert do(wine, "clipboard_offer") == {"formats": ["image/png", TEXT], "secret": False, "own": True}
    assert wine.call("desktop.fetched") == []
    assert foreign(wine, "text") == "only now"
    assert wine.call("desktop.fetched") == [TEXT]
    assert foreign(wine, "text") == "only now"
    assert wine.call("desktop.fetched") == [TEXT]


def test_a_picture_of_fifty_megabytes_survives_both_ways(wine: WineLab) -> None:
    noise = random.Random(3).randbytes(50_000_000)
    picture = PNG_2X2[:33] + _chunk(b"teSt", noise) + PNG_2X2[33:]
    do(wine, "clipboard_write", {"image/png": picture}, secret=False)
    assert foreign(wine, "checksum", format="PNG") == hashlib.sha256(picture).hexdigest()
    foreign(wine, "copy_again", format="PNG")
    assert do(wine, "clipboard_read", "image/png")[: len(picture)] == picture


def test_thirty_files_are_dropped_and_taken(wine: WineLab) -> None:
    names = [f"C:/שלום {number} 😀 é%20.txt" for number in range(30)]
    listed = "".join(f"file:///{quote(name, safe='/:')}\r\n" for name in names).encode()
    do(wine, "clipboard_write", {"text/uri-list": listed}, secret=False)
    dropped = foreign(wine, "paste", format=15)
    assert dropped[20:].decode("utf-16-le").rstrip("\0").split("\0") == [
        name.replace("/", "\\") for name in names
    ]
    foreign(wine, "copy_again", format=15)
    assert do(wine, "clipboard_read", "text/uri-list") == listed


def test_an_empty_copy_empties_the_clipboard(wine: WineLab) -> None:
    do(wine, "clipboard_write", {TEXT: b"x"}, secret=False)
    do(wine, "clipboard_write", {}, secret=False)
    assert foreign(wine, "text") is None
    assert do(wine, "clipboard_read", TEXT)["refused"] == "not-found"
