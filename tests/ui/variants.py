"""The ways in which every window must work: languages, directions, font sizes and colours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, Qt, QTranslator
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication

from libneuron.ui.theme import Look, theme
from translations.pseudo import pseudo


@dataclass(frozen=True)
class Variant:
    """One way to show a window. ``font`` multiplies the usual size."""

    name: str
    look: Look = Look.LIGHT
    font: float = 1.0
    rtl: bool = False
    pseudo: bool = False


VARIANTS = (
    Variant("light"),
    Variant("dark", look=Look.DARK),
    Variant("high-contrast", look=Look.HIGH_CONTRAST),
    Variant("font-200", font=2.0),
    Variant("rtl", rtl=True),
    Variant("pseudo", pseudo=True),
)


class PseudoTranslator(QTranslator):
    """Answers every text with its pseudo-locale form, without any file."""

    def translate(self, _context: str, text: str, _comment: str | None = None, _n: int = -1) -> str:
        """See QTranslator."""
        return pseudo(text)

    def isEmpty(self) -> bool:
        """Never: it knows every text."""
        return False


@contextmanager
def shown_as(app: QApplication, variant: Variant) -> Iterator[None]:
    """Set the application up as ``variant`` and back; windows are to be made inside."""
    font, direction, look = QFont(app.font()), app.layoutDirection(), theme().look
    larger = QFont(font)
    larger.setPointSizeF(font.pointSizeF() * variant.font)
    translator = PseudoTranslator()
    theme().look = variant.look
    app.setFont(larger)
    app.setLayoutDirection(Qt.LayoutDirection.RightToLeft if variant.rtl else Qt.LayoutDirection.LeftToRight)
    if variant.pseudo:
        QCoreApplication.installTranslator(translator)
    try:
        yield
    finally:
        if variant.pseudo:
            QCoreApplication.removeTranslator(translator)
        app.setLayoutDirection(direction)
        app.setFont(font)
        theme().look = look
