"""The settings of the program as a whole. Each change holds at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QSpinBox, QWidget

from libneuron.errors import NeuronError
from libneuron.guest.errors import GuestError
from libneuron.ui.announce import announce
from libneuron.ui.dialogs import show_error
from libneuron.ui.tasks import tasks
from libneuron.ui.text import translate
from libneuron.ui.theme import SPACE
from libneuron.ui.widgets import Button, Card, Scroller, column, labelled, muted, row, title
from neuron_guest_bridge.settings import LONGEST, Settings, SettingsStore
from neuron_guest_bridge.viewers import Viewer

_USUAL = 10  # seconds: after the desktop itself has come up


class SettingsPage(QWidget):
    """``back`` leaves the page."""

    def __init__(self, store: SettingsStore, *, back: Callable[[], None]) -> None:
        super().__init__()
        self._store = store
        self._waiting: list[Callable[[], None]] = []
        self._busy = False
        self.session = QCheckBox(translate("Settings", "Start &when I sign in"))
        self.session.setToolTip(
            translate("Settings", "Start in the tray whenever you sign in to this computer")
        )
        self.delay = QSpinBox()
        self.delay.setRange(0, LONGEST)
        self.delay.setSingleStep(5)
        self.delay.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # Qt's waits for the clipboard
        self.delay.setToolTip(
            translate("Settings", "Seconds to wait after signing in, so that the desktop comes first")
        )
        label = labelled(translate("Settings", "Seconds to wa&it"), self.delay)
        self.hidden = QCheckBox(translate("Settings", "Always start in the tray, without this win&dow"))
        self.hidden.setToolTip(
            translate("Settings", "Open the window from the tray; without a tray it is shown anyway")
        )
        self.notify = QCheckBox(translate("Settings", "Tell me when something &needs me"))
        self.notify.setToolTip(translate("Settings", "Show notifications"))
        self.back = Button(
            translate("Settings", "&Back to the machines"),
            translate("Settings", "Leave the settings"),
            icon="back",
            on_click=back,
        )
        self.viewer = QComboBox()
        self.viewer.setToolTip(
            translate("Settings", "Opens when you start a machine here, and with “Open its screen”")
        )
        for value, name in (
            (Viewer.BEST, translate("Settings", "What suits it")),
            (Viewer.LOOKING_GLASS, translate("Settings", "Looking Glass")),
            (Viewer.VIRT_VIEWER, translate("Settings", "Virt Viewer")),
            (Viewer.VIRT_MANAGER, translate("Settings", "Virt Manager")),
            (Viewer.NONE, translate("Settings", "Nothing")),
        ):
            self.viewer.addItem(name, value)
        with_what = labelled(translate("Settings", "S&how screens with"), self.viewer)
        suits = muted(
            translate("Settings", "Looking Glass suits a machine with memory for it; others get a viewer.")
        )
        screens = Card(translate("Settings", "Screens"), row(with_what, self.viewer, None), suits)
        start = Card(
            translate("Settings", "Start"),
            self.session,
            row(label, self.delay, None),
            self.hidden,
        )
        told = Card(
            translate("Settings", "Notifications"),
            self.notify,
            muted(
                translate(
                    "Settings",
                    "A machine that waits for you, and copies that were kept back or did not arrive.",
                )
            ),
        )
        whole = column(title(translate("Settings", "Settings")), start, screens, told, None, gap=2)
        body = column(Scroller(whole), row(self.back, None), gap=2)
        body.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 3 * SPACE)
        self.setLayout(body)
        self.session.toggled.connect(self._session)
        self.delay.valueChanged.connect(lambda _seconds: self._session(self.session.isChecked()))
        self.hidden.toggled.connect(lambda on: self._set(lambda old: replace(old, hidden=on)))
        self.viewer.activated.connect(self._show_with)
        self.notify.toggled.connect(lambda on: self._set(lambda old: replace(old, notify=on)))
        self.show_present()

    def show_present(self) -> None:
        """Show what holds now."""
        try:
            found = self._store.get()
        except NeuronError as error:
            found = Settings()
            show_error(self.window(), error, heading=translate("Settings", "The settings cannot be read"))
        self.viewer.setCurrentIndex(self.viewer.findData(found.viewer))
        delay = self._store.delay()
        for box, value in (
            (self.session, delay is not None),
            (self.hidden, found.hidden),
            (self.notify, found.notify),
        ):
            with QSignalBlocker(box):
                box.setChecked(value)
        with QSignalBlocker(self.delay):
            self.delay.setValue(_USUAL if delay is None else delay)
        self.delay.setEnabled(delay is not None)

    def _session(self, on: bool) -> None:  # noqa: FBT001 — Qt's signal
        self.delay.setEnabled(on)
        delay = self.delay.value()
        if on:
            self._keep(lambda: self._store.start_with_session(delay))
        else:
            self._keep(self._store.stay_out_of_session)

    def _show_with(self, at: int) -> None:
        viewer = self.viewer.itemData(at)
        if isinstance(viewer, Viewer):
            self._set(lambda old: replace(old, viewer=viewer))

    def _set(self, change: Callable[[Settings], Settings]) -> None:
        self._keep(lambda: self._store.set(change(self._store.get())))

    def _keep(self, work: Callable[[], None]) -> None:
        """One after the other, in the order in which the person chose."""
        self._waiting.append(work)
        if not self._busy:
            self._next()

    def _next(self) -> None:
        self._busy = bool(self._waiting)
        if not self._busy:
            return
        work = self._waiting.pop(0)

        def keep() -> None:
            try:
                work()
            except OSError as error:
                raise GuestError(
                    "guest.not-written", path=error.filename or "", details=str(error)
                ) from error

        tasks().start(lambda _progress: keep(), owner=self, done=self._kept, failed=self._failed)

    def _kept(self, _nothing: None) -> None:
        announce(self, translate("Settings", "This holds from now on."))
        self._next()

    def _failed(self, error: NeuronError) -> None:
        self._waiting.clear()
        self._busy = False
        show_error(self.window(), error, heading=translate("Settings", "The settings were not changed"))
        self.show_present()
