"""Bitmaps and PNG, decoded by Qt to be believed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QImage

from neuron_guest.platform.windows import dib, icons, png


def decoded(data: bytes) -> list[list[tuple[int, int, int, int]]]:
    image = QImage.fromData(data)
    assert not image.isNull()
    colour = image.pixelColor
    return [
        [colour(x, y).getRgb() for x in range(image.width())]  # type: ignore[misc]  # typed as object
        for y in range(image.height())
    ]


def info(width: int, height: int, bits: int, *, compression: int = 0, used: int = 0) -> bytes:
    return struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, used, 0)


@given(st.integers(1, 5), st.integers(1, 5), st.data())
def test_what_is_encoded_decodes_to_the_same_pixels(width: int, height: int, data: st.DataObject) -> None:
    pixels = data.draw(st.binary(min_size=width * height * 4, max_size=width * height * 4))
    rows = decoded(png.encode(width, height, pixels, alpha=True))
    assert [bytes(value for pixel in row for value in pixel) for row in rows] == [
        pixels[at : at + width * 4] for at in range(0, len(pixels), width * 4)
    ]


def test_a_24_bit_bitmap_is_bottom_up_with_padded_rows() -> None:
    bottom, top = bytes([1, 2, 3, 0]), bytes([4, 5, 6, 0])
    assert decoded(dib.to_png(info(1, 2, 24) + bottom + top)) == [[(6, 5, 4, 255)], [(3, 2, 1, 255)]]


def test_a_negative_height_is_top_down() -> None:
    top, bottom = bytes([1, 2, 3, 0]), bytes([4, 5, 6, 0])
    assert decoded(dib.to_png(info(1, -2, 24) + top + bottom)) == [[(3, 2, 1, 255)], [(6, 5, 4, 255)]]


def test_a_palette_is_applied_for_each_depth() -> None:
    palette = bytes([0, 0, 255, 0, 0, 255, 0, 0])  # red, green
    for bits, row in ((1, b"\x40\0\0\0"), (4, b"\x01\0\0\0"), (8, b"\0\1\0\0")):
        made = dib.to_png(info(2, 1, bits, used=2) + palette + row)
        assert decoded(made) == [[(255, 0, 0, 255), (0, 255, 0, 255)]]


def test_16_bits_with_and_without_masks() -> None:
    assert decoded(dib.to_png(info(1, 1, 16) + struct.pack("<HH", 0x7C00, 0))) == [[(255, 0, 0, 255)]]
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    made = dib.to_png(info(1, 1, 16, compression=3) + masks + struct.pack("<HH", 0x7E0, 0))
    assert decoded(made) == [[(0, 255, 0, 255)]]


def test_an_alpha_that_is_zero_everywhere_means_none() -> None:
    version5 = dib.from_bgra(1, 1, bytes([1, 2, 3, 0]), version5=True)
    assert decoded(dib.to_png(version5)) == [[(3, 2, 1, 255)]]


@given(st.integers(1, 4), st.integers(1, 4), st.data())
def test_our_bitmaps_come_back_as_the_same_picture(width: int, height: int, data: st.DataObject) -> None:
    pixels = bytearray(data.draw(st.binary(min_size=width * height * 4, max_size=width * height * 4)))
    pixels[3] = 128  # a real alpha somewhere
    rows = decoded(dib.to_png(dib.from_bgra(width, height, bytes(pixels), version5=True)))
    flat = [pixel for row in rows for pixel in row]
    assert flat == [
        (pixels[at + 2], pixels[at + 1], pixels[at], pixels[at + 3]) for at in range(0, len(pixels), 4)
    ]
    plain = decoded(dib.to_png(dib.from_bgra(width, height, bytes(pixels), version5=False)))
    assert all(pixel[3] == 255 for row in plain for pixel in row)


def test_masks_repeated_behind_a_version_5_header_are_skipped() -> None:
    made = bytearray(dib.from_bgra(1, 1, bytes([1, 2, 3, 128]), version5=True))
    made[124:124] = struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)
    assert decoded(dib.to_png(bytes(made))) == [[(3, 2, 1, 128)]]


@pytest.mark.parametrize(
    "data",
    [
        b"", info(1, 1, 24), info(0, 1, 24) + bytes(99), info(1 << 30, 1 << 30, 32) + bytes(99),
        info(1, 1, 24, compression=1) + bytes(99), info(1, 1, 7) + bytes(99), info(1, 1, 8, used=1 << 31),
        info(1, -(1 << 31), 24) + bytes(99), info(1, 1, 32, compression=3) + bytes(99),
    ],
)  # fmt: skip
def test_hostile_bitmaps_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="bitmap"):
        dib.to_png(data)


@given(st.binary(max_size=200), st.sampled_from([1, 4, 8, 16, 24, 32]), st.sampled_from([0, 3, 6]))
def test_no_bytes_do_more_than_be_refused(rest: bytes, bits: int, compression: int) -> None:
    for data in (rest, info(3, 2, bits, compression=compression) + rest):
        try:
            dib.to_png(data)
        except ValueError:
            continue


def test_sizes_of_pngs_are_read_and_nonsense_is_refused() -> None:
    assert png.size(png.encode(2, 3, bytes(18), alpha=False)) == (2, 3)
    for wrong in (b"", b"\x89PNG\r\n\x1a\n" + bytes(40), b"GIF89a" + bytes(40)):
        with pytest.raises(ValueError, match="PNG"):
            png.size(wrong)


def test_transparency_is_the_difference_between_black_and_white() -> None:
    # Opaque red, nothing, half green (all BGRA).
    on_black = bytes([0, 0, 255, 0, 0, 0, 0, 0, 0, 128, 0, 0])
    on_white = bytes([0, 0, 255, 0, 255, 255, 255, 0, 127, 255, 127, 0])
    assert icons.rgba(on_black, on_white) == bytes([255, 0, 0, 255, 0, 0, 0, 0, 0, 255, 0, 128])
