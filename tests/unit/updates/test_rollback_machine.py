"""The steps of a roll back, whatever the moment at which the power went."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from libneuron.updates.history import Rollback
from libneuron.updates.layout import Switch
from libneuron.updates.rollback_machine import Seen, Step, decide

OLD, NEW, HALF = "old", "new", "half"

PLANNED = Rollback(
    "2", datetime(2026, 1, 1, tzinfo=UTC), "@neuron/points/1", "point", "@", OLD, "@neuron/roots/2",
    Switch.EXCHANGE, ("home/user",), "1", False,
)  # fmt: skip


class Power(BaseException):
    """The power went."""


class Disk:
    """A model of journal and disk on which every effect may be the last one before the power goes."""

    def __init__(self, cuts: list[int]) -> None:
        self.rollback = PLANNED
        self.root, self.staged, self.running = OLD, None, OLD  # type: str, str | None, str
        self.nested = {"home/user": OLD}
        self.commits = 0
        self._cuts = list(cuts)
        self._effects = 0

    def effect(self) -> None:
        self._effects += 1
        if self._cuts and self._effects >= self._cuts[0]:
            self._cuts.pop(0)
            self._effects = 0
            raise Power

    def seen(self) -> Seen:
        left = tuple(name for name, place in self.nested.items() if place != self.root)
        return Seen(self.root, self.staged, self.running, left if self.root == NEW else ())

    def step(self, step: Step) -> None:
        self.effect()
        match step:
            case Step.DISCARD:
                self.staged = None
            case Step.PREPARE:
                self.staged = HALF
                self.effect()
                self.staged = NEW
                self.effect()
                self.rollback = replace(self.rollback, ready_uuid=NEW)
            case Step.COMMIT:
                self.root, self.staged = NEW, OLD
                self.commits += 1
            case Step.RECORD_COMMIT:
                self.rollback = replace(self.rollback, committed=True)
            case Step.MOVE_NESTED:
                self.nested["home/user"] = NEW
            case Step.VERIFY:
                self.rollback = replace(self.rollback, outcome="restored")
            case _:
                raise AssertionError(step)
        self.effect()


@settings(max_examples=300)
@given(cuts=st.lists(st.integers(1, 8), max_size=10))
def test_cuts_at_any_effect_end_restored_with_exactly_one_commit(cuts: list[int]) -> None:
    disk = Disk(cuts)
    for _ in range(200):
        assert disk.root in (OLD, NEW), "the next start always finds a whole system"
        step = decide(disk.rollback, disk.seen())
        if step is Step.DONE:
            break
        try:
            if step is Step.WAIT_FOR_RESTART:
                disk.running = disk.root
            else:
                disk.step(step)
        except Power:
            disk.running = disk.root
    assert disk.rollback.outcome == "restored"
    assert disk.commits == 1
    assert disk.nested == {"home/user": NEW}


def test_a_root_that_is_neither_old_nor_new_is_a_conflict_and_never_committed_over() -> None:
    ready = replace(PLANNED, ready_uuid=NEW)
    assert decide(ready, Seen("stranger", NEW, OLD, ())) is Step.CONFLICT
    assert decide(PLANNED, Seen("stranger", None, OLD, ())) is Step.CONFLICT


def test_a_prepared_root_that_was_swapped_for_another_is_not_committed() -> None:
    assert decide(replace(PLANNED, ready_uuid=NEW), Seen(OLD, "stranger", OLD, ())) is Step.CONFLICT


def test_nothing_is_verified_before_the_new_system_runs() -> None:
    committed = replace(PLANNED, ready_uuid=NEW, committed=True)
    assert decide(committed, Seen(NEW, OLD, OLD, ())) is Step.WAIT_FOR_RESTART
    assert decide(committed, Seen(NEW, OLD, NEW, ())) is Step.VERIFY
