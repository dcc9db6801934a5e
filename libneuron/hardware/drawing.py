"""The PCI tree as an SVG picture. No toolkit: the window, the exported file and the tests use the same text.

Devices stand below each other, indented under their bridge; each run of neighbours in one group has a frame
with the group's label and a dash pattern of its own, so that nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from libneuron.errors import Translate, english
from libneuron.hardware.topology import Row, View, fault_text, group_text, role_text

_ROW, _GAP, _INDENT, _PAD = 46, 12, 30, 14
_BOX, _LABEL = 320, 120
_TEXT, _SMALL = 14, 12
_DASHES = ("", "7 4", "2 4", "12 4 2 4", "5 2")


@dataclass(frozen=True)
class Ink:
    """Colours as ``#rrggbb`` and the font's family."""

    ground: str = "#ffffff"
    surface: str = "#ffffff"
    text: str = "#191c22"
    muted: str = "#555c69"
    line: str = "#828996"
    accent: str = "#2f56c8"
    danger: str = "#b0241b"
    family: str = "sans-serif"


Measure = Callable[[str, int], float]
"""(text, font size) → its width, both in the picture's units."""


def _escape(text: str) -> str:
    """xml.sax.saxutils would bring urllib and 30 ms with it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def estimate(text: str, size: int) -> float:
    """A width that is rather too large: exported pictures are shown with whatever font is there."""
    return len(text) * size * 0.62


@dataclass(frozen=True)
class Picture:
    """The SVG with its size and where each row's box is (x, y, width, height), for pointing at it."""

    svg: str
    width: int
    height: int
    boxes: tuple[tuple[int, int, int, int], ...]


class _Pen:
    """Collects elements; mirrors everything for languages that run from right to left."""

    def __init__(self, width: int, *, mirrored: bool) -> None:
        self._width, self._mirrored = width, mirrored
        self.parts: list[str] = []

    def x(self, left: float, width: float = 0) -> float:
        return self._width - left - width if self._mirrored else left

    def box(self, left: float, top: float, width: float, height: float, style: str, radius: int = 6) -> None:
        self.parts.append(
            f'<rect x="{self.x(left, width):g}" y="{top:g}" width="{width:g}" height="{height:g}"'
            f' rx="{radius}" {style}/>'
        )

    def line(self, points: list[tuple[float, float]], style: str) -> None:
        path = " ".join(f"{self.x(x):g},{y:g}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" {style}/>')

    def text(self, left: float, base: float, words: str, style: str) -> None:
        anchor = "end" if self._mirrored else "start"
        self.parts.append(
            f'<text x="{self.x(left):g}" y="{base:g}" text-anchor="{anchor}" {style}>{_escape(words)}</text>'
        )


def _cut(words: str, size: int, room: float, measure: Measure) -> str:
    if measure(words, size) <= room:
        return words
    while words and measure(words + "…", size) > room:
        words = words[:-1]
    return words.rstrip() + "…"


def _runs(rows: tuple[Row, ...]) -> list[tuple[int, int]]:
    """First and last row of each run of neighbours in one known group."""
    found: list[tuple[int, int]] = []
    for index, row in enumerate(rows):
        if row.group is not None and index and rows[index - 1].group == row.group:
            found[-1] = (found[-1][0], index)
        elif row.group is not None:
            found.append((index, index))
    return found


def draw(
    view: View,
    ink: Ink,
    *,
    translate: Translate = english,
    measure: Measure = estimate,
    mirrored: bool = False,
    chosen: int | None = None,
) -> Picture:
    """Draw ``view``; ``chosen`` is the row to point at."""
    rows = view.rows
    depth = max((row.depth for row in rows), default=0)
    width = 2 * _PAD + depth * _INDENT + _BOX + _LABEL
    height = 2 * _PAD + max(1, len(rows)) * (_ROW + _GAP)
    pen = _Pen(width, mirrored=mirrored)
    tops = [_PAD + index * (_ROW + _GAP) + _GAP / 2 for index in range(len(rows))]
    frames = {row.group for row in rows if row.is_gpu}
    pen.box(0, 0, width, height, f'fill="{ink.ground}"', radius=0)
    for first, last in _runs(rows):
        group = rows[first].group
        assert group is not None
        left = _PAD / 2 + min(row.depth for row in rows[first : last + 1]) * _INDENT
        color, weight = (ink.accent, 2.5) if group in frames else (ink.line, 1.2)
        dash = _DASHES[group % len(_DASHES)]
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        top = tops[first] - _GAP / 2 + 2
        tall = (last - first) * (_ROW + _GAP) + _ROW + _GAP - 4
        pen.box(left, top, width - left - _PAD / 2, tall,
                f'fill="none" stroke="{color}" stroke-width="{weight}"{dashes}', radius=9)  # fmt: skip
        said = group_text(group, predicted=view.predicted, translate=translate)
        bold = ' font-weight="bold"' if group in frames else ""
        pen.text(width - _LABEL + 6, top + tall / 2 + 5, _cut(said, _TEXT, _LABEL - 20, measure),
                 f'fill="{color if group in frames else ink.muted}" font-size="{_TEXT}"'
                 f' font-family="{ink.family}"{bold}')  # fmt: skip
    boxes = [
        _device(pen, row, tops, index, ink, translate, measure, chosen) for index, row in enumerate(rows)
    ]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}">{"".join(pen.parts)}</svg>\n'
    )
    return Picture(svg, width, height, tuple(boxes))


def _device(
    pen: _Pen,
    row: Row,
    tops: list[float],
    index: int,
    ink: Ink,
    translate: Translate,
    measure: Measure,
    chosen: int | None,
) -> tuple[int, int, int, int]:
    left, top = _PAD + row.depth * _INDENT, tops[index]
    if row.above is not None:
        trunk = left - _INDENT + 12
        start = tops[row.above] + _ROW
        pen.line([(trunk, start), (trunk, top + _ROW / 2), (left, top + _ROW / 2)],
                 f'stroke="{ink.line}" stroke-width="1.5"')  # fmt: skip
    edge, weight = (ink.danger, 3.0) if row.culprit else (ink.line, 1.2)
    if row.is_gpu:
        edge, weight = ink.accent, 2.5
    if index == chosen:
        weight += 2
    pen.box(left, top, _BOX, _ROW, f'fill="{ink.surface}" stroke="{edge}" stroke-width="{weight:g}"')
    bold = ' font-weight="bold"' if row.is_gpu or row.culprit else ""
    style = f'font-family="{ink.family}"'
    pen.text(left + 10, top + 19, _cut(row.device.name, _TEXT, _BOX - 20, measure),
             f'fill="{ink.text}" font-size="{_TEXT}" {style}{bold}')  # fmt: skip
    below = f"{row.device.address}  ·  {role_text(row.role, translate)}"
    color = ink.muted
    if row.culprit:
        below = f"✗ {row.device.address}  ·  {fault_text(translate)}"
        color = ink.danger
    pen.text(left + 10, top + 37, _cut(below, _SMALL, _BOX - 20, measure),
             f'fill="{color}" font-size="{_SMALL}" {style}')  # fmt: skip
    return round(pen.x(left, _BOX)), round(top), _BOX, _ROW
