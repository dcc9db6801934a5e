"""How a machine is now, and the check-up: what must hold, what came out, and a button that helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from libneuron.errors import NeuronError
from libneuron.guest.checkup import Check, Remedy
from libneuron.ui.announce import announce
from libneuron.ui.dialogs import show_error
from libneuron.ui.text import duration, locale, size, translate
from libneuron.ui.widgets import Button, Card, Scroller, Status, Text, Tone, column, row
from neuron_guest_bridge import words
from neuron_guest_bridge.acting import act_on, pair_with
from neuron_guest_bridge.examination import Health
from neuron_guest_bridge.machines import Act, Machine
from neuron_guest_bridge.model import Model

_EVERY = 5000  # milliseconds between two looks, while somebody looks at the page


class HealthPage(QWidget):
    """Asks the machine only while it is shown."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self._machine: Machine | None = None
        self._asking = False
        self._looking = False
        self.status = Status("", Tone.MUTED)
        self.facts = Text("")
        self.again = Button(
            translate("Health", "Chec&k again"),
            translate("Health", "Make every check once more"),
            icon="restart",
            on_click=self.examine,
        )
        self.checks = Card(translate("Health", "Check-up"), row(self.again, None))
        self.rows: list[CheckRow] = []
        now = Card(translate("Health", "Now"), self.status, self.facts)
        self.setLayout(column(Scroller(column(now, self.checks, None, gap=2))))
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY)
        self._timer.timeout.connect(self._ask)

    def show_machine(self, machine: Machine) -> None:
        """Show ``machine`` as it is now."""
        before, self._machine = self._machine, machine
        connection = words.connection(machine)
        self.status.show_state(connection.text, connection.tone)
        if not machine.ready:
            self.facts.setText("")
        if before is None or _kind(before) != _kind(machine):
            self.examine()
            self._ask()

    def showEvent(self, event: QShowEvent) -> None:
        """Somebody looks."""
        super().showEvent(event)
        self._timer.start()
        self._ask()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks any more."""
        self._timer.stop()
        super().hideEvent(event)

    def _ask(self) -> None:
        machine = self._machine
        if machine is None or not machine.ready or self._asking or not self.isVisible():
            return
        self._asking = True
        self._model.run(
            lambda: self._model.machines.health(machine.id),
            owner=self,
            done=lambda found: self._show_health(machine.id, found),
            failed=self._silent,
        )

    def _show_health(self, machine: str, found: Health) -> None:
        self._asking = False
        if self._machine is None or self._machine.id != machine:
            return  # another machine was chosen meanwhile
        lines = [
            translate("Health", "NeuronGuest {version} answered within {ms} ms.").format(
                version=self._machine.version, ms=locale().toString(found.ms, "f", 1)
            )
        ]
        if found.cpu is not None:
            percent = locale().toString(round(found.cpu * 100))
            lines.append(translate("Health", "Processor: {percent} %").format(percent=percent))
        if found.memory_used is not None and found.memory_total is not None:
            lines.append(
                translate("Health", "Memory: {used} of {total}").format(
                    used=size(found.memory_used), total=size(found.memory_total)
                )
            )
        if found.uptime is not None:
            lines.append(translate("Health", "Running for {time}").format(time=duration(found.uptime)))
        self.facts.setText("\n".join(lines))

    def _silent(self, error: NeuronError) -> None:
        self._asking = False
        self.facts.setText(error.sentence(translate))

    def examine(self) -> None:
        """Make every check."""
        machine = self._machine
        if machine is None or self._looking:
            return
        self._looking = True
        self.again.setEnabled(False)
        self._model.run(
            lambda: self._model.machines.examine(machine.id),
            owner=self,
            done=lambda found: self._show_checks(machine.id, found),
            failed=self._not_examined,
        )

    def _ended(self) -> None:
        self._looking = False
        self.again.setEnabled(True)

    def _not_examined(self, error: NeuronError) -> None:
        self._ended()
        show_error(self.window(), error, heading=translate("Health", "The check-up was not made"))

    def _show_checks(self, machine: str, found: Sequence[Check]) -> None:
        self._ended()
        if self._machine is None or self._machine.id != machine:
            self.examine()
            return
        focused = any(line.fix.hasFocus() for line in self.rows)
        for line in self.rows:
            self.checks.body.removeWidget(line)
            line.hide()
            line.deleteLater()
        self.rows = [CheckRow(check, self._fix) for check in found]
        for at, line in enumerate(self.rows):
            self.checks.body.insertWidget(1 + at, line)
        if focused:
            self.again.setFocus()
        bad = sum(check.ok is False for check in found)
        said = translate("Health", "%n thing(s) to look at", None, bad)
        announce(self, said if bad else translate("Health", "Everything is as it should be."))

    def _fix(self, remedy: Remedy) -> None:
        machine = self._machine
        if machine is None:
            return
        if remedy is Remedy.START:
            act_on(self._model, machine, Act.START, parent=self.window())
        elif remedy is Remedy.PAIR:
            pair_with(self._model, machine, parent=self.window())
        elif remedy is Remedy.SHARE:
            self._model.run(
                lambda: self._model.machines.own_clipboard(machine.id, own=True),
                owner=self,
                done=lambda _: self.examine(),
                failed=self._not_examined,
            )
        else:
            self._model.machines.look()
            self.examine()


def _kind(machine: Machine) -> tuple[object, ...]:
    """What a check-up depends on."""
    return (
        machine.id, machine.power, machine.channel, machine.paired, machine.state,
        machine.sharing, machine.standing_back, machine.can_follow,
    )  # fmt: skip


class CheckRow(QWidget):
    """One check: its name, its result, and what can be done about it."""

    def __init__(self, check: Check, fix: Callable[[Remedy], None]) -> None:
        super().__init__()
        tone = {True: Tone.GOOD, False: Tone.WARN, None: Tone.UNKNOWN}[check.ok]
        said = translate("Health", "{what}: {result}").format(
            what=check.name(translate), result=check.result(translate)
        )
        self.status = Status(said, tone)
        text, tip = _remedy(check.remedy)
        self.fix = Button(text, tip, on_click=lambda: fix(check.remedy) if check.remedy is not None else None)
        self.fix.setAccessibleDescription(said)
        self.fix.setVisible(check.remedy is not None)
        line = row(self.status, self.fix, gap=1)
        line.setStretch(0, 1)
        self.setLayout(line)


def _remedy(remedy: Remedy | None) -> tuple[str, str]:
    """A remedy as a button."""
    return {
        None: ("", ""),
        Remedy.LOOK: (translate("Health", "Look again"), translate("Health", "Ask once more")),
        Remedy.START: (translate("Health", "Start it"), translate("Health", "Switch the machine on")),
        Remedy.PAIR: (translate("Health", "Pair it…"), translate("Health", "Open the pairing assistant")),
        Remedy.SHARE: (
            translate("Health", "Share it here"),
            translate("Health", "Let Guest Bridge share the clipboard"),
        ),
    }[remedy]
