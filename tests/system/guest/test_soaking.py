"""The soak's verdict, without a machine."""

from __future__ import annotations

import pytest

from tests.system.guest.soaking import Moment, judged


def test_what_takes_longer_than_the_bound_fails_unless_this_computer_withheld_it() -> None:
    with judged("a kind one") as record:
        record.add(Moment(10.0, {}), ready=11.9, stall=0.0)
        record.add(Moment(10.0, {}), ready=14.0, stall=2.1)
    with pytest.raises(AssertionError, match=r"2: 2\.10 s"), judged("a slow one") as record:
        record.add(Moment(10.0, {}), ready=11.0, stall=0.0)
        record.add(Moment(10.0, {}), ready=12.5, stall=0.4)


def test_what_happens_meanwhile_is_told_before_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TimeoutError), judged("one that breaks") as record:
        record.add(Moment(10.0, {}), ready=15.0, stall=0.0)
        raise TimeoutError("the agent does not come")
    assert "5.00" in capsys.readouterr().out
