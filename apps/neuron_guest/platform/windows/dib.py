"""Device-independent bitmaps (CF_DIB, CF_DIBV5) → pixels, checked as what they are: input from any program.

Sources: Microsoft, BITMAPINFOHEADER, BITMAPV5HEADER, "Bitmap Compression". No I/O.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass

from neuron_guest.platform.windows import png

MAXIMUM_PIXELS = 128 * 1024 * 1024
"""Larger images are refused: 512 MiB of pixels."""

_INFO = struct.Struct("<IiiHHIIiiII")
_BI_RGB, _BI_BITFIELDS, _BI_ALPHABITFIELDS = 0, 3, 6
_V5_SIZE = 124


@dataclass(frozen=True)
class _Layout:
    width: int
    height: int
    top_down: bool
    bits: int
    masks: tuple[int, int, int, int]
    palette: bytes
    pixels: bytes

    @property
    def stride(self) -> int:
        return (self.width * self.bits + 31) // 32 * 4


def to_png(data: bytes) -> bytes:
    """A packed DIB as PNG. Raises: ValueError for what is malformed, compressed or too large."""
    layout = _parse(data)
    rows = _rows(layout)
    if layout.bits == 32:
        return _true_colour(layout, rows, step=4)
    if layout.bits == 24:
        return _true_colour(layout, rows, step=3)
    if layout.bits == 16:
        return _high_colour(layout, rows)
    return _indexed(layout, rows)


def _parse(data: bytes) -> _Layout:
    if len(data) < _INFO.size:
        raise ValueError("a bitmap shorter than its header")
    header, width, height, planes, bits, compression, _, _, _, used, _ = _INFO.unpack_from(data)
    if header < _INFO.size or header > len(data) or planes != 1 or bits not in (1, 4, 8, 16, 24, 32):
        raise ValueError("a bitmap with an unknown header")
    if compression not in (_BI_RGB, _BI_BITFIELDS, _BI_ALPHABITFIELDS):
        raise ValueError("a compressed bitmap")
    if width < 1 or height == 0 or width * abs(height) > MAXIMUM_PIXELS:
        raise ValueError("a bitmap of impossible size")
    masks, start = _masks(data, header, bits, compression)
    colours = min(used, 1 << bits) or (1 << bits) if bits <= 8 else used
    if colours * 4 > len(data):
        raise ValueError("a bitmap with an impossible palette")
    palette = data[start : start + colours * 4]
    layout = _Layout(width, abs(height), height < 0, bits, masks, palette, data[start + colours * 4 :])
    if len(layout.pixels) < layout.stride * layout.height:
        raise ValueError("a bitmap that ends before its pixels")
    return layout


def _masks(data: bytes, header: int, bits: int, compression: int) -> tuple[tuple[int, int, int, int], int]:
    """The colour masks, and where palette or pixels start."""
    usual = (0x7C00, 0x3E0, 0x1F, 0) if bits == 16 else (0xFF0000, 0xFF00, 0xFF, 0)
    if compression == _BI_RGB:
        return (*usual[:3], 0xFF000000 if bits == 32 and header >= _V5_SIZE else 0), header
    count = 4 if compression == _BI_ALPHABITFIELDS else 3
    # A plain header is followed by its masks; V4 and V5 headers hold them, at the same offset.
    start = header + 4 * count if header == _INFO.size else header
    if len(data) < _INFO.size + 16:
        raise ValueError("a bitmap without its masks")
    red, green, blue, alpha = struct.unpack_from("<4I", data, _INFO.size)
    if header == _INFO.size and count == 3:
        alpha = 0
    repeated = data[header : header + 12] == data[_INFO.size : _INFO.size + 12]
    if header > _INFO.size and repeated:
        # Some programs put the masks behind a V5 header once more (Chromium's and Qt's readers know it too).
        start += 12
    return (red, green, blue, alpha), start


def _rows(layout: _Layout) -> list[bytes]:
    """Rows from the top, padding removed."""
    used = (layout.width * layout.bits + 7) // 8
    starts = range(0, layout.stride * layout.height, layout.stride)
    ordered = starts if layout.top_down else reversed(starts)
    return [layout.pixels[start : start + used] for start in ordered]


def _true_colour(layout: _Layout, rows: list[bytes], *, step: int) -> bytes:
    joined = b"".join(rows)
    places = [_byte_of(mask) for mask in layout.masks[:3]]
    alpha = joined[_byte_of(layout.masks[3]) :: 4] if step == 4 and layout.masks[3] else b""
    # Many programs leave the fourth byte zero: an image that is wholly transparent has no alpha.
    with_alpha = bool(alpha) and any(alpha) and alpha.count(255) != len(alpha)
    width = 4 if with_alpha else 3
    out = bytearray(layout.width * layout.height * width)
    for target, place in enumerate(places):
        out[target::width] = joined[place::step]
    if with_alpha:
        out[3::4] = alpha
    return png.encode(layout.width, layout.height, bytes(out), alpha=with_alpha)


def _byte_of(mask: int) -> int:
    try:
        return (0xFF, 0xFF00, 0xFF0000, 0xFF000000).index(mask)
    except ValueError:
        raise ValueError("a bitmap with unusual colour masks") from None


def _high_colour(layout: _Layout, rows: list[bytes]) -> bytes:
    tables = []
    for mask in layout.masks[:3]:
        if not 0 < mask < 0x10000:
            raise ValueError("a bitmap with unusual colour masks")
        shift = (mask & -mask).bit_length() - 1
        top = mask >> shift
        tables.append(bytes(((value & mask) >> shift) * 255 // top for value in range(0x10000)))
    out = bytearray(layout.width * layout.height * 3)
    values = array("H", b"".join(rows))
    for target, table in enumerate(tables):
        out[target::3] = bytes(map(table.__getitem__, values))
    return png.encode(layout.width, layout.height, bytes(out), alpha=False)


def _indexed(layout: _Layout, rows: list[bytes]) -> bytes:
    indices = b"".join(_indices(row, layout) for row in rows)
    palette = layout.palette.ljust(1024, b"\0")
    out = bytearray(layout.width * layout.height * 3)
    for target, place in enumerate((2, 1, 0)):
        out[target::3] = indices.translate(palette[place::4][:256])
    return png.encode(layout.width, layout.height, bytes(out), alpha=False)


def _indices(row: bytes, layout: _Layout) -> bytes:
    if layout.bits == 8:
        return row
    per_byte = 8 // layout.bits
    mask = (1 << layout.bits) - 1
    out = bytearray(len(row) * per_byte)
    for place in range(per_byte):
        shift = 8 - layout.bits * (place + 1)
        out[place::per_byte] = row.translate(bytes(value >> shift & mask for value in range(256)))
    return bytes(out[: layout.width])


def from_bgra(width: int, height: int, bgra: bytes, *, version5: bool) -> bytes:
    """Pixels from the top (blue, green, red, alpha, straight) as a packed 32-bit DIB, bottom-up.

    ``version5`` makes a CF_DIBV5 with an alpha channel, else a CF_DIB, whose readers ignore the fourth byte.
    """
    stride = width * 4
    if len(bgra) != stride * height:
        raise ValueError(f"{len(bgra)} bytes are not {width}×{height} pixels")
    rows = [bgra[start : start + stride] for start in range(0, len(bgra), stride)]
    pixels = b"".join(reversed(rows))
    size = len(pixels)
    if not version5:
        header = _INFO.pack(_INFO.size, width, height, 1, 32, _BI_RGB, size, 0, 0, 0, 0)
        return header + pixels
    header = _INFO.pack(_V5_SIZE, width, height, 1, 32, _BI_BITFIELDS, size, 0, 0, 0, 0)
    srgb, perceptual = 0x73524742, 4  # LCS_sRGB, LCS_GM_IMAGES
    header += struct.pack("<5I36x12x4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000, srgb, perceptual, 0, 0, 0)
    return header + pixels
