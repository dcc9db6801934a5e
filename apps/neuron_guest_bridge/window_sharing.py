"""What a machine shares with the desktop: the clipboard's direction, and the display's resolution."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QCheckBox, QComboBox

from libneuron.errors import NeuronError
from libneuron.guest.clipboard.rules import Direction, Side
from libneuron.ui.announce import announce
from libneuron.ui.dialogs import show_error
from libneuron.ui.text import pixels, translate
from libneuron.ui.widgets import Button, Card, Status, Tone, labelled, muted, row
from neuron_guest_bridge import handwork, words
from neuron_guest_bridge.machines import Machine
from neuron_guest_bridge.model import Model, Modes


class ClipboardCard(Card):
    """Which copies cross, and two buttons for one copy now."""

    def __init__(self, model: Model) -> None:
        super().__init__(translate("Sharing", "Clipboard"))
        self._model = model
        self._machine: Machine | None = None
        self.status = Status("", Tone.MUTED)
        self.direction = QComboBox()
        self.direction.setToolTip(translate("Sharing", "Which copies may cross"))
        for value in (Direction.BOTH, Direction.TO_GUEST, Direction.TO_HOST, Direction.OFF):
            self.direction.addItem(words.direction(value), value)
        label = labelled(translate("Sharing", "Sh&are copies"), self.direction)
        self.send = Button(
            translate("Sharing", "Send &now"),
            translate("Sharing", "Offer what you copied here in the machine, once"),
            icon="to-guest",
            on_click=lambda: self._send(Side.HOST),
        )
        self.fetch = Button(
            translate("Sharing", "&Fetch now"),
            translate("Sharing", "Offer what was copied in the machine here, once"),
            icon="to-host",
            on_click=lambda: self._send(Side.GUEST),
        )
        self.own = Button(
            "",
            translate("Sharing", "Choose which program shares the clipboard; only one does at a time"),
            on_click=self._own,
        )
        self.add(self.status)
        self.add(row(label, self.direction, None))
        self.add(row(self.own, None))
        self.add(
            muted(translate("Sharing", "Copies that a password manager marks as secret stay where they are."))
        )
        self.add(row(self.send, self.fetch, None))
        self.direction.activated.connect(self._change)

    def show_machine(self, machine: Machine) -> None:
        """Show one machine."""
        self._machine = machine
        self.direction.setCurrentIndex(self.direction.findData(machine.clipboard))
        for button in (self.send, self.fetch):
            button.setEnabled(machine.sharing)
        self.own.setVisible(bool(machine.rivals))
        self.own.setText(
            translate("Sharing", "Let the other program have it &back")
            if machine.owns_clipboard
            else translate("Sharing", "Share it with Guest &Bridge instead")
        )
        if machine.standing_back:
            self.status.show_state(words.standing_back(machine), Tone.INFO)
        elif machine.manual:
            self.status.show_state(
                translate("Sharing", "This desktop lets copies cross only with the two buttons below"),
                Tone.INFO,
            )
        elif machine.sharing and machine.clipboard is not Direction.OFF:
            self.status.show_state(translate("Sharing", "Copies cross when they are pasted"), Tone.GOOD)
        elif machine.sharing:
            self.status.show_state(translate("Sharing", "Copies do not cross by themselves"), Tone.MUTED)
        elif machine.ready:
            self.status.show_state(
                translate("Sharing", "This desktop does not let programs share the clipboard"), Tone.WARN
            )
        else:
            self.status.show_state(translate("Sharing", "Not connected"), Tone.MUTED)

    def _change(self, at: int) -> None:
        machine, value = self._machine, self.direction.itemData(at)
        if machine is None or not isinstance(value, Direction):
            return
        self._model.run(
            lambda: self._model.machines.set_direction(machine.id, value),
            owner=self,
            done=lambda _: None,
            failed=self._failed,
        )

    def _send(self, source: Side) -> None:
        machine = self._machine
        if machine is None:
            return
        if machine.manual:
            self._by_hand(machine, source)
            return
        done = (
            translate("Sharing", "Offered in the machine.")
            if source is Side.HOST
            else translate("Sharing", "Offered here.")
        )
        self._model.run(
            lambda: self._model.machines.send_copy(machine.id, source),
            owner=self,
            done=lambda _: announce(self, done),
            failed=self._failed,
        )

    def _by_hand(self, machine: Machine, source: Side) -> None:
        """The window has the focus, so it may use the desktop's clipboard."""
        machines = self._model.machines
        if source is Side.HOST:
            items, secret = handwork.held()
            self._model.run(
                lambda: machines.hand_copy(machine.id, items, secret=secret),
                owner=self,
                done=lambda _: announce(self, translate("Sharing", "Offered in the machine.")),
                failed=self._failed,
            )
        else:
            self._model.run(
                lambda: machines.take_copy(machine.id), owner=self, done=self._fetched, failed=self._failed
            )

    def _fetched(self, items: Mapping[str, bytes]) -> None:
        handwork.put(items)
        announce(self, translate("Sharing", "Copied here."))

    def _own(self) -> None:
        machine = self._machine
        if machine is not None:
            self._model.run(
                lambda: self._model.machines.own_clipboard(machine.id, own=not machine.owns_clipboard),
                owner=self,
                done=lambda _: None,
                failed=self._failed,
            )

    def _failed(self, error: NeuronError) -> None:
        show_error(self.window(), error, heading=translate("Sharing", "The clipboard was not changed"))
        if self._machine is not None:
            self.show_machine(self._machine)


class DisplayCard(Card):
    """The display's resolution, set by hand."""

    def __init__(self, model: Model) -> None:
        super().__init__(translate("Sharing", "Display"))
        self._model = model
        self._machine: Machine | None = None
        self.status = Status("", Tone.MUTED)
        self.modes = QComboBox()
        self.modes.setToolTip(translate("Sharing", "The resolutions that the machine’s display accepts"))
        label = labelled(translate("Sharing", "Reso&lution"), self.modes)
        self.apply = Button(
            translate("Sharing", "&Change"),
            translate("Sharing", "Switch the machine’s display to the chosen resolution"),
            icon="resize",
            on_click=self._change,
        )
        self.follow = QCheckBox(translate("Sharing", "Match the size of the Looking Glass &window"))
        self.follow.setToolTip(
            translate("Sharing", "Change the resolution whenever the Looking Glass window is resized")
        )
        self.follow.clicked.connect(self._follow)
        self.follow_note = muted("")
        self.add(self.status)
        self.add(row(label, self.modes, self.apply, None))
        self.add(self.follow)
        self.add(self.follow_note)

    def show_machine(self, machine: Machine) -> None:
        """Show one machine; its modes are fetched when it becomes ready."""
        before, self._machine = self._machine, machine
        for widget in (self.modes, self.apply):
            widget.setEnabled(machine.ready and self.modes.count() > 0)
        self.follow.setEnabled(machine.ready and machine.can_follow)
        self.follow.setChecked(machine.follows)
        note = words.following(machine)
        self.follow_note.setText(note)
        self.follow_note.setVisible(bool(note))
        if not machine.ready:
            self.modes.clear()
            self.status.show_state(translate("Sharing", "Not connected"), Tone.MUTED)
        elif before is None or (before.id, before.ready, before.session) != (
            machine.id,
            True,
            machine.session,
        ):
            self.modes.clear()
            self.status.show_state(translate("Sharing", "Asking the machine…"), Tone.INFO)
            self._fetch(machine)
        elif machine.screen is not None and machine.screen != before.screen:
            now = pixels(machine.screen.width, machine.screen.height)
            self.modes.setCurrentIndex(self.modes.findText(now))
            self._at(now)

    def _fetch(self, machine: Machine) -> None:
        self._model.run(
            lambda: self._model.machines.modes(machine.id),
            owner=self,
            done=lambda found: self._fill(machine.id, found),
            failed=lambda error: self.status.show_state(error.sentence(translate), Tone.WARN),
        )

    def _fill(self, machine: str, found: Modes) -> None:
        if self._machine is None or self._machine.id != machine:
            return  # another machine was chosen meanwhile
        modes, current = found
        self.modes.clear()
        for width, height in sorted({(mode.width, mode.height) for mode in modes}, reverse=True):
            self.modes.addItem(pixels(width, height), (width, height))
        now = pixels(current.width, current.height)
        self.modes.setCurrentIndex(self.modes.findText(now))
        for widget in (self.modes, self.apply):
            widget.setEnabled(True)
        self._at(now)

    def _at(self, mode: str) -> None:
        self.status.show_state(translate("Sharing", "Now {mode}").format(mode=mode), Tone.GOOD)
        announce(self, self.status.label.text())

    def _change(self) -> None:
        machine, wanted = self._machine, self.modes.currentData()
        if machine is None or wanted is None:
            return
        width, height = wanted
        self.status.show_state(translate("Sharing", "Changing…"), Tone.INFO)
        self._model.run(
            lambda: self._model.machines.resize(machine.id, width, height),
            owner=self,
            done=lambda mode: self._at(pixels(mode.width, mode.height)),
            failed=lambda error: self._refused(machine, error),
        )

    def _follow(self, wanted: bool) -> None:  # noqa: FBT001 — Qt's signal
        machine = self._machine
        if machine is None:
            return
        self._model.run(
            lambda: self._model.machines.follow(machine.id, on=wanted),
            owner=self,
            done=lambda _: None,
            failed=lambda error: self._refused(machine, error),
        )

    def _refused(self, machine: Machine, error: NeuronError) -> None:
        show_error(self.window(), error, heading=translate("Sharing", "The resolution was not changed"))
        self._fetch(machine)
