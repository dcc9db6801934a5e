"""What our text does better than QLabel, shown where QLabel fails."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QWidget

from libneuron.ui.widgets import Picture, Text, Tone, column, row

LONG = "A sentence that needs several lines as soon as the window is narrow and the text is large. " * 2


def _room(label: QLabel) -> int:
    """Pixels that ``label`` has over what its lines need, in nested layouts of a window made small."""
    dialog = QDialog()
    label.setWordWrap(True)
    inner = row(Picture("info", 40), column(Text("Heading"), label))
    dialog.setLayout(column(inner, Text("Below"), margin=3))
    dialog.resize(200, 60)
    dialog.show()
    for _ in range(3):
        QApplication.processEvents()
    room = label.height() - label.heightForWidth(label.width())
    dialog.close()
    return room


def test_wrapped_text_has_the_height_of_its_lines_however_deep_it_lies(qapp: QApplication) -> None:
    assert _room(Text(LONG)) >= 0
    assert _room(QLabel(LONG)) < 0


def test_text_stands_where_the_window_reads_from(qapp: QApplication) -> None:
    window = QWidget()
    text = Text("win11")
    window.setLayout(column(text))
    window.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert text.alignment() & Qt.AlignmentFlag.AlignRight
    window.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
    assert text.alignment() & Qt.AlignmentFlag.AlignLeft


def test_text_never_reads_html(qapp: QApplication) -> None:
    assert Text("<b>win</b>").textFormat() == Qt.TextFormat.PlainText


def test_a_tone_is_said_as_well_as_coloured(qapp: QApplication) -> None:
    for tone in (Tone.INFO, Tone.GOOD, Tone.WARN, Tone.DANGER, Tone.UNKNOWN):
        assert Picture(tone.icon, 16, tone=tone, says=tone.word).accessibleName()
