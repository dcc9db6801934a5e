"""The three pages of the pairing assistant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QCheckBox, QRadioButton, QVBoxLayout, QWidget

from libneuron.errors import NeuronError
from libneuron.guest.keys import GUEST_PLACES
from libneuron.ui.announce import announce
from libneuron.ui.pages import Buttons, Page
from libneuron.ui.text import locale, translate
from libneuron.ui.widgets import Button, Card, Notice, OneLine, Status, Text, Tone, column, muted, row
from neuron_guest_bridge.handing_over import HandOver
from neuron_guest_bridge.joining import Proof, Prospect, Stage


def _way(way: HandOver) -> tuple[str, str]:
    """A way's name, and what it asks of the person."""
    return {
        HandOver.AGENT: (
            translate("Pairing", "By &itself"),
            translate(
                "Pairing",
                "The QEMU guest agent hands the keys over. NeuronGuest must be installed in the machine.",
            ),
        ),
        HandOver.DISC: (
            translate("Pairing", "With a &set-up disc"),
            translate(
                "Pairing",
                "Guest Bridge puts a disc into the machine. It installs NeuronGuest there, and pairs it.",
            ),
        ),
        HandOver.FILE: (
            translate("Pairing", "With a &file that you copy"),
            translate(
                "Pairing", "For machines that nothing else reaches. NeuronGuest must be installed there."
            ),
        ),
    }[way]


class HowPage(Page):
    """Which way, and whether the machine may be changed for it."""

    def __init__(self, machine: str) -> None:
        self.status = Status(translate("Pairing", "Looking at the machine…"), Tone.INFO)
        self.choices = QWidget()
        self._radios: dict[HandOver, QRadioButton] = {}
        self._notes: dict[HandOver, Text] = {}
        lines: list[QVBoxLayout] = []
        for way in HandOver:
            name, sentence = _way(way)
            radio, note = QRadioButton(name), muted(sentence)
            radio.setToolTip(sentence)
            radio.setAccessibleDescription(sentence)
            self._radios[way], self._notes[way] = radio, note
            lines.append(column(radio, note, gap=0))
        self.choices.setLayout(column(*lines, gap=2))
        self.channel = QCheckBox(translate("Pairing", "&Add a channel for Guest Bridge to the machine"))
        self.channel.setToolTip(
            translate("Pairing", "Changes the machine’s description; without a channel nothing can cross")
        )
        self.channel_note = muted(
            translate("Pairing", "The machine has no channel yet. It may have to be restarted for it.")
        )
        self.consenting = QWidget()
        self.consenting.setLayout(column(self.channel, self.channel_note, gap=0))
        super().__init__(
            translate("Pairing", "How"),
            translate(
                "Pairing", "{name} and this computer exchange keys once; from then on only they can connect."
            ).format(name=machine),
            self.status,
            self.choices,
            self.consenting,
        )
        self.prospect: Prospect | None = None
        self.channel.toggled.connect(lambda _checked: self._tell())
        self._show_parts()
        self._tell()

    @property
    def way(self) -> HandOver | None:
        """The chosen way."""
        return next((way for way, button in self._radios.items() if button.isChecked()), None)

    @property
    def consent(self) -> bool:
        """Whether the channel may be added."""
        return self.channel.isChecked()

    def show_prospect(self, prospect: Prospect) -> None:
        """Show what is possible; the way that asks least is chosen already."""
        chosen = self.way
        self.prospect = prospect
        # The first way asks least, but a machine that has no channel yet has no NeuronGuest either.
        installs = prospect.adds_channel and HandOver.DISC in prospect.ways
        usual = HandOver.DISC if installs else prospect.ways[0]
        best = chosen if chosen in prospect.ways else usual
        for way, radio in self._radios.items():
            radio.setVisible(way in prospect.ways)
            self._notes[way].setVisible(way in prospect.ways)
        self._radios[best].setChecked(True)
        self.first_focus = self._radios[best]
        self._show_parts()
        self._tell()
        if self.isVisible():
            self.first_focus.setFocus()

    def show_error(self, error: NeuronError) -> None:
        """Say why there is nothing to choose."""
        self.prospect = None
        self.status.show_state(f"{error.sentence(translate)} {error.hint(translate)}", Tone.WARN)
        announce(self, self.status.label.text())
        self._show_parts()
        self._tell()

    def _show_parts(self) -> None:
        known = self.prospect is not None
        adds = self.prospect is not None and self.prospect.adds_channel
        self.status.setVisible(not known)
        self.choices.setVisible(known)
        self.consenting.setVisible(adds)

    def _tell(self) -> None:
        prospect = self.prospect
        self.buttons = Buttons(
            next_text=translate("Pairing", "&Pair"),
            next_tip=translate("Pairing", "Make keys and hand them over"),
            next_enabled=prospect is not None and (not prospect.adds_channel or self.consent),
        )


class DoPage(Page):
    """What happens, and what the person is to do meanwhile. ``again`` starts once more."""

    def __init__(self, machine: str, *, again: Callable[[], None]) -> None:
        self._machine = machine
        self.status = Status("", Tone.INFO)
        self.todo = Text("")
        self.here, self.windows, self.linux = OneLine(), OneLine(), OneLine()
        self.copy = Button(
            translate("Pairing", "C&opy the file’s path"),
            translate("Pairing", "Put the path of the file on the clipboard"),
            icon="copy",
            on_click=self._copy,
        )
        self.folder = Button(
            translate("Pairing", "Open the fol&der"),
            translate("Pairing", "Show the file in the file manager"),
            icon="folder",
            on_click=self._open,
        )
        self.file = Card(
            "",
            muted(translate("Pairing", "This file:")),
            self.here,
            muted(translate("Pairing", "In Windows, as administrator, to:")),
            self.windows,
            muted(translate("Pairing", "In Linux, as root, to:")),
            self.linux,
            row(self.copy, self.folder, None),
        )
        self.again = Button(
            translate("Pairing", "Try a&gain"),
            translate("Pairing", "Start once more with new keys"),
            icon="restart",
            on_click=again,
        )
        self.problem = Notice("", tone=Tone.WARN)
        super().__init__(
            translate("Pairing", "Do it"),
            "",
            self.status,
            self.todo,
            self.file,
            self.problem,
            row(self.again, None),
        )
        self._path = Path()
        self.problem.hide()
        self.again.hide()
        self.buttons = Buttons(next_enabled=False)

    def show_way(self, way: HandOver, file: Path) -> None:
        """Begin: say what the person is to do."""
        self._path = file
        self.todo.setText(
            {
                HandOver.AGENT: translate("Pairing", "There is nothing for you to do."),
                HandOver.DISC: translate(
                    "Pairing",
                    "In the machine, open the disc NEURON_SETUP. On Windows start “setup” in its folder "
                    "“windows”; on Linux run “sudo sh setup.sh” there. Where NeuronGuest is installed "
                    "already, there is nothing to do.",
                ),
                HandOver.FILE: translate(
                    "Pairing",
                    "Copy the file into the machine by a way you trust. It works once, and is deleted here "
                    "afterwards.",
                ),
            }[way]
        )
        self.file.setVisible(way is HandOver.FILE)
        self.here.show_text(str(file))
        self.windows.show_text(GUEST_PLACES["windows"])
        self.linux.show_text(GUEST_PLACES["linux"])
        self.show_stage(Stage.PREPARING, None)

    def show_stage(self, stage: Stage, problem: NeuronError | None) -> None:
        """Show where it stands, and what stands in the way so far."""
        text = {
            Stage.PREPARING: translate("Pairing", "Making keys…"),
            Stage.WAITING: translate("Pairing", "Waiting for NeuronGuest in {name}…"),
            Stage.PROVING: translate("Pairing", "Checking that it works…"),
        }[stage].format(name=self._machine)
        if text != self.status.label.text():
            self.status.show_state(text, Tone.INFO)
            announce(self, text)
        self.again.hide()
        patient = problem is not None and problem.code in ("guest.agent-silent", "guest.pairing-refused")
        self.problem.setVisible(problem is not None)
        if patient:
            words = translate("Pairing", "NeuronGuest has not used the new keys yet. This goes on waiting.")
            self.problem.show_text(words, Tone.INFO)
        elif problem is not None:
            self.problem.show_text(f"{problem.sentence(translate)} {problem.hint(translate)}", Tone.WARN)

    def show_error(self, error: NeuronError) -> None:
        """It did not work."""
        self.status.show_state(translate("Pairing", "It is not paired"), Tone.DANGER)
        text = f"{error.sentence(translate)} {error.hint(translate)}"
        self.problem.show_text(text, Tone.DANGER)
        self.problem.show()
        self.again.show()
        self.again.setFocus()
        announce(self, text)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(str(self._path))
        announce(self, translate("Pairing", "Copied."))

    def _open(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._path.parent)))


class ProofPage(Page):
    """What answered."""

    def __init__(self, machine: str) -> None:
        self.status = Status(translate("Pairing", "{name} answered").format(name=machine), Tone.GOOD)
        self.facts = Text("")
        self.sign_in = Notice(
            translate(
                "Pairing",
                "Sign out of the machine and in again once: its applications, clipboard and display come "
                "with that.",
            ),
            tone=Tone.INFO,
        )
        super().__init__(
            translate("Pairing", "It works"),
            translate("Pairing", "A question went through the encrypted channel, and the answer came back."),
            self.status,
            self.facts,
            self.sign_in,
            muted(
                translate("Pairing", "What the machine may do is up to you: see “Permissions” in its window.")
            ),
        )
        self.buttons = Buttons(
            next_tip=translate("Pairing", "Close the assistant"),
            back_enabled=False,
            cancel_text=translate("Pairing", "&Close"),
            cancel_tip=translate("Pairing", "Close the assistant"),
        )

    def show_proof(self, proof: Proof) -> None:
        """Show what answered, and how fast."""
        lines = [
            translate("Pairing", "NeuronGuest {version}").format(version=proof.version),
            translate("Pairing", "System: {system}").format(system=proof.system),
            translate("Pairing", "Its own name: {name}").format(name=proof.hostname),
            translate("Pairing", "There and back: {ms} ms").format(ms=locale().toString(proof.ms, "f", 1)),
        ]
        self.facts.setText("\n".join(lines))
        self.sign_in.setVisible(not proof.signed_in)
