"""Which copy is where: the bridge's decisions, as a specification and as a state machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libneuron.guest.clipboard import policy
from libneuron.guest.clipboard.events import (
    Action,
    Came,
    Claimed,
    Compare,
    Compared,
    Copied,
    Event,
    Gone,
    PutClaim,
    Record,
    Release,
    RivalsChanged,
    RulesChanged,
    Send,
    Served,
)
from libneuron.guest.clipboard.policy import State, decide
from libneuron.guest.clipboard.rules import Direction, Happened, Owner, Rival, Rules, Side
from libneuron.system.clipboard.model import ClipboardOffer
from libneuron.system.clipboard.targets import FILES, HTML, PNG, TEXT

HOST, GUEST = Side.HOST, Side.GUEST


def offer(number: int, *formats: str, **more: object) -> ClipboardOffer:
    return replace(ClipboardOffer(number, formats or (TEXT,)), **more)  # type: ignore[arg-type]


class Run:
    """Feeds events to the policy and keeps what it wanted."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.state = State("vm-1", rules or Rules())
        self.actions: tuple[Action, ...] = ()
        self.feed(
            Came(HOST), Copied(HOST, offer(1, formats=())), Came(GUEST), Copied(GUEST, offer(1, formats=()))
        )

    def feed(self, *events: Event) -> tuple[Action, ...]:
        """The actions of the last event."""
        for event in events:
            self.state, self.actions = decide(self.state, event)
        return self.actions

    def claims(self) -> list[PutClaim]:
        return [action for action in self.actions if isinstance(action, PutClaim)]

    def shared(self, side: Side, number: int, *formats: str) -> Run:
        """A copy on ``side`` that has been offered on the other."""
        [claim] = [a for a in self.feed(Copied(side, offer(number, *formats))) if isinstance(a, PutClaim)]
        self.feed(Claimed(side.other, claim.copy.serial, accepted=True))
        return self


@pytest.mark.parametrize("side", [HOST, GUEST])
def test_a_copy_is_offered_on_the_other_side_with_all_its_formats(side: Side) -> None:
    run = Run()
    run.feed(Copied(side, offer(2, HTML, TEXT)))
    [claim] = run.claims()
    assert (claim.side, claim.formats, claim.after) == (side.other, (HTML, TEXT), 1)
    assert run.feed(Claimed(side.other, claim.copy.serial, accepted=True)) == (
        Record(side, Happened.OFFERED, (HTML, TEXT)),
    )


def test_our_own_mark_is_never_offered_back() -> None:
    run = Run()
    assert run.feed(Copied(HOST, offer(2, origin="vm-1"))) == ()
    assert run.feed(Copied(GUEST, offer(2, origin="vm-1"))) == ()


def test_a_copy_out_of_another_vm_is_a_copy_like_any_other() -> None:
    run = Run()
    run.feed(Copied(HOST, offer(2, origin="vm-2")))
    assert [claim.side for claim in run.claims()] == [GUEST]


@pytest.mark.parametrize(
    ("direction", "crossing"),
    [
        (Direction.OFF, set()),
        (Direction.TO_GUEST, {HOST}),
        (Direction.TO_HOST, {GUEST}),
        (Direction.BOTH, {HOST, GUEST}),
    ],
)
def test_the_direction_decides_which_copies_are_announced(direction: Direction, crossing: set[Side]) -> None:
    for side in (HOST, GUEST):
        run = Run(Rules(direction=direction))
        run.feed(Copied(side, offer(2)))
        assert bool(run.claims()) == (side in crossing)
        assert not [action for action in run.actions if isinstance(action, Record)]


def test_a_secret_stays_where_it_is_and_the_person_is_told() -> None:
    run = Run()
    secret = offer(2, secret=True)
    assert run.feed(Copied(HOST, secret)) == (Record(HOST, Happened.WITHHELD, (TEXT,), "secret"),)
    assert run.feed(Send(HOST)) == (Record(HOST, Happened.WITHHELD, (TEXT,), "secret"),)


def test_an_allowed_secret_crosses_with_its_mark() -> None:
    run = Run(Rules(secrets=True))
    run.feed(Copied(HOST, offer(2, secret=True)))
    assert [claim.copy.secret for claim in run.claims()] == [True]


def test_only_allowed_formats_are_announced() -> None:
    run = Run(Rules(formats=frozenset({TEXT})))
    run.feed(Copied(HOST, offer(2, PNG, TEXT)))
    assert [claim.formats for claim in run.claims()] == [(TEXT,)]
    assert run.feed(Copied(HOST, offer(3, PNG))) == (Record(HOST, Happened.WITHHELD, (PNG,), "format"),)


def test_of_two_copies_at_the_same_time_the_hosts_wins() -> None:
    run = Run()
    [claim] = [a for a in run.feed(Copied(HOST, offer(2))) if isinstance(a, PutClaim)]
    assert run.feed(Copied(GUEST, offer(2))) == ()  # made before our claim arrived there
    run.feed(Claimed(GUEST, claim.copy.serial, accepted=False, code="clipboard.stale"))
    assert [(again.side, again.after) for again in run.claims()] == [(GUEST, 2)]


def test_a_refused_claim_waits_for_the_copy_that_was_faster_instead_of_asking_again_and_again() -> None:
    run = Run()
    [claim] = [a for a in run.feed(Copied(HOST, offer(2))) if isinstance(a, PutClaim)]
    assert run.feed(Claimed(GUEST, claim.copy.serial, accepted=False, code="clipboard.stale")) == ()
    run.feed(Copied(GUEST, offer(2)))
    assert [(again.side, again.copy.side, again.after) for again in run.claims()] == [(GUEST, HOST, 2)]


def test_a_host_copy_wins_over_a_claim_on_the_host_that_was_under_way() -> None:
    run = Run()
    [claim] = [a for a in run.feed(Copied(GUEST, offer(2))) if isinstance(a, PutClaim)]
    run.feed(Copied(HOST, offer(2)))
    assert [(again.side, again.copy.side) for again in run.claims()] == [(GUEST, HOST)]
    assert run.feed(Claimed(HOST, claim.copy.serial, accepted=False, code="clipboard.stale")) == ()


def test_a_manager_that_takes_over_without_our_mark_is_recognised_by_the_content() -> None:
    run = Run().shared(GUEST, 2, HTML, TEXT)
    serial = run.state.host.serial
    run.feed(Served(HOST, serial, TEXT))
    assert run.feed(Copied(HOST, offer(2, TEXT))) == (Compare(HOST, 2, TEXT),)
    assert run.feed(Compared(HOST, 2, same=True)) == ()
    run.feed(Copied(HOST, offer(3, TEXT)))
    run.feed(Compared(HOST, 3, same=False))
    assert [claim.side for claim in run.claims()] == [GUEST]


def test_files_that_were_pasted_in_the_guest_are_not_fetched_to_compare_them() -> None:
    """Addresses differ on both sides, so it would tell nothing; and a guest could have it done at will."""
    run = Run().shared(HOST, 2, FILES, TEXT)
    run.feed(Served(GUEST, run.state.guest.serial, FILES))
    run.feed(Copied(GUEST, offer(3, FILES)))
    assert not [action for action in run.actions if isinstance(action, Compare)]
    run = Run().shared(HOST, 2, FILES, TEXT)
    run.feed(Served(GUEST, run.state.guest.serial, FILES), Served(GUEST, run.state.guest.serial, TEXT))
    assert run.feed(Copied(GUEST, offer(3, FILES, TEXT))) == (Compare(GUEST, 3, TEXT),)


def test_a_late_comparison_says_nothing_about_a_newer_copy() -> None:
    run = Run().shared(GUEST, 2, TEXT)
    run.feed(Served(HOST, run.state.host.serial, TEXT), Copied(HOST, offer(2)), Copied(HOST, offer(3)))
    assert run.feed(Compared(HOST, 2, same=False)) == ()


def test_a_secret_is_not_even_read_to_compare_it() -> None:
    run = Run().shared(GUEST, 2, TEXT)
    run.feed(Served(HOST, run.state.host.serial, TEXT))
    run.feed(Copied(HOST, offer(2, secret=True)))
    assert not [action for action in run.actions if isinstance(action, Compare)]


def test_one_owner_at_a_time_and_the_person_can_switch() -> None:
    run = Run().shared(GUEST, 2, TEXT)
    assert run.feed(RivalsChanged(frozenset({Rival.SPICE}))) == (Release(HOST),)
    assert run.state.standing_back
    assert run.feed(Copied(HOST, offer(2))) == ()
    run.feed(RulesChanged(Rules(owner=Owner.BRIDGE)))
    assert [claim.side for claim in run.claims()] == [GUEST]


def test_looking_glass_owning_the_hosts_clipboard_is_a_rival_and_not_a_copy() -> None:
    run = Run()
    assert run.feed(Copied(HOST, offer(2, owner="looking-glass-client"))) == ()
    assert run.state.rivals == {Rival.LOOKING_GLASS}
    assert run.feed(Copied(GUEST, offer(2))) == ()


def test_sending_by_hand_ignores_the_direction() -> None:
    run = Run(Rules(direction=Direction.OFF))
    run.feed(Copied(GUEST, offer(2)), Copied(HOST, offer(2)))
    run.feed(Send(GUEST))
    assert [(claim.side, claim.copy.number) for claim in run.claims()] == [(HOST, 2)]
    assert policy.may_fetch(run.state, HOST, run.claims()[0].copy.serial, TEXT)
    assert run.feed(Send(HOST)) != ()


def test_switching_the_direction_off_takes_back_what_was_offered() -> None:
    run = Run().shared(HOST, 2, TEXT)
    serial = run.state.serial
    assert policy.may_fetch(run.state, GUEST, serial, TEXT)
    assert run.feed(RulesChanged(Rules(direction=Direction.TO_HOST))) == (Release(GUEST),)
    assert not policy.may_fetch(run.state, GUEST, serial, TEXT)
    run.feed(RulesChanged(Rules()))
    assert [claim.side for claim in run.claims()] == [GUEST]


def test_a_guest_that_appears_gets_the_hosts_copy_and_does_not_replace_it_by_its_old_one() -> None:
    run = Run()
    run.feed(Gone(GUEST), Copied(HOST, offer(2)), Came(GUEST))
    [claim] = run.claims()
    assert claim.side is GUEST
    run.feed(Claimed(GUEST, claim.copy.serial, accepted=True))
    assert run.feed(Copied(GUEST, offer(1))) == ()
    run.feed(Copied(GUEST, offer(2)))
    assert [later.side for later in run.claims()] == [HOST]


def test_a_copy_made_while_the_host_is_still_being_looked_at_is_offered_after_all() -> None:
    state = State("vm-1")
    events: list[Event] = [
        Came(HOST),
        Came(GUEST),
        Copied(GUEST, offer(1, origin="vm-1")),
        Copied(GUEST, offer(2)),
    ]
    for event in events:
        state, actions = decide(state, event)
    [claim] = [action for action in actions if isinstance(action, PutClaim)]
    state, actions = decide(state, Claimed(HOST, claim.copy.serial, accepted=False, code="clipboard.stale"))
    assert actions == ()
    for first in (offer(1), replace(offer(1), formats=())):
        _, actions = decide(state, Copied(HOST, first))
        assert [(claim.side, claim.after) for claim in actions if isinstance(claim, PutClaim)] == [(HOST, 1)]


@pytest.mark.parametrize("order", [(HOST, GUEST), (GUEST, HOST)])
def test_of_what_both_clipboards_already_hold_the_hosts_wins(order: tuple[Side, Side]) -> None:
    state = State("vm-1")
    events: list[Event] = [Came(HOST), Came(GUEST), *(Copied(side, offer(1)) for side in order)]
    for event in events:
        state, _ = decide(state, event)
    assert state.newest is not None
    assert state.newest.side is HOST


def test_a_guest_that_goes_takes_its_promises_along_but_not_what_was_pasted() -> None:
    run = Run().shared(GUEST, 2, TEXT)
    assert run.feed(Gone(GUEST)) == (Release(HOST),)
    run = Run().shared(GUEST, 2, TEXT)
    run.feed(Served(HOST, run.state.serial, TEXT))
    assert run.feed(Gone(GUEST)) == ()


def test_a_silent_owner_is_told_and_nothing_is_offered() -> None:
    run = Run()
    assert run.feed(Copied(HOST, offer(2, formats=(), silent=True))) == (
        Record(HOST, Happened.FAILED, (), "clipboard.owner-silent"),
    )


def test_a_claim_that_fails_is_told_and_made_again_when_it_may_succeed() -> None:
    run = Run()
    [claim] = [a for a in run.feed(Copied(HOST, offer(2))) if isinstance(a, PutClaim)]
    assert run.feed(Claimed(GUEST, claim.copy.serial, accepted=False, code="guest.timeout")) == (
        Record(HOST, Happened.FAILED, (TEXT,), "guest.timeout"),
    )
    [again] = run.feed(RulesChanged(run.state.rules))
    assert isinstance(again, PutClaim)
    assert again.copy == claim.copy


_sides = st.sampled_from(Side)
_offers = st.builds(
    ClipboardOffer,
    st.integers(0, 9),
    st.lists(st.sampled_from([TEXT, HTML, PNG, "x/y"]), max_size=3).map(tuple),
    st.booleans(),
    st.sampled_from(["", "vm-1", "vm-2"]),
    st.sampled_from(["", "xterm", "looking-glass-client"]),
    st.booleans(),
)
_rules = st.builds(
    Rules,
    st.sampled_from(Direction),
    st.frozensets(st.sampled_from([TEXT, HTML, PNG])),
    st.just(1000),
    st.booleans(),
    st.sampled_from(Owner),
)
_events = st.one_of(
    st.builds(Came, _sides),
    st.builds(Gone, _sides),
    st.builds(Copied, _sides, _offers),
    st.builds(Copied, _sides, _offers),
    st.builds(
        Claimed, _sides, st.integers(0, 9), st.booleans(), st.sampled_from(["", "clipboard.stale", "x"])
    ),
    st.builds(Served, _sides, st.integers(0, 9), st.sampled_from([TEXT, HTML])),
    st.builds(Compared, _sides, st.integers(0, 9), same=st.booleans()),
    st.builds(RulesChanged, _rules),
    st.builds(RivalsChanged, st.frozensets(st.sampled_from(Rival))),
    st.builds(Send, _sides),
)


@settings(max_examples=300)
@given(st.lists(_events, max_size=40))
def test_whatever_happens_the_rules_are_kept(events: list[Event]) -> None:
    state = State("vm-1")
    for event in events:
        before = state
        state, actions = decide(state, event)
        assert state.serial >= before.serial
        claims = [action for action in actions if isinstance(action, PutClaim)]
        assert len(claims) <= 1
        for claim in claims:
            assert claim.side is claim.copy.side.other
            assert claim.copy == state.newest
            assert state.of(claim.side).present
            assert set(claim.formats) <= state.rules.formats
            assert not claim.copy.secret or state.rules.secrets
            assert claim.copy.sent or state.rules.direction.allows(claim.copy.side)
            assert claim.copy.sent or not state.standing_back
            assert not (isinstance(event, Copied) and event.offer.origin == "vm-1")
        for action in actions:
            if isinstance(action, Compare):
                assert isinstance(event, Copied)
                assert not event.offer.secret
                assert action.mime in before.of(action.side).served
