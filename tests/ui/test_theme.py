"""Colours that are drawn on each other can be told apart (WCAG 2.2: text 4.5, parts of controls 3)."""

from __future__ import annotations

from itertools import product

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from libneuron.ui.theme import DARK, HIGH_CONTRAST, LIGHT, Colors, Look, contrast, theme

SETS = {"light": LIGHT, "dark": DARK, "high-contrast": HIGH_CONTRAST}
TEXT = [
    *product(("text", "muted", "danger", "good", "warn", "info"), ("window", "surface", "raised")),
    ("text", "hover"),
    ("disabled", "window"),
    ("on_accent", "accent"),
    ("on_selected", "selected"),
]
PARTS = [*product(("control", "accent", "focus"), ("window", "surface")), ("accent", "hover")]


@pytest.mark.parametrize("colors", SETS.values(), ids=SETS)
def test_text_has_contrast(colors: Colors) -> None:
    poor = {
        (above, below): round(contrast(getattr(colors, above), getattr(colors, below)), 2)
        for above, below in TEXT
        if contrast(getattr(colors, above), getattr(colors, below)) < 4.5
    }
    assert poor == {}


@pytest.mark.parametrize("colors", SETS.values(), ids=SETS)
def test_parts_of_controls_have_contrast(colors: Colors) -> None:
    poor = {
        (above, below): round(contrast(getattr(colors, above), getattr(colors, below)), 2)
        for above, below in PARTS
        if contrast(getattr(colors, above), getattr(colors, below)) < 3
    }
    assert poor == {}


def test_contrast_agrees_with_the_standards_extremes() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_a_look_reaches_windows_that_are_already_open(qapp: QApplication) -> None:
    label = QLabel("x")
    label.show()
    theme().look = Look.DARK
    assert label.palette().window().color().name() == DARK.window
    theme().look = Look.HIGH_CONTRAST
    assert label.palette().windowText().color().name() == HIGH_CONTRAST.text
    assert isinstance(label, QWidget)
