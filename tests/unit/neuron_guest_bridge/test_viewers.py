"""Which program shows a machine's screen, and when a machine counts as starting."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.domains import ChannelState, Domain, Power
from libneuron.guest.state import State
from neuron_guest_bridge import words
from neuron_guest_bridge.boots import PATIENCE, Boots
from neuron_guest_bridge.machines import Act, Machine
from neuron_guest_bridge.screens import Screens
from neuron_guest_bridge.viewers import PROGRAMS, Viewer, choose, command

UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"
ALL = frozenset(PROGRAMS.values())
DOMAIN = Domain(
    UUID, "win'; reboot", Power.RUNNING, True, ChannelState.MISSING, None, False, False, False, None, ()
)  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "looking_glass", "installed", "found"),
    [
        (Viewer.BEST, True, ALL, Viewer.LOOKING_GLASS),
        (Viewer.BEST, False, ALL, Viewer.VIRT_VIEWER),
        (Viewer.BEST, True, {"virt-viewer", "virt-manager"}, Viewer.VIRT_VIEWER),
        (Viewer.BEST, True, {"virt-manager"}, Viewer.VIRT_MANAGER),
        (Viewer.BEST, False, {"looking-glass-client"}, Viewer.NONE),
        (Viewer.LOOKING_GLASS, False, ALL, Viewer.LOOKING_GLASS),
        (Viewer.VIRT_MANAGER, True, {"virt-viewer"}, Viewer.NONE),
        (Viewer.NONE, True, ALL, Viewer.NONE),
    ],
)
def test_the_viewer_is_the_one_that_is_wanted_and_there(
    wanted: Viewer, looking_glass: bool, installed: set[str], found: Viewer
) -> None:
    assert choose(wanted, looking_glass=looking_glass, installed=installed.__contains__) is found


def test_the_words_name_the_machine_by_its_uuid() -> None:
    uri = "qemu+ssh://host/system?x=1&y=2"
    assert command(Viewer.VIRT_VIEWER, uri=uri, uuid=UUID)[-2:] == ("--", UUID)
    assert command(Viewer.VIRT_MANAGER, uri=uri, uuid=UUID)[1:3] == ("--connect", uri)
    assert command(Viewer.LOOKING_GLASS, uri=uri, uuid=UUID) == ("looking-glass-client",)


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A viewer on PATH that notes its words and stays until it is told to end; what it noted so far."""
    program, noted = tmp_path / "virt-viewer", tmp_path / "noted"
    os.mkfifo(tmp_path / "end")
    noted.touch()
    program.write_text(f'#!/bin/sh\necho "$*" >> {noted}\nread _ < {tmp_path}/end\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return lambda: noted.read_text().splitlines()


def test_one_window_is_opened_per_machine(opened: Callable[[], list[str]], tmp_path: Path) -> None:
    screens = Screens("test:///default", lambda: Viewer.VIRT_VIEWER)
    assert screens.show(DOMAIN)
    assert screens.show(DOMAIN)
    until(opened)
    assert screens.show(replace(DOMAIN, uuid="another"))
    until(lambda: len(opened()) == 2)
    (tmp_path / "end").write_text("all\nof them\n")

    def again() -> bool:
        screens.show(DOMAIN)
        return len(opened()) == 3

    until(again)
    (tmp_path / "end").write_text("the last\n")
    assert opened()[0] == f"--connect test:///default --wait --reconnect --uuid -- {UUID}"


def test_a_viewer_that_was_chosen_and_is_not_there_is_named() -> None:
    with pytest.raises(GuestError) as refused:
        Screens("test:///default", lambda: Viewer.LOOKING_GLASS).show(DOMAIN)
    assert refused.value.code == "guest.no-viewer"
    assert "looking-glass-client" in refused.value.sentence()


def test_who_wants_nothing_opened_gets_nothing() -> None:
    assert not Screens("test:///default", lambda: Viewer.NONE).show(DOMAIN)


def test_a_machine_counts_as_starting_until_it_answers_or_patience_ends() -> None:
    boots = Boots()
    assert not boots.look({"a": Power.RUNNING, "b": Power.OFF, "c": Power.PAUSED}, now=0)
    assert not boots.starting("a", now=0)  # it ran already when we came
    assert boots.look({"a": Power.RUNNING, "b": Power.RUNNING, "c": Power.RUNNING}, now=10)
    assert not boots.starting("c", now=10)  # it goes on where it was
    assert boots.starting("b", now=10 + PATIENCE - 1)
    assert not boots.starting("b", now=10 + PATIENCE)
    assert not boots.look({"b": Power.RUNNING}, now=20)
    boots.answered("b")
    assert not boots.starting("b", now=21)


def test_a_machine_that_is_switched_off_meanwhile_starts_no_longer() -> None:
    boots = Boots()
    boots.look({"a": Power.OFF}, now=0)
    boots.look({"a": Power.RUNNING}, now=1)
    boots.look({"a": Power.OFF}, now=2)
    assert not boots.starting("a", now=3)


@pytest.mark.parametrize("state", State)
def test_only_what_a_start_explains_is_called_starting(state: State) -> None:
    machine = Machine(
        "a", "a", Power.RUNNING, ChannelState.DISCONNECTED, paired=True, starting=True, state=state
    )
    quiet = state in (State.STOPPED, State.NO_VM, State.CONNECTING, State.AGENT_SILENT)
    assert (words.connection(machine).text == "Starting…") is quiet
    assert not (quiet and words.connection(machine).hint)


def test_a_screen_can_be_opened_where_there_is_a_viewer_and_the_machine_runs() -> None:
    machine = Machine("a", "a", Power.RUNNING, ChannelState.MISSING, paired=False, viewer=True)
    assert Act.SCREEN in machine.acts
    assert machine.acts[0] is Act.SHUTDOWN
    for other in (replace(machine, viewer=False), replace(machine, power=Power.OFF)):
        assert Act.SCREEN not in other.acts
