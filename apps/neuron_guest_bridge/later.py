"""A tab whose page is made when it is first looked at: what nobody opens costs neither time nor memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from libneuron.ui.widgets import column
from neuron_guest_bridge.machines import Machine


class MachineView(Protocol):
    """A page that shows one machine."""

    def show_machine(self, machine: Machine) -> None:
        """Show it as it is now."""


class Later(QWidget):
    """``make`` gives the page; :attr:`page` makes it at once."""

    def __init__(self, make: Callable[[], QWidget]) -> None:
        super().__init__()
        self._make = make
        self._page: QWidget | None = None
        self._machine: Machine | None = None
        self._room: QVBoxLayout = column(margin=1)
        self.setLayout(self._room)

    @property
    def page(self) -> QWidget:
        """The page."""
        if self._page is None:
            self._page = self._make()
            self._room.addWidget(self._page)
            self._tell()
        return self._page

    def show_machine(self, machine: Machine) -> None:
        """Show ``machine`` once there is a page."""
        self._machine = machine
        self._tell()

    def _tell(self) -> None:
        page: MachineView | None = self._page  # type: ignore[assignment]  # ``make`` is given such pages only
        if page is not None and self._machine is not None:
            page.show_machine(self._machine)

    def showEvent(self, event: QShowEvent) -> None:
        """Somebody looks."""
        super().showEvent(event)
        self.page.show()
