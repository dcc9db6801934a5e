"""The desktop's clipboard through the window that has the focus, where nothing else may look at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData
from PySide6.QtGui import QGuiApplication, QImage

from libneuron.guest.wire import png

_TEXT, _HTML, _PNG = "text/plain;charset=utf-8", "text/html", "image/png"
_PIXELS = 32 * 1024 * 1024  # 8K UHD has as many
_SECRET = "x-kde-passwordManagerHint"  # noqa: S105 — the name of KDE's mark, not a password


def held() -> tuple[dict[str, bytes], bool]:
    """What is on the clipboard now, by format, and whether a password manager marked it as secret."""
    data = QGuiApplication.clipboard().mimeData()
    found: dict[str, bytes] = {}
    if data.hasText():
        found[_TEXT] = data.text().encode()
    if data.hasHtml():
        found[_HTML] = data.html().encode()
    if data.hasImage():
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        kind: Any = "PNG"  # the stubs ask for bytes, which the binding refuses
        QGuiApplication.clipboard().image().save(buffer, kind)
        found[_PNG] = bytes(buffer.data().data())
    return found, data.data(_SECRET).data() == b"secret"


def _decoded(content: bytes) -> QImage:
    """A picture from the machine; only as PNG, and only of a size that cannot fill the memory."""
    found = png.size(content)
    if found is None or found[0] * found[1] > _PIXELS:
        return QImage()
    kind: Any = "PNG"  # as above
    return QImage.fromData(QByteArray(png.bare(content)), kind)


def put(items: Mapping[str, bytes]) -> None:
    """Own the clipboard with ``items``."""
    data = QMimeData()
    for mime, content in items.items():
        if mime == _TEXT:
            data.setText(content.decode("utf-8", "replace"))
        elif mime == _HTML:
            data.setHtml(content.decode("utf-8", "replace"))
        elif mime == _PNG:
            picture = _decoded(content)
            if not picture.isNull():
                data.setImageData(picture)
    QGuiApplication.clipboard().setMimeData(data)
