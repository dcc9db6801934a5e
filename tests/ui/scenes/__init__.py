"""Every window and state of the suite, made with real or recorded data.

A module here holds ``SCENES``: name → function that makes the window. All are pictured by ``./dev shots`` and
walked by the accessibility audit in every variant, so a new window needs only its line here. The function
leaves no worker running and puts the keyboard focus where the person would find it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

from PySide6.QtWidgets import QWidget

Scene = Callable[[], QWidget]


def scenes() -> dict[str, Scene]:
    """All scenes by name."""
    found: dict[str, Scene] = {}
    for module in pkgutil.iter_modules(__path__):
        found |= importlib.import_module(f"{__name__}.{module.name}").SCENES
    return dict(sorted(found.items()))
