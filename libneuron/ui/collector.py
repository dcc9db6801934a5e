"""Python's cycle collector, kept on Qt's thread.

Automatic collection runs on whichever thread allocates. When that is a worker, a widget caught in a cycle is
destroyed off Qt's thread and the process crashes (PYSIDE-1564 and kin). So automatic collection is switched
off and runs instead when Qt's event loop is about to wait: no timer, no wake-up, and only when it is due.

With it goes the source text that PySide reads of every imported module to look for its own name, and that
``linecache`` keeps: several MiB with libvirt's, which a traceback reads again should it ever need them.
"""

from __future__ import annotations

import gc
import linecache

from PySide6.QtCore import QAbstractEventDispatcher, QObject


class GuiCollector(QObject):
    """Collects garbage on the thread that makes it, until :meth:`close`."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        gc.disable()
        self._dispatcher = QAbstractEventDispatcher.instance()
        self._dispatcher.aboutToBlock.connect(self.collect_due)

    def collect_due(self) -> None:
        """Collect the oldest generation whose threshold is passed, as automatic collection would."""
        counts, limits = gc.get_count(), gc.get_threshold()
        for generation in (2, 1, 0):
            if counts[generation] > limits[generation] > 0:
                linecache.clearcache()
                gc.collect(generation)
                return

    def close(self) -> None:
        """Give collection back to Python."""
        self._dispatcher.aboutToBlock.disconnect(self.collect_due)
        if self._was_enabled:
            gc.enable()
