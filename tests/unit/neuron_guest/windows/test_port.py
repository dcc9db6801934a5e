"""What the port's failures mean, and how long to wait after them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuron_guest.platform.windows.port import Reaction, back_off, reaction


@pytest.mark.parametrize("code", [1450, 552, 121])
def test_no_host_is_waited_for_with_the_port_open(code: int) -> None:
    assert reaction(code) is Reaction.WAIT


@pytest.mark.parametrize("code", [5, 6, 22, 31, 38, 995, 1167])
def test_a_port_that_went_away_is_opened_again(code: int) -> None:
    assert reaction(code) is Reaction.REOPEN


@given(st.integers(0, 10_000))
def test_waiting_grows_to_one_second_and_never_spins(attempt: int) -> None:
    assert 0.05 <= back_off(attempt) <= back_off(attempt + 1) <= 1.0
