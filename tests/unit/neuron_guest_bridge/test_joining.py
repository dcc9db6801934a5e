"""Pairing while the program runs, with a real agent: the proof, giving up, and what is left behind."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from libneuron.errors import Cancelled, NeuronError
from libneuron.guest.clipboard.rules import Direction
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor import opening
from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.state import State
from libneuron.guest.wire.events import DISPLAY_CHANGED, SESSION_CHANGED
from libneuron.guest.wire.requests import Permission
from libneuron.progress import Progress
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Clipboard
from libneuron.system.clock import RealClock
from libneuron.system.paths import below
from neuron_guest_bridge import joining, targets
from neuron_guest_bridge.activity import Line, What
from neuron_guest_bridge.cli import parser
from neuron_guest_bridge.fleet import Fleet
from neuron_guest_bridge.handing_over import HandOver
from neuron_guest_bridge.joining import Proof, Stage
from neuron_guest_bridge.machines import SIMULATED, Listeners, Machine, Snapshot


def _no_clipboard() -> Clipboard:
    raise ClipboardError("clipboard.unavailable")


def _no_libvirt(_uri: str) -> Hypervisor:
    raise GuestError("guest.no-libvirt-library")


class Home:
    """A fleet with the simulated machine, connected."""

    def __init__(self, folder: Path) -> None:
        self.snapshot = Snapshot()
        self._news = threading.Condition()
        self.fleet = Fleet(
            below(folder),
            uri="test:///default",
            clock=RealClock(),
            host_clipboard=_no_clipboard,
            simulated_name="Simulated",
        )
        self.fleet.start(Listeners(self.changed, self._happened))
        self.fleet.simulate()
        self.until(lambda machine: machine.ready)

    def changed(self, snapshot: Snapshot) -> None:
        with self._news:
            self.snapshot = snapshot
            self._news.notify_all()

    def _happened(self, line: Line) -> None:
        del line

    def until(self, holds: Callable[[Machine], bool]) -> None:
        """Until the simulated machine is so."""

        def now() -> bool:
            found = self.snapshot.find(SIMULATED)
            return found is not None and holds(found)

        with self._news:
            assert self._news.wait_for(now, 60), self.snapshot

    def pair(self, told: Callable[[Stage, NeuronError | None], None], progress: Progress) -> Proof:
        """Pair it by file."""
        return self.fleet.pair(SIMULATED, HandOver.FILE, add_channel=False, told=told, progress=progress)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setattr(opening, "hypervisor", _no_libvirt)
    made = Home(tmp_path)
    yield made
    made.fleet.close()


def _progress() -> Progress:
    return Progress(clock=time.monotonic)


def test_forgotten_keys_connect_no_more_and_pairing_anew_ends_with_an_answer(home: Home) -> None:
    home.fleet.forget(SIMULATED)
    home.until(lambda machine: not machine.paired and not machine.ready and machine.wants_pairing)
    with pytest.raises(GuestError):
        home.fleet.modes(SIMULATED)
    stages: list[Stage] = []
    proof = home.pair(lambda stage, _problem: stages.append(stage), _progress())
    assert list(dict.fromkeys(stages)) == [Stage.PREPARING, Stage.WAITING, Stage.PROVING]
    assert (proof.version, proof.hostname) == ("0.1.0", "simulated-guest")
    assert proof.ms > 0
    home.until(lambda machine: machine.ready and machine.paired)
    assert not home.fleet.prospect(SIMULATED).file.exists()  # spent


def test_a_paired_machine_is_paired_anew_while_it_is_connected(home: Home) -> None:
    home.pair(lambda _stage, _problem: None, _progress())
    home.until(lambda machine: machine.ready)


def test_giving_up_leaves_no_key_and_no_file_behind(home: Home) -> None:
    home.fleet.forget(SIMULATED)
    file = home.fleet.prospect(SIMULATED).file
    progress = _progress()
    handed: list[bool] = []

    def told(stage: Stage, _problem: NeuronError | None) -> None:
        if stage is Stage.WAITING:
            handed.append(file.exists())
            progress.cancel()

    with pytest.raises(Cancelled):
        home.pair(told, progress)
    assert handed[0]
    home.until(lambda machine: not machine.paired)
    assert not file.exists()


def test_what_is_no_longer_allowed_is_refused_at_once(home: Home) -> None:
    assert home.fleet.screenshot(SIMULATED).width == 1280
    home.fleet.permit(SIMULATED, Permission.SCREENSHOT, on=False)
    with pytest.raises(GuestError) as refused:
        home.fleet.screenshot(SIMULATED)
    assert refused.value.code == "guest.not-permitted"
    home.until(lambda machine: Permission.SCREENSHOT not in machine.allowed)
    home.fleet.permit(SIMULATED, Permission.SCREENSHOT, on=True)
    assert home.fleet.screenshot(SIMULATED).width == 1280


def test_changes_at_the_same_moment_do_not_undo_each_other(home: Home) -> None:
    off = (Permission.SCREENSHOT, Permission.POWER, Permission.LAUNCH, Permission.CLIPBOARD_OUT)
    threads = [
        threading.Thread(target=home.fleet.permit, args=(SIMULATED, item), kwargs={"on": False})
        for item in off
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    home.until(lambda machine: not set(off) & machine.allowed)


def test_a_menu_entry_starts_what_it_names_and_goes_with_the_keys(home: Home, tmp_path: Path) -> None:
    assert home.fleet.export_menu(SIMULATED) == 3
    home.until(lambda machine: machine.in_menu)
    entries = sorted((tmp_path / "applications").iterdir())
    line = next(
        line
        for entry in entries
        for line in entry.read_text().splitlines()
        if line.startswith("Exec=") and '"--app=notes"' in line
    )
    words = shlex.split(line.removeprefix("Exec=").replace(" %U", ""))[1:]
    options = parser().parse_args([*words, "https://example.org/"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(targets, "paths", lambda: below(tmp_path))
        assert options.verb(options).data["pid"] > 0
        with pytest.raises(GuestError) as refused:
            options = parser().parse_args([*words, "file:///home/ada/x.txt"])
            options.verb(options)
        assert refused.value.code == "guest.file-elsewhere"
    titles = [window.title for window in home.fleet.ask(SIMULATED, lambda api: api.windows())]
    assert titles == ["Notes (simulated) https://example.org/"]
    home.fleet.forget(SIMULATED)
    home.until(lambda machine: not machine.in_menu)
    assert [path for path in tmp_path.rglob("*") if path.suffix in (".desktop", ".png")] == []


def test_what_was_started_last_is_told_with_the_machine(home: Home) -> None:
    for path in ("notes", "paint"):
        home.fleet.launch(SIMULATED, path, path)
    home.until(lambda machine: machine.recent == ("paint", "notes"))


def test_while_the_screen_is_locked_no_copies_cross_and_it_is_shown(home: Home) -> None:
    link = home.fleet._links[SIMULATED]

    def tell(session: str) -> None:
        home.fleet.io.loop.call_soon_threadsafe(link._event, SESSION_CHANGED, {"session": session})

    home.until(lambda machine: machine.session == "active")  # the agent's own word comes first
    assert link._rules().direction is Direction.BOTH
    tell("locked")
    home.until(lambda machine: machine.locked)
    assert link._rules().direction is Direction.OFF
    assert [line.what for line in home.fleet.lines] == [What.LOCKED]
    tell("nonsense")
    tell("active")
    home.until(lambda machine: not machine.locked)
    assert link._rules().direction is Direction.BOTH
    assert [line.what for line in home.fleet.lines] == [What.LOCKED, What.UNLOCKED]


def test_when_somebody_signs_in_what_nobody_was_there_to_take_is_offered_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = home.fleet._links[SIMULATED]
    home.until(lambda machine: machine.session == "active")
    applied: list[str] = []
    monkeypatch.setattr(link, "_apply_rules", lambda: applied.append(link.session))
    for session in ("none", "active"):
        home.fleet.io.loop.call_soon_threadsafe(link._event, SESSION_CHANGED, {"session": session})
        home.until(lambda machine, session=session: machine.session == session)  # type: ignore[misc]
    assert applied == ["none", "active"]


def test_a_channel_in_use_is_asked_for_once_a_second_however_much_is_told() -> None:
    kicks: list[float] = []

    class Busy:
        state = State.IN_USE
        problem = None

        def kick(self) -> None:
            kicks.append(time.monotonic())

    class Waiting:
        vm = "vm"
        rounds = 0
        store = SimpleNamespace(candidates=lambda _vm: ("enrol",))

        def connection(self) -> Busy:
            return Busy()

        def wait(self, _seconds: float) -> None:
            """News at once: the attempt that was asked for has failed again."""
            self.rounds += 1
            if self.rounds == 1000:
                raise GuestError("guest.agent-silent", vm=self.vm)

    began = time.monotonic()
    with pytest.raises(GuestError):
        joining._joined(cast(Any, Waiting()), lambda _stage, _problem: None, _progress())
    assert len(kicks) <= 1 + time.monotonic() - began


def test_a_guest_that_tells_without_end_is_heard_now_and_then(home: Home) -> None:
    link = home.fleet._links[SIMULATED]
    heard: list[Snapshot] = []

    def changed(snapshot: Snapshot) -> None:
        heard.append(snapshot)
        home.changed(snapshot)

    home.fleet._listeners = Listeners(changed, lambda _line: None)

    async def flood() -> None:
        for number in range(5000):
            link._event(DISPLAY_CHANGED, {"width": number, "height": 600})
            link._event(SESSION_CHANGED, {"session": "active" if number % 2 else "locked"})
        link._event(SESSION_CHANGED, {"session": "locked"})

    home.fleet.io.wait(flood())
    home.until(lambda machine: machine.locked)
    home.fleet.ask(SIMULATED, lambda api: api.ping())
    assert link.locked
    assert len(heard) < 20
    assert len(home.fleet.lines) < 10


def test_a_display_that_cannot_be_is_not_shown(home: Home) -> None:
    link = home.fleet._links[SIMULATED]

    async def tell() -> None:
        for width in (10**4000, -1, 0, True, "7", None, 1 << 17):
            link._event(DISPLAY_CHANGED, {"width": width, "height": 600})

    home.fleet.io.wait(tell())
    assert link.screen is None or link.screen.width == 1280


def test_a_change_of_the_display_is_told_to_whoever_shows_it(home: Home) -> None:
    kinds: list[str] = []
    heard = home.fleet._links[SIMULATED]._event
    client = home.fleet._links[SIMULATED].client

    def event(kind: str, data: Mapping[str, Any]) -> None:
        kinds.append(kind)
        heard(kind, data)

    client._on_event = event
    home.fleet.resize(SIMULATED, 1920, 1080)
    home.fleet.resize(SIMULATED, 1024, 768)
    home.fleet.ask(SIMULATED, lambda api: api.ping())
    assert DISPLAY_CHANGED in kinds
