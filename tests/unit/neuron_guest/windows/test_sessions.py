"""The helper follows the person: each rule, and a machine of random changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neuron_guest.platform.windows import sessions
from neuron_guest.platform.windows.sessions import Session, Start, State, Stop

ANN = Session(1, 0, "ann")
BEN = Session(2, 0, "ben")
BEN_AWAY = Session(2, 4, "ben")
ANN_AWAY = Session(1, 4, "ann")
SERVICES = Session(0, 4, "")
SIGN_IN_SCREEN = Session(3, 0, "")


def test_signing_in_starts_a_helper_there() -> None:
    state, actions = sessions.changed(State(), [SERVICES, ANN], 1)
    assert actions == [Start(1, 0.0)]
    assert sessions.word(state) == "active"


def test_nobody_signed_in_needs_none() -> None:
    state, actions = sessions.changed(State(), [SERVICES, SIGN_IN_SCREEN], 3)
    assert not actions
    assert sessions.word(state) == "none"


def test_fast_user_switching_moves_it() -> None:
    state, _ = sessions.changed(State(), [ANN, BEN_AWAY], 1)
    state, actions = sessions.changed(state, [ANN_AWAY, BEN], 2)
    assert actions == [Stop(1), Start(2, 0.0)]
    assert state.helper == 2


def test_signing_out_ends_it() -> None:
    state, _ = sessions.changed(State(), [ANN], 1)
    state, actions = sessions.changed(state, [SERVICES, SIGN_IN_SCREEN], 3)
    assert actions == [Stop(1)]
    assert state.helper is None


def test_a_lock_is_told_and_keeps_the_helper() -> None:
    state, _ = sessions.changed(State(), [ANN], 1)
    state = sessions.notified(state, sessions.LOCK, 1)
    assert sessions.word(state) == "locked"
    state, actions = sessions.changed(state, [ANN], 1)
    assert not actions
    assert sessions.word(state) == "locked"
    assert sessions.word(sessions.notified(state, sessions.UNLOCK, 1)) == "active"


def test_the_lock_of_another_session_is_not_ours() -> None:
    state, _ = sessions.changed(State(), [ANN, BEN_AWAY], 1)
    assert sessions.word(sessions.notified(state, sessions.LOCK, 2)) == "active"


def test_the_console_goes_before_a_remote_session() -> None:
    assert sessions.chosen([ANN, BEN], 2) == BEN
    assert sessions.chosen([ANN, BEN], None) == ANN
    assert sessions.chosen([ANN_AWAY, BEN], 1) == BEN


def test_a_helper_that_dies_comes_back_later_each_time_and_at_once_after_it_worked() -> None:
    state, _ = sessions.changed(State(), [ANN], 1)
    delays = []
    for _ in range(9):
        state, actions = sessions.helper_ended(state, 1)
        assert isinstance(actions[0], Start)
        delays.append(actions[0].delay)
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    state, actions = sessions.helper_ended(sessions.helper_ready(state, 1), 1)
    assert actions == (Start(1, 0.5),)


def test_the_end_of_a_stopped_helper_starts_nothing() -> None:
    state, _ = sessions.changed(State(), [ANN], 1)
    state, _ = sessions.changed(state, [BEN], 2)
    assert sessions.helper_ended(state, 1) == (state, ())


SESSION = st.builds(
    Session, st.integers(0, 3), st.sampled_from([0, 1, 4]), st.sampled_from(["", "ann", "ben"]), st.booleans()
)
LISTS = st.lists(SESSION, max_size=4, unique_by=lambda session: session.number)


@given(
    st.lists(
        st.one_of(LISTS, st.tuples(st.integers(1, 8), st.integers(0, 3)), st.integers(0, 3)), max_size=20
    )
)
def test_never_two_helpers_and_never_one_in_session_0(steps: list[object]) -> None:
    state, running = State(), set[int]()

    def act(actions: object) -> None:
        for action in actions if isinstance(actions, (list, tuple)) else ():
            running.add(action.session) if isinstance(action, Start) else running.discard(action.session)

    for step in steps:
        match step:
            case list():
                state, actions = sessions.changed(state, step, 1)
                act(actions)
            case (int(kind), int(number)):
                state = sessions.notified(state, kind, number)
            case int(number):
                if number in running:
                    running.discard(number)
                    state, actions = sessions.helper_ended(state, number)
                    act(actions)
        assert running == ({state.helper} if state.helper is not None else set())
        assert 0 not in running
