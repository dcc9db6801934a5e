"""The list of a machine's applications: as many as a machine may name, at the cost of those that are seen."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QListView

from libneuron.guest.api import GuestApp
from libneuron.guest.menu import is_small_png
from libneuron.guest.wire import png
from libneuron.ui import icons
from libneuron.ui.text import translate
from libneuron.ui.theme import scaled

_ICON = 32
_PICTURES = 256  # that are kept at a time
_Index = QModelIndex | QPersistentModelIndex


def picture(app: GuestApp) -> QIcon:
    """The application's own icon, else a general one. What a guest sends is only ever decoded as PNG."""
    try:
        data = base64.b64decode(app.icon, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    made = QPixmap()
    if is_small_png(data) and made.loadFromData(png.bare(data), "PNG"):  # a few bytes can decode to gigabytes
        return QIcon(made)
    return icons.icon("apps", tone="muted")


class _Rows(QAbstractListModel):
    """Favourites first, else as they came; an icon is decoded when its row is first seen."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[GuestApp] = []
        self._favourites: frozenset[str] = frozenset()
        self._pictures: dict[str, QIcon] = {}

    def show(self, apps: Sequence[GuestApp], favourites: frozenset[str], part: str) -> None:
        """Those whose name contains ``part``."""
        wanted = part.casefold()
        found = [app for app in apps if wanted in app.name.casefold()] if wanted else list(apps)
        self.beginResetModel()
        self.rows = sorted(found, key=lambda app: app.path not in favourites)
        self._favourites = favourites
        self.endResetModel()

    def forget_pictures(self) -> None:
        """Other applications, or other colours."""
        self._pictures.clear()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 — an empty one, never changed
        """See QAbstractListModel."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """See QAbstractListModel."""
        app = self.rows[index.row()]
        liked = app.path in self._favourites
        if role == Qt.ItemDataRole.DisplayRole:
            return f"★ {app.name}" if liked else app.name
        if role == Qt.ItemDataRole.AccessibleTextRole and liked:
            return translate("Apps", "{app}, favourite").format(app=app.name)
        if role == Qt.ItemDataRole.DecorationRole:
            return self._picture(app)
        return None

    def _picture(self, app: GuestApp) -> QIcon:
        if app.path not in self._pictures:
            if len(self._pictures) >= _PICTURES:
                self._pictures.clear()
            self._pictures[app.path] = picture(app)
        return self._pictures[app.path]


class AppsList(QListView):
    """Shows the applications it was last given that match what was searched for."""

    def __init__(self) -> None:
        super().__init__()
        self._apps: tuple[GuestApp, ...] = ()
        self._favourites: tuple[str, ...] = ()
        self._part = ""
        self._rows = _Rows()
        self.setModel(self._rows)
        self.setIconSize(QSize(scaled(_ICON), scaled(_ICON)))
        self.setUniformItemSizes(True)

    def show_apps(self, apps: tuple[GuestApp, ...], favourites: tuple[str, ...]) -> None:
        """Show these; what was chosen stays chosen."""
        if apps is self._apps and favourites == self._favourites:
            return
        if apps is not self._apps:
            self._rows.forget_pictures()
        self._apps, self._favourites = apps, favourites
        chosen = self.chosen
        self._fill()
        if chosen is not None:
            self.choose(chosen.path)

    def search(self, part: str) -> None:
        """Show those whose name contains ``part``, and choose the first."""
        self._part = part
        self._fill()

    def forget_pictures(self) -> None:
        """The theme's colours have changed."""
        self._rows.forget_pictures()

    def _fill(self) -> None:
        self._rows.show(self._apps, frozenset(self._favourites), self._part)
        self.setCurrentIndex(self._rows.index(0))

    @property
    def chosen(self) -> GuestApp | None:
        """The one that was chosen."""
        at = self.currentIndex()
        return self._rows.rows[at.row()] if at.isValid() else None

    @property
    def shown(self) -> tuple[GuestApp, ...]:
        """Those that can be seen, or scrolled to."""
        return tuple(self._rows.rows)

    def choose(self, path: str) -> None:
        """Choose the application at ``path``, if it is shown."""
        at = next((row for row, app in enumerate(self._rows.rows) if app.path == path), -1)
        if at >= 0:
            self.setCurrentIndex(self._rows.index(at))
