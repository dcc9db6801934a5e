"""A top-level window of the suite."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QLayout, QVBoxLayout

from libneuron.ui.frame import Frame
from libneuron.ui.theme import SPACE, theme


class Window(Frame):
    """A :class:`~libneuron.ui.frame.Frame` in the suite's colours."""

    def __init__(self, name: str, content: QLayout | None = None, *, size: QSize) -> None:
        theme().dress()
        super().__init__(name, content, size=size)


def page_margins(layout: QVBoxLayout) -> QVBoxLayout:
    """Give a window's outermost column the suite's margins."""
    layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 3 * SPACE)
    return layout
