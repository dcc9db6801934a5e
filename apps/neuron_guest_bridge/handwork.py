"""The desktop's clipboard through the window that has the focus, where nothing else may look at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData
from PySide6.QtGui import QGuiApplication, QImage

_TEXT, _HTML, _PNG = "text/plain;charset=utf-8", "text/html", "image/png"
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


def put(items: Mapping[str, bytes]) -> None:
    """Own the clipboard with ``items``."""
    data = QMimeData()
    for mime, content in items.items():
        if mime == _TEXT:
            data.setText(content.decode("utf-8", "replace"))
        elif mime == _HTML:
            data.setHtml(content.decode("utf-8", "replace"))
        elif mime == _PNG:
            data.setImageData(QImage.fromData(QByteArray(content)))
    QGuiApplication.clipboard().setMimeData(data)
