"""The guest follows the window: once per pause, to the nearest mode it accepts, and back at the end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libneuron.guest.resolution import (
    DEBOUNCE,
    Action,
    Answered,
    Closed,
    Event,
    Follower,
    Overruled,
    Resized,
    Say,
    SetMode,
    Size,
    StandBack,
    Tick,
    WakeAt,
    nearest,
    shared_memory_mib,
)

HD, QHD, UHD, SVGA = Size(1920, 1080), Size(2560, 1440), Size(3840, 2160), Size(800, 600)
MODES = (SVGA, HD, QHD, UHD)


def _follower(*, memory_mib: int | None = None) -> Follower:
    return Follower(modes=MODES, current=HD, memory_mib=memory_mib)


def _settled(follower: Follower, size: Size, at: float) -> list[Action]:
    follower.handle(Resized(size, at))
    return follower.handle(Tick(at + DEBOUNCE))


@pytest.mark.parametrize(
    ("size", "hdr", "mib"),
    [
        (HD, False, 32),
        (HD, True, 64),
        (QHD, False, 64),
        (QHD, True, 128),
        (UHD, False, 128),
        (UHD, True, 256),
    ],
)
def test_shared_memory_is_looking_glass_own_table(size: Size, hdr: bool, mib: int) -> None:
    assert shared_memory_mib(size, hdr=hdr) == mib


def test_the_nearest_mode_is_the_largest_that_fits_inside_the_window() -> None:
    assert nearest(MODES, Size(2000, 1200), memory_mib=None) == HD
    assert nearest(MODES, Size(300, 200), memory_mib=None) == SVGA
    assert nearest(MODES, UHD, memory_mib=64) == QHD
    assert nearest(MODES, UHD, memory_mib=8) is None


def test_a_hundred_resizes_ask_the_guest_once() -> None:
    follower = _follower()
    for step in range(100):
        actions = follower.handle(Resized(Size(1000 + step * 20, 1500), step * 0.01))
        assert actions == [WakeAt(step * 0.01 + DEBOUNCE)]
    assert follower.handle(Tick(0.99 + DEBOUNCE)) == [SetMode(QHD)]


def test_a_tick_that_comes_early_waits_for_the_rest() -> None:
    follower = _follower()
    follower.handle(Resized(QHD, 10.0))
    assert follower.handle(Tick(10.1)) == [WakeAt(10.0 + DEBOUNCE)]


def test_nothing_is_asked_while_an_answer_is_out() -> None:
    follower = _follower()
    assert _settled(follower, QHD, 0) == [SetMode(QHD)]
    assert _settled(follower, UHD, 1) == []
    assert follower.handle(Answered(QHD, done=True, at=2)) == [SetMode(UHD, instead_of=QHD)]


def test_a_window_that_already_fits_changes_nothing() -> None:
    assert _settled(_follower(), HD, 0) == []


def test_closing_the_window_gives_the_person_their_own_mode_back() -> None:
    follower = _follower()
    _settled(follower, UHD, 0)
    follower.handle(Answered(UHD, done=True, at=1))
    assert follower.handle(Closed(2)) == [SetMode(HD, restore=True, instead_of=UHD)]
    assert follower.handle(Answered(HD, done=True, at=3)) == []


def test_closing_before_the_answer_restores_after_it() -> None:
    follower = _follower()
    _settled(follower, UHD, 0)
    assert follower.handle(Closed(1)) == []
    assert follower.handle(Answered(UHD, done=True, at=2)) == [SetMode(HD, restore=True, instead_of=UHD)]


def test_a_window_opened_again_while_restoring_keeps_the_persons_own_mode() -> None:
    follower = _follower()
    _settled(follower, UHD, 0)
    follower.handle(Answered(UHD, done=True, at=1))
    follower.handle(Closed(2))
    follower.handle(Resized(QHD, 2.1))
    follower.handle(Answered(HD, done=True, at=2.2))
    assert follower.handle(Tick(2.1 + DEBOUNCE)) == [SetMode(QHD, instead_of=HD)]
    follower.handle(Answered(QHD, done=True, at=3))
    assert follower.handle(Closed(4)) == [SetMode(HD, restore=True, instead_of=QHD)]


def test_a_refused_mode_is_told_and_not_asked_again() -> None:
    follower = _follower()
    _settled(follower, UHD, 0)
    actions = follower.handle(Answered(HD, done=False, at=1))
    assert actions == [Say(StandBack.REFUSED), SetMode(QHD, instead_of=HD)]


def test_a_guest_that_refuses_its_own_old_mode_is_left_alone() -> None:
    follower = _follower()
    _settled(follower, UHD, 0)
    follower.handle(Answered(UHD, done=True, at=1))
    follower.handle(Closed(2))
    assert follower.handle(Answered(UHD, done=False, at=3)) == [Say(StandBack.REFUSED)]
    assert follower.handle(Tick(9)) == []


def test_too_little_shared_memory_is_told_with_the_mib_needed() -> None:
    follower = _follower(memory_mib=64)
    assert _settled(follower, UHD, 0) == [Say(StandBack.MEMORY, 128), SetMode(QHD)]


def test_no_mode_at_all_is_told_once() -> None:
    follower = _follower(memory_mib=4)
    assert _settled(follower, UHD, 0) == [Say(StandBack.NO_MODE, 16)]
    assert _settled(follower, QHD, 9) == []


def test_a_message_goes_when_its_reason_goes() -> None:
    follower = _follower(memory_mib=64)
    _settled(follower, UHD, 0)
    follower.handle(Answered(QHD, done=True, at=1))
    assert _settled(follower, SVGA, 2) == [Say(None), SetMode(SVGA, instead_of=QHD)]
    follower.handle(Answered(SVGA, done=True, at=3))
    assert _settled(follower, UHD, 4)[0] == Say(StandBack.MEMORY, 128)
    follower.handle(Answered(QHD, done=True, at=5))
    assert follower.handle(Closed(6))[0] == Say(None)


def test_the_persons_own_mode_is_the_one_the_guest_had_when_the_window_opened() -> None:
    follower = _follower()
    _settled(follower, UHD, 0)
    follower.handle(Answered(UHD, done=True, at=1, before=SVGA))
    assert follower.handle(Closed(2)) == [SetMode(SVGA, restore=True, instead_of=UHD)]


def test_somebody_else_who_changes_the_mode_is_left_the_job_for_good() -> None:
    follower = _follower()
    _settled(follower, UHD, 0)
    follower.handle(Answered(UHD, done=True, at=1))
    assert _settled(follower, QHD, 2) == [SetMode(QHD, instead_of=UHD)]
    assert follower.handle(Overruled(3)) == [Say(StandBack.OTHER_OWNER)]
    assert _settled(follower, HD, 4) == []
    assert follower.handle(Closed(5)) == [], "nor is an older mode brought back"


def _events() -> st.SearchStrategy[list[tuple[str, Size, float, bool]]]:
    sizes = st.builds(Size, st.integers(1, 8000), st.integers(1, 8000))
    step = st.tuples(
        st.sampled_from(["resize", "close", "tick", "answer"]),
        sizes,
        st.floats(0, 1, allow_nan=False),
        st.booleans(),
    )
    return st.lists(step, max_size=60)


@given(_events(), st.sampled_from([None, 4, 32, 64, 512]))
def test_whatever_happens_one_request_at_a_time_and_the_end_is_right(
    steps: Sequence[tuple[str, Size, float, bool]], memory: int | None
) -> None:
    follower = _follower(memory_mib=memory)
    now, out, mode, refused = 0.0, None, HD, False
    for kind, size, pause, flag in steps:
        now += pause
        made: dict[str, Event] = {
            "resize": Resized(size, now),
            "close": Closed(now),
            "tick": Tick(now),
        }
        if kind == "answer":
            if out is None:
                continue
            refused = refused or not flag
            mode = out if flag else mode
            out = None
            event: Event = Answered(mode, done=flag, at=now)
        else:
            event = made[kind]
        asked = [action for action in follower.handle(event) if isinstance(action, SetMode)]
        assert len(asked) <= 1
        if asked:
            assert out is None, "asked again before the answer"
            out = asked[0].mode
            assert out in MODES
            assert asked[0].restore or memory is None or shared_memory_mib(out) <= memory
    pending: list[Event] = [Answered(out, done=True, at=now)] if out else []
    mode = out or mode
    last = [*pending, Closed(now)]
    actions = [action for event in last for action in follower.handle(event)]
    for _ in range(3):
        for action in actions:
            if isinstance(action, SetMode):
                mode = action.mode
                actions = follower.handle(Answered(mode, done=True, at=now))
    assert refused or mode == HD
