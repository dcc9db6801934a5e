"""Guest Bridge's windows with recorded machines."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtWidgets import QApplication, QWidget

from libneuron.errors import NeuronError
from libneuron.guest.api import GuestApp, GuestMode, Screenshot
from libneuron.guest.checkup import Check, Facts, judge
from libneuron.guest.clipboard.rules import Direction, Rival, Side
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.domains import ChannelState, Power
from libneuron.guest.keys import GUEST_PLACES, Pairing
from libneuron.guest.resolution import Say, StandBack
from libneuron.guest.state import State
from libneuron.guest.wire.requests import Permission
from libneuron.progress import Progress, ProgressView
from neuron_guest.simulated import png
from neuron_guest_bridge.acting import act_on
from neuron_guest_bridge.activity import Line, Moving, Way, What
from neuron_guest_bridge.examination import Health
from neuron_guest_bridge.handing_over import HandOver
from neuron_guest_bridge.joining import Proof, Prospect, Stage
from neuron_guest_bridge.machines import Act, Listeners, Machine, Snapshot
from neuron_guest_bridge.model import Model, Modes
from neuron_guest_bridge.settings import SettingsStore
from neuron_guest_bridge.window_carrying import title
from neuron_guest_bridge.window_main import MainWindow
from neuron_guest_bridge.window_pairing import PairingDialog

WINDOWS = Machine(
    id="6f1c",
    name="win11",
    power=Power.RUNNING,
    channel=ChannelState.CONNECTED,
    paired=True,
    state=State.READY,
    version="0.1.0",
    sharing=True,
)
MACHINES = (
    WINDOWS,
    Machine(id="7a", name="win10-old", power=Power.OFF, channel=ChannelState.CONFIGURED, paired=True),
    Machine(id="8b", name="debian-12", power=Power.RUNNING, channel=ChannelState.MISSING, paired=False),
    Machine(id="9c", name="fedora", power=Power.PAUSED, channel=ChannelState.DISCONNECTED, paired=True),
)
_TEXT = ("text/plain;charset=utf-8",)
LINES = (
    Line(datetime(2026, 3, 4, 9, 2, tzinfo=UTC), "win11", What.RESIZED, Way.TO_GUEST, detail="1920x1080"),
    Line(datetime(2026, 3, 4, 9, 5, tzinfo=UTC), "win11", What.LAUNCHED, Way.TO_GUEST, detail="Notepad"),
    Line(datetime(2026, 3, 4, 9, 6, tzinfo=UTC), "win11", What.COPY_OFFERED, Way.TO_HOST, _TEXT),
    Line(datetime(2026, 3, 4, 9, 6, tzinfo=UTC), "win11", What.COPY_CROSSED, Way.TO_HOST, _TEXT, size=1234),
    Line(datetime(2026, 3, 4, 9, 7, tzinfo=UTC), "win11", What.COPY_WITHHELD, Way.TO_GUEST, detail="secret"),
    Line(datetime(2026, 3, 4, 9, 9, tzinfo=UTC), "win11", What.COPY_CROSSED, Way.TO_GUEST,
         ("image/png",), size=5_400_000),
    Line(datetime(2026, 3, 4, 9, 12, tzinfo=UTC), "win10-old", What.POWER, Way.TO_GUEST, detail=Act.SHUTDOWN),
)  # fmt: skip
_NAMES = (
    "Calculator",
    "Excel",
    "File Explorer",
    "Notepad",
    "Paint",
    "Photoshop",
    "Visual Studio Code",
    "Word",
)
_COLORS = tuple(bytes.fromhex(color) for color in (
    "2f6fd0", "1f8a4c", "d9a42b", "5a8fd6", "c24d7a", "1d4a8c", "2383c4", "2a55b5",
))  # fmt: skip
APPS = tuple(
    GuestApp(
        name.casefold(), name, f"C:\\{name}.exe", (), base64.b64encode(png(32, 32, color * 1024)).decode()
    )
    for name, color in zip(_NAMES, _COLORS, strict=True)
)
MODES = tuple(GuestMode(*size, 60) for size in ((1280, 800), (1920, 1080), (2560, 1440)))


PRINT = "3a:9f:02:77:c4:1e:8b:d0:55:61:aa:0c"
PROSPECT = Prospect(
    tuple(HandOver), adds_channel=True, file=Path("/home/ada/hand-over/neuron-enrolment.json")
)
PROOF = Proof("0.1.0", "Windows 11", "DESKTOP-7", 2.31)


SETTINGS = SettingsStore(Path("/nonexistent/config"), Path("/nonexistent/autostart"))
"""Those of a person who changed nothing."""
FOUND = Facts(
    "win11",
    running=True,
    channel=ChannelState.CONNECTED,
    keys=True,
    milliseconds=1.8,
    version="0.0.9",
    wanted="0.1.0",
    session="active",
    sharing=True,
    can_follow=False,
)


class Recorded:
    """Machines that answer from memory; ``asked`` notes what was done. See ``neuron_guest_bridge.model``."""

    def __init__(self, snapshot: Snapshot, lines: tuple[Line, ...] = ()) -> None:
        self.snapshot = Snapshot()
        self._recorded = snapshot
        self.lines = lines
        self.asked: list[tuple[object, ...]] = []
        self.problem: GuestError | None = None
        self.ways = PROSPECT
        self.proof = PROOF
        self.no_apps: GuestError | None = None
        self.checks = judge(FOUND)
        self.hold: threading.Event | None = None  # until it is set, files stay on their way
        self._listeners: Listeners | None = None

    def start(self, listeners: Listeners) -> None:
        """See Machines."""
        self._listeners = listeners
        self.tell(self._recorded)

    def tell(self, snapshot: Snapshot) -> None:
        """Something changed."""
        self.snapshot = snapshot
        assert self._listeners is not None
        self._listeners.changed(snapshot)

    def begin(self, moving: Moving) -> None:
        """Something begins to cross."""
        assert self._listeners is not None
        self._listeners.moving(moving)

    def _note(self, *what: object) -> None:
        self.asked.append(what)
        if self.problem is not None:
            raise self.problem

    def look(self) -> None:
        """See Machines."""
        self._note("look")

    def apps(self, _machine: str) -> tuple[GuestApp, ...]:
        """See Machines."""
        if self.no_apps is not None:
            raise self.no_apps
        return APPS

    def modes(self, _machine: str) -> Modes:
        """See Machines."""
        return MODES, MODES[1]

    def launch(self, machine: str, path: str, name: str) -> int:
        """See Machines."""
        self._note("launch", machine, path)
        return 42

    def send_files(self, machine: str, paths: Sequence[Path], progress: Progress) -> None:
        """See Machines."""
        self._note("files", machine, tuple(paths))
        progress.start(total=2_000_000, unit="bytes")
        progress.advance(1_000_000, item="holiday.jpg")
        progress.finish()  # tells at once
        if self.hold is not None:
            self.hold.wait(20)
        progress.check()

    def favour(self, machine: str, path: str, *, on: bool) -> None:
        """See Machines."""
        self._note("favour", machine, path, on)

    def resize(self, machine: str, width: int, height: int) -> GuestMode:
        """See Machines."""
        self._note("resize", machine, width, height)
        return GuestMode(width, height, 60)

    def set_direction(self, machine: str, direction: Direction) -> None:
        """See Machines."""
        self._note("direction", machine, direction)

    def export_menu(self, machine: str) -> int:
        """See Machines."""
        self._note("export", machine)
        return len(APPS)

    def leave_menu(self, machine: str) -> None:
        """See Machines."""
        self._note("leave-menu", machine)

    def send_copy(self, machine: str, source: Side) -> None:
        """See Machines."""
        self._note("send", machine, source)

    def hand_copy(self, machine: str, items: Mapping[str, bytes], *, secret: bool) -> None:
        """See Machines."""
        self._note("hand", machine, dict(items), secret)

    def take_copy(self, machine: str) -> Mapping[str, bytes]:
        """See Machines."""
        self._note("take", machine)
        return {_TEXT[0]: b"from the machine"}

    def own_clipboard(self, machine: str, *, own: bool) -> None:
        """See Machines."""
        self._note("own", machine, own)

    def follow(self, machine: str, *, on: bool) -> None:
        """See Machines."""
        self._note("follow", machine, on)

    def permit(self, machine: str, permission: Permission, *, on: bool) -> None:
        """See Machines."""
        self._note("permit", machine, permission, on)

    def pairing(self, machine: str) -> Pairing:
        """See Machines."""
        return Pairing(
            machine, "win11", "2026-03-04T09:00:00+00:00", enrolling=False, paired=True, fingerprint=PRINT
        )

    def prospect(self, machine: str) -> Prospect:
        """See Machines."""
        self._note("prospect", machine)
        return self.ways

    def pair(
        self,
        machine: str,
        way: HandOver,
        *,
        add_channel: bool,
        told: Callable[[Stage, NeuronError | None], None],
        progress: Progress,
    ) -> Proof:
        """See Machines."""
        told(Stage.WAITING, None)
        progress.check()
        self._note("pair", machine, way, add_channel)
        return self.proof

    def forget(self, machine: str) -> None:
        """See Machines."""
        self._note("forget", machine)

    def health(self, machine: str) -> Health:
        """See Machines."""
        self._note("health", machine)
        return Health(1.8, 0.12, 3.1 * 2**30, 8 * 2**30, 7500)

    def examine(self, machine: str) -> tuple[Check, ...]:
        """See Machines."""
        self._note("examine", machine)
        return self.checks

    def screenshot(self, machine: str) -> Screenshot:
        """See Machines."""
        self._note("screenshot", machine)
        return Screenshot(32, 32, png(32, 32, b"\x2f\x6f\xd0" * 1024))

    def power(self, machine: str, act: str) -> None:
        """See Machines."""
        self._note("power", machine, act)

    def show_screen(self, machine: str) -> bool:
        """See Machines."""
        self._note("screen", machine)
        return True

    def simulate(self) -> None:
        """See Machines."""
        self._note("simulate")


def settle() -> None:
    """Let the tasks of a window end, as they do at once with recorded machines."""
    from libneuron.ui.tasks import tasks

    while True:
        QApplication.processEvents()
        if not tasks().running:
            break
    QApplication.processEvents()  # what their outcome made is shown now


def window(
    snapshot: Snapshot, *, tab: int = 0, choose: str = "", lines: tuple[Line, ...] = LINES
) -> MainWindow:
    """The main window over ``snapshot``."""
    model = Model(Recorded(snapshot, lines))
    made = MainWindow(model, SETTINGS)
    model.setParent(made)
    settle()
    if choose:
        made.show_machine(choose)
        settle()
    made.page.tabs.setCurrentIndex(tab)
    made.list.setFocus()
    return made


_ALL = Snapshot(MACHINES, looked=True)


def applications() -> QWidget:
    """A connected machine's applications."""
    return window(_ALL)


def sharing() -> QWidget:
    """What it shares."""
    return window(_ALL, tab=1)


def activity() -> QWidget:
    """What happened."""
    return window(_ALL, tab=2)


def permissions() -> QWidget:
    """What it may do."""
    made = window(_ALL, tab=3)
    assert made.page.permissions.page
    settle()
    return made


def health() -> QWidget:
    """How it is, and its check-up: one thing to renew."""
    made = window(_ALL, tab=4)
    made.show()
    settle()
    return made


def ill() -> QWidget:
    """The check-up of a machine that is not set up."""
    made = window(_ALL, choose="8b", lines=())
    recorded = made.page._model.machines
    assert isinstance(recorded, Recorded)
    recorded.checks = judge(Facts("debian-12", running=True, channel=ChannelState.MISSING, keys=False))
    made.page.tabs.setCurrentWidget(made.page.health)
    made.show()
    settle()
    return made


def picture_taken() -> QWidget:
    """A picture was kept."""
    made = window(_ALL)
    made.page._taken(Path("/home/ada/Pictures/win11.png"))
    return made


def sending() -> QWidget:
    """Files travel."""
    made = window(Snapshot((replace(WINDOWS, allowed=frozenset(Permission)),), looked=True))
    panel = made.page.sending.panel
    view = ProgressView(
        750_000, 2_000_000, "bytes", "holiday.jpg", rate=1e5, remaining=12.5, cancellable=True, paused=False
    )
    panel.show_view(view)
    made.page.sending._arrange(panel=True)
    return made


def carrying() -> QWidget:
    """Somebody in the machine pastes files, which takes a while."""
    made = window(_ALL)
    carried = made.page.carrying
    carried._shown = Moving("6f1c", Way.TO_GUEST, Progress(clock=lambda: 0.0))
    carried.panel.rename(title(Way.TO_GUEST))
    view = ProgressView(
        57 << 20, 212 << 20, "bytes", "holiday.jpg", rate=1e6, remaining=162, cancellable=True, paused=False
    )
    carried.panel.show_view(view)
    carried._arrange()
    return made


def sent() -> QWidget:
    """Files have arrived."""
    made = window(Snapshot((replace(WINDOWS, allowed=frozenset(Permission)),), looked=True))
    made.page.sending._done(WINDOWS, 3)
    return made


def settings() -> QWidget:
    """The settings."""
    made = window(_ALL)
    made.show_settings()
    return made


def off() -> QWidget:
    """A machine that is off."""
    return window(_ALL, choose="7a")


def standing_back() -> QWidget:
    """Looking Glass shares the clipboard, and its window needs more shared memory."""
    machine = replace(
        WINDOWS,
        rivals=frozenset({Rival.LOOKING_GLASS}),
        standing_back=True,
        can_follow=True,
        follows=True,
        follow_said=Say(StandBack.MEMORY, 128),
    )
    return window(Snapshot((machine,), looked=True), tab=1)


def by_hand() -> QWidget:
    """A desktop that lets copies cross only by hand."""
    return window(Snapshot((replace(WINDOWS, manual=True),), looked=True), tab=1)


def in_use() -> QWidget:
    """A machine whose channel another program holds."""
    problem = GuestError("guest.channel-in-use", vm="win11")
    machine = replace(WINDOWS, state=State.IN_USE, problem=problem, sharing=False)
    return window(Snapshot((machine,), looked=True), lines=(), tab=2)


def not_set_up() -> QWidget:
    """A machine without our channel."""
    return window(_ALL, choose="8b", lines=(), tab=2)


def simulated() -> QWidget:
    """The simulated machine, on a computer without others, on a desktop without a tray."""
    machine = replace(WINDOWS, id="simulated", name="win-sim", simulated=True)
    made = window(Snapshot((machine,), looked=True, simulating=True))
    made.no_tray.show()
    return made


def nothing() -> QWidget:
    """A computer without machines."""
    return window(Snapshot(looked=True))


def no_libvirt() -> QWidget:
    """A computer without libvirt."""
    problem = GuestError("guest.no-libvirt", uri="qemu:///system")
    return window(Snapshot(looked=True, problem=problem))


def power_off() -> QWidget:
    """The question before the power is cut."""
    made = Model(Recorded(_ALL))
    settle()
    act_on(made, WINDOWS, Act.POWER_OFF, parent=None)
    dialog = next(widget for widget in QApplication.topLevelWidgets() if widget.isVisible())
    made.setParent(dialog)
    return dialog


def _pairing(machine: Machine = MACHINES[2]) -> PairingDialog:
    model = Model(Recorded(_ALL))
    settle()
    made = PairingDialog(model, machine)
    model.setParent(made)
    settle()
    return made


def pairing_how() -> QWidget:
    """The assistant: which way."""
    return _pairing()


def pairing_file() -> QWidget:
    """The assistant: a file to copy, and an agent that is silent so far."""
    made = _pairing()
    problem = GuestError("guest.agent-silent", vm="debian-12")
    made.stack.blockSignals(True)
    made.stack.go_to(made.doing)
    made.stack.blockSignals(False)
    made.doing.show_way(HandOver.FILE, PROSPECT.file)
    made.doing.show_stage(Stage.WAITING, problem)
    return made


def pairing_failed() -> QWidget:
    """The assistant: it did not work."""
    made = _pairing()
    made.stack.blockSignals(True)
    made.stack.go_to(made.doing)
    made.stack.blockSignals(False)
    made.doing.show_way(HandOver.DISC, PROSPECT.file)
    made.doing.show_error(GuestError("guest.vm-off", vm="debian-12"))
    return made


def pairing_proof() -> QWidget:
    """The assistant: it works."""
    made = _pairing()
    made.proof.show_proof(PROOF)
    made.stack.go_to(made.proof)
    return made


SCENES = {
    "bridge-applications": applications,
    "bridge-sharing": sharing,
    "bridge-activity": activity,
    "bridge-permissions": permissions,
    "bridge-health": health,
    "bridge-ill": ill,
    "bridge-picture": picture_taken,
    "bridge-sending": sending,
    "bridge-carrying": carrying,
    "bridge-sent": sent,
    "bridge-settings": settings,
    "bridge-off": off,
    "bridge-in-use": in_use,
    "bridge-standing-back": standing_back,
    "bridge-by-hand": by_hand,
    "bridge-not-set-up": not_set_up,
    "bridge-simulated": simulated,
    "bridge-nothing": nothing,
    "bridge-no-libvirt": no_libvirt,
    "bridge-power-off": power_off,
    "bridge-pairing-how": pairing_how,
    "bridge-pairing-file": pairing_file,
    "bridge-pairing-failed": pairing_failed,
    "bridge-pairing-proof": pairing_proof,
}
DATA = (
    "win11", "win10-old", "debian-12", "fedora", "win-sim", "Notepad", *_NAMES,
    "AM", "PM", "MiB", "KiB", "qemu:///system", PROSPECT.file.as_posix(), *GUEST_PLACES.values(),
    "GiB", FOUND.version, FOUND.wanted, "2026", "holiday.jpg", PRINT[:23],
    PROOF.version, PROOF.system, PROOF.hostname,
)  # fmt: skip
