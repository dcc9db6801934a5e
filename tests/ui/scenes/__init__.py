"""Every window and state of the suite, made with real or recorded data.

A module here holds ``SCENES``, name → function that makes the window, and ``DATA``, words on them that are
not for translation (names of files and machines). All are pictured by ``./dev shots`` and audited in
every variant, so a new window needs only its line here. The function leaves no worker running and puts the
keyboard focus where the person would find it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

from PySide6.QtWidgets import QWidget

Scene = Callable[[], QWidget]


def data() -> tuple[str, ...]:
    """The words on the scenes that are data."""
    return tuple(
        word
        for module in pkgutil.iter_modules(__path__)
        for word in importlib.import_module(f"{__name__}.{module.name}").DATA
    )


def scenes() -> dict[str, Scene]:
    """All scenes by name."""
    found: dict[str, Scene] = {}
    for module in pkgutil.iter_modules(__path__):
        found |= importlib.import_module(f"{__name__}.{module.name}").SCENES
    return dict(sorted(found.items()))
