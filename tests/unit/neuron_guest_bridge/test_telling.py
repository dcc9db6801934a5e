"""What is worth a notification, and what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from libneuron.guest.hypervisor.domains import ChannelState, Power
from libneuron.guest.state import State
from neuron_guest_bridge.activity import Line, Way, What
from neuron_guest_bridge.machines import Machine, Snapshot
from neuron_guest_bridge.telling import Calm, Troubles, is_news

WELL = Machine("1", "win11", Power.RUNNING, ChannelState.CONNECTED, paired=True, state=State.READY)


def _line(what: What, detail: str = "") -> Line:
    return Line(datetime(2026, 3, 4, tzinfo=UTC), "win11", what, Way.TO_HOST, detail=detail)


def test_a_machine_that_worked_and_then_waits_for_somebody_is_told_once() -> None:
    troubles = Troubles()
    refused = replace(WELL, state=State.NOT_PAIRED)
    assert troubles.new(Snapshot((refused,))) == ()  # it never worked: the window says what to do
    assert troubles.new(Snapshot((WELL,))) == ()
    assert troubles.new(Snapshot((refused,))) == (refused,)
    assert troubles.new(Snapshot((refused,))) == ()
    assert troubles.new(Snapshot((WELL,))) == ()
    assert troubles.new(Snapshot((refused,))) == (refused,)


def test_a_machine_that_restarts_is_no_news() -> None:
    troubles = Troubles()
    troubles.new(Snapshot((WELL,)))
    for state in (State.CONNECTING, State.AGENT_SILENT, State.NO_VM):
        assert troubles.new(Snapshot((replace(WELL, state=state),))) == ()


def test_copies_that_stayed_behind_are_news_and_cancelled_ones_are_not() -> None:
    assert is_news(_line(What.COPY_WITHHELD, "secret"))
    assert is_news(_line(What.COPY_FAILED, "clipboard.owner-silent"))
    assert not is_news(_line(What.COPY_FAILED, "cancelled"))
    assert not is_news(_line(What.COPY_CROSSED))


def test_what_a_guest_has_told_without_end_is_told_now_and_then() -> None:
    now = [100.0]
    calm = Calm(lambda: now[0])
    assert calm.may("Clipboard", "1")
    assert not any(calm.may("Clipboard", "1") for _ in range(1000))
    assert calm.may("win11 needs you", "1")  # the one does not hide the other
    assert calm.may("Clipboard", "2")
    now[0] += 11
    assert calm.may("Clipboard", "1")
