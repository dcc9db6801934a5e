"""Runs the checks on a window in each variant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QWidget

from tests.ui.audit import keys, meaning, room, sight
from tests.ui.audit.tree import Finding
from tests.ui.variants import VARIANTS, Variant, shown_as


@dataclass(frozen=True)
class Allowed:
    """A finding that may stay: of ``check``, on widgets whose place matches ``widget``, for ``reason``."""

    check: int
    widget: str
    reason: str


ALLOWED: tuple[Allowed, ...] = ()


@contextmanager
def opened(app: QApplication, make: Callable[[], QWidget]) -> Iterator[QWidget]:
    """A window, shown, active and laid out; gone afterwards."""
    QAccessible.setActive(True)
    window = make()
    window.show()
    window.activateWindow()
    for _ in range(3):  # wrapped text claims its height, which may move what is below
        app.processEvents()
    try:
        yield window
    finally:
        if shiboken6.isValid(window):
            window.close()
        if shiboken6.isValid(window):
            window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        app.processEvents()


def look_at(window: QWidget, variant: Variant, data: Sequence[str]) -> list[Finding]:
    """All findings on an open window, those allowed left out."""
    found = [
        *meaning.names(window),
        *meaning.roles(window),
        *meaning.tooltips(window),
        *meaning.defaults(window),
        *meaning.mnemonics(window),
        *meaning.targets(window),
        *room.clipping(window),
        *sight.contrasts(window),
        *(room.untranslated(window, data) if variant.pseudo else ()),
        *keys.focus_order(window),
        *keys.focus_seen(window),
        *keys.escape(window),
    ]
    return [finding for finding in found if not _allowed(finding)]


def _allowed(finding: Finding) -> bool:
    return any(
        entry.check == finding.check and re.fullmatch(entry.widget, finding.widget) for entry in ALLOWED
    )


def findings(
    app: QApplication,
    make: Callable[[], QWidget],
    *,
    data: Sequence[str] = (),
    variants: Iterable[Variant] = VARIANTS,
) -> dict[str, list[Finding]]:
    """Findings by variant; empty if the window is good in all. ``data``: words not for translation."""
    all_found = {}
    for variant in variants:
        with shown_as(app, variant), opened(app, make) as window:
            found = look_at(window, variant, data)
        if found:
            all_found[variant.name] = found
    return all_found
