"""What we rely on in the binding itself."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QApplication, QLabel


def test_calls_that_return_nothing_keep_their_hands_off_none(qapp: QApplication) -> None:
    """Holds by itself from Python 3.12 on, which does not count None."""
    label = QLabel()
    before = sys.getrefcount(None)
    for _ in range(1000):
        label.setMinimumHeight(1)
    assert sys.getrefcount(None) > before - 100
