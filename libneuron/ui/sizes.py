"""Lengths: one spacing step, and pixels that grow with the person's font.

Without the namespace ``Qt``, so that the first picture (``early``) can use them.
"""

from __future__ import annotations

from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication

SPACE = 8
"""One step of spacing in device-independent pixels; margins and gaps are multiples of it."""


def line_height() -> int:
    """Height of a line of the person's font in device-independent pixels; 16 is usual."""
    return QFontMetrics(QApplication.font()).height()


def scaled(pixels: int) -> int:
    """``pixels`` of the usual font's world in that of the person's font."""
    return round(pixels * max(1.0, line_height() / 16))
