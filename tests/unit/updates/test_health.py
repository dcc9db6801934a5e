"""Only what got worse counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from libneuron.updates.health import Outcome, Result, State, compare, results_from_json


def result(identity: str, state: State, *items: str, required: bool = True) -> Result:
    code = {State.OK: "ok", State.FAILED: "failed-units"}.get(state, "timeout")
    return Result(identity, identity, required, Outcome(state, code, items, {"seconds": 1}), 1.0)


def test_a_check_that_failed_before_in_the_same_way_is_no_regression() -> None:
    before = [result("units", State.FAILED, "old.service")]
    verdict = compare(before, [result("units", State.FAILED, "old.service")])
    assert verdict.healthy
    assert verdict.before_too == ("units",)


def test_a_second_failing_unit_beside_an_old_one_is_a_regression_and_is_named() -> None:
    before = [result("units", State.FAILED, "old.service")]
    verdict = compare(before, [result("units", State.FAILED, "old.service", "new.service")])
    assert not verdict.healthy
    assert verdict.worse[0].items == ("new.service",)


def test_a_wanted_check_that_got_worse_only_warns() -> None:
    verdict = compare([result("dns", State.OK)], [result("dns", State.FAILED, "x", required=False)])
    assert verdict.healthy
    assert [item.id for item in verdict.warnings] == ["dns"]


def test_a_required_check_that_can_no_longer_be_made_is_undecided_not_healthy() -> None:
    verdict = compare([result("libvirt", State.OK)], [result("libvirt", State.UNKNOWN)])
    assert verdict.undecided == ("libvirt",)
    assert not verdict.healthy
    assert verdict.regressions == ()


def test_a_check_that_could_not_be_made_before_either_is_not_held_against_the_update() -> None:
    assert compare([result("x", State.UNKNOWN)], [result("x", State.UNKNOWN)]).healthy


def test_a_failure_that_may_be_from_before_is_undecided_and_not_blamed_on_the_update() -> None:
    verdict = compare([result("kernel", State.UNKNOWN)], [result("kernel", State.FAILED, "vmlinuz-old")])
    assert verdict.undecided == ("kernel",)
    assert verdict.regressions == ()
    assert not verdict.healthy


def test_a_check_that_came_with_the_update_and_fails_is_a_regression() -> None:
    assert compare([], [result("new", State.FAILED, "a")]).regressions == ("new",)


def test_a_check_that_recovers_is_healthy() -> None:
    assert compare([result("units", State.FAILED, "a")], [result("units", State.OK)]).healthy


_results = st.lists(
    st.builds(
        lambda identity, state, items, required: result(
            identity, state, *(items if state is State.FAILED else ()), required=required
        ),
        st.sampled_from("abcdef"),
        st.sampled_from(State),
        st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, unique=True),
        st.booleans(),
    ),
    unique_by=lambda item: item.id,
)


@given(_results)
def test_nothing_is_worse_than_itself(results: list[Result]) -> None:
    verdict = compare(results, results)
    assert not verdict.worse
    assert not verdict.warnings


@given(_results, _results)
def test_saved_results_compare_like_the_originals(before: list[Result], after: list[Result]) -> None:
    saved = results_from_json([item.as_json() for item in before])
    assert compare(saved, after) == compare(before, after)
