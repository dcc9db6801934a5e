"""The suite's icons: one-colour SVG drawings, tinted with the theme's colours.

Pictures are rendered once per colour and size and kept as pixmaps: a Python icon engine would be called back
by Qt at moments when its wrapper may be gone.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from libneuron.system.paths import resources
from libneuron.ui.theme import theme

_SIZES = (16, 20, 24, 32, 48, 64)


def _file(name: str) -> Path:
    return resources() / "icons" / "symbolic" / f"{name}.svg"


@cache
def _source(name: str) -> bytes:
    return _file(name).read_bytes()


@cache
def _picture(name: str, color: str, size: int, ratio: float) -> QPixmap:
    side = round(size * ratio)
    made = QPixmap(side, side)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    QSvgRenderer(QByteArray(_source(name).replace(b"currentColor", color.encode()))).render(
        painter, QRectF(0, 0, side, side)
    )
    painter.end()
    made.setDevicePixelRatio(ratio)
    return made


def pixmap(name: str, size: int, *, tone: str = "text", ratio: float = 1.0) -> QPixmap:
    """The drawing ``name`` at ``size`` device-independent pixels in the theme's colour ``tone``."""
    return _picture(name, getattr(theme().colors, tone), size, ratio)


def icon(name: str, *, tone: str = "text") -> QIcon:
    """An icon of the drawing ``name`` (``resources/icons/symbolic``) in the theme's colour ``tone``.

    It keeps the colours of the moment; widgets of this package draw theirs again when the theme changes.
    Raises: FileNotFoundError if there is no such drawing.
    """
    made = QIcon()
    colors = theme().colors
    for size in _SIZES:
        made.addPixmap(_picture(name, getattr(colors, tone), size, 1.0))
        made.addPixmap(_picture(name, colors.muted, size, 1.0), QIcon.Mode.Disabled)
        made.addPixmap(_picture(name, colors.on_selected, size, 1.0), QIcon.Mode.Selected)
    return made


def app_icon(app_id: str) -> QIcon:
    """The application's icon: the desktop's, else the one we ship."""
    shipped = resources() / "icons" / "hicolor" / "scalable" / "apps" / f"{app_id}.svg"
    return QIcon.fromTheme(app_id, QIcon(str(shipped)))
