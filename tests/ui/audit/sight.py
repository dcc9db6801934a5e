"""Check 7: contrast, measured on the pixels that a person sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QStyle,
    QStyleOptionButton,
    QWidget,
)

from libneuron.ui.theme import contrast
from tests.ui.audit.tree import Finding, area, place, widgets

_RATIO = 2  # pixels per device-independent pixel: strokes of letters get pixels of their full colour
_SHARE = 0.02  # of what is written: rarer colours are the edges of letters


def picture(window: QWidget) -> QImage:
    """The window's pixels, ``_RATIO`` each way."""
    image = QImage(window.size() * _RATIO, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(_RATIO)
    painter = QPainter(image)
    window.render(painter, QPoint())
    painter.end()
    return image


def colors_in(image: QImage, rect: QRect) -> Counter[int]:
    """How often each colour (0xffrrggbb) occurs in ``rect``, which is in device-independent pixels."""
    part = image.copy(
        rect.x() * _RATIO, rect.y() * _RATIO, rect.width() * _RATIO, rect.height() * _RATIO
    ).convertToFormat(QImage.Format.Format_RGB32)
    return Counter(memoryview(part.constBits()).cast("I"))


def _hex(color: int) -> str:
    return f"#{color & 0xFFFFFF:06x}"


def text_contrast(image: QImage, rect: QRect) -> float:
    """Contrast of what is written in ``rect`` with what it is written on; 21 where there is nothing."""
    counts = colors_in(image, rect)
    if len(counts) < 2:
        return 21.0
    (ground, _), *others = counts.most_common()
    written = sum(count for _, count in others)
    return max(contrast(_hex(ground), _hex(color)) for color, count in others if count >= _SHARE * written)


def _text_area(widget: QWidget) -> QRect | None:
    """Where a widget's text is, in its own coordinates; None if it shows none."""
    if isinstance(widget, QLabel):
        return widget.contentsRect() if widget.text() and widget.pixmap().isNull() else None
    if isinstance(widget, QLineEdit):
        inner = widget.contentsRect().adjusted(8, 6, -8, -6)
        return inner if widget.text() or widget.placeholderText() else None
    if isinstance(widget, QAbstractButton) and widget.text():
        words = widget.fontMetrics().size(Qt.TextFlag.TextShowMnemonic, widget.text())
        if isinstance(widget, (QCheckBox, QRadioButton)):
            option = QStyleOptionButton()
            widget.initStyleOption(option)
            which = QStyle.SubElement.SE_CheckBoxContents
            if isinstance(widget, QRadioButton):
                which = QStyle.SubElement.SE_RadioButtonContents
            return widget.style().subElementRect(which, option, widget)
        extra = 0 if widget.icon().isNull() else widget.iconSize().width() + 4
        left = (widget.width() - words.width() - extra) // 2
        if widget.layoutDirection() == Qt.LayoutDirection.LeftToRight:
            left += extra
        return QRect(left, (widget.height() - words.height()) // 2, words.width(), words.height())
    return None


def _large(widget: QWidget) -> bool:
    size = widget.font().pointSizeF()
    return size >= 18 or (size >= 14 and widget.font().weight() >= 600)


def contrasts(window: QWidget) -> Iterator[Finding]:
    """Check 7: 4.5:1 for text (3:1 where it is large), 3:1 for the outline of what can be used."""
    image = picture(window)
    whole = window.rect()
    for widget in widgets(window):
        if not widget.isEnabled():
            continue  # WCAG 1.4.3 exempts what is inactive
        visible = widget.visibleRegion().boundingRect()
        seen = visible.translated(area(widget, window).topLeft()).intersected(whole)
        inner = _text_area(widget)
        if inner is not None:
            rect = inner.translated(area(widget, window).topLeft()).intersected(seen)
            if rect.width() > 4 and rect.height() > 4:
                ratio = text_contrast(image, rect)
                if ratio < (3.0 if _large(widget) else 4.5):
                    yield Finding(7, place(widget), f"its text has a contrast of {ratio:.1f}:1")
        if _outlined(widget) and seen.height() == widget.height() and seen.left() >= 6:
            ratio = _outline_contrast(image, area(widget, window))
            if ratio < 3.0:
                yield Finding(7, place(widget), f"its outline has a contrast of {ratio:.1f}:1")


def _outlined(widget: QWidget) -> bool:
    """Whether it is its outline that shows where to press or type; a flat button's text and place do."""
    if isinstance(widget, QPushButton):
        return widget.property("kind") != "flat" and not widget.isFlat()
    return isinstance(widget, (QLineEdit, QComboBox, QAbstractSpinBox))


def _outline_contrast(image: QImage, rect: QRect) -> float:
    """The best contrast with the surroundings on a short way over the left edge."""
    middle = rect.center().y() * _RATIO
    outside = _hex(image.pixel((rect.left() - 4) * _RATIO, middle))
    way = range((rect.left() - 1) * _RATIO, (rect.left() + 5) * _RATIO)
    return max(contrast(outside, _hex(image.pixel(at, middle))) for at in way)
