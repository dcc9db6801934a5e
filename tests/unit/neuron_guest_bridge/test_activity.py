"""What the activity list keeps: a machine cannot push out what it has got."""

from __future__ import annotations

from datetime import UTC, datetime

from neuron_guest_bridge.activity import Line, Way, What, least


def _line(what: What) -> Line:
    return Line(datetime(2026, 3, 4, tzinfo=UTC), "win11", what, Way.TO_GUEST)


def test_what_a_machine_can_cause_alone_goes_first() -> None:
    lines = [_line(what) for what in (What.COPY_CROSSED, What.FILES_SENT, What.LOCKED, What.COPY_OFFERED)]
    assert least(lines) == 2
    del lines[2]
    assert least(lines) == 2
    del lines[2]
    assert least(lines) == 0
