"""What we rely on in the binding itself."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtWidgets import QApplication, QLabel


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is not counted from Python 3.12 on")
def test_calls_that_return_nothing_keep_their_hands_off_none(qapp: QApplication) -> None:
    label = QLabel()
    before = sys.getrefcount(None)
    for _ in range(1000):
        label.setMinimumHeight(1)
    assert sys.getrefcount(None) > before - 100
