"""The check-up: what is judged good, what is not, what helps, and what was not looked at."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from libneuron.guest.checkup import Check, Facts, Remedy, Topic, judge
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.domains import ChannelState

WELL = Facts(
    "win11",
    running=True,
    channel=ChannelState.CONNECTED,
    keys=True,
    milliseconds=1.5,
    version="0.10.0",
    wanted="0.9.1",
    session="active",
    sharing=True,
    can_follow=True,
)


def _of(facts: Facts, topic: Topic) -> Check:
    return next(check for check in judge(facts) if check.topic is topic)


def test_a_machine_that_is_well_passes_every_check() -> None:
    checks = judge(WELL)
    assert [check.topic for check in checks] == list(Topic)
    assert all(check.ok and check.remedy is None for check in checks)
    assert _of(WELL, Topic.AGENT).result() == "It answered within 1.5 ms."


def test_after_the_first_trouble_nothing_is_claimed() -> None:
    checks = judge(replace(WELL, running=False))
    assert [check.ok for check in checks] == [True, False, *[None] * 7]
    assert checks[1].remedy is Remedy.START
    assert "Not checked" in checks[2].result()


def test_each_trouble_names_what_helps() -> None:
    refused = GuestError("guest.pairing-refused", vm="win11")
    silent = GuestError("guest.agent-silent", vm="win11")
    for facts, topic, remedy in (
        (replace(WELL, libvirt=GuestError("guest.no-libvirt", uri="x")), Topic.LIBVIRT, Remedy.LOOK),
        (replace(WELL, channel=ChannelState.MISSING), Topic.CHANNEL, Remedy.PAIR),
        (replace(WELL, channel=ChannelState.NEEDS_RESTART), Topic.CHANNEL, None),
        (replace(WELL, keys=False), Topic.KEYS, Remedy.PAIR),
        (replace(WELL, connection=refused), Topic.AGENT, Remedy.PAIR),
        (replace(WELL, connection=silent), Topic.AGENT, Remedy.LOOK),
        (replace(WELL, version="0.9.0"), Topic.VERSION, Remedy.PAIR),
        (replace(WELL, session="locked"), Topic.SESSION, None),
        (replace(WELL, rival=True), Topic.CLIPBOARD, Remedy.SHARE),
        (replace(WELL, sharing=False), Topic.CLIPBOARD, None),
        (replace(WELL, can_follow=False), Topic.DISPLAY, None),
    ):
        check = _of(facts, topic)
        assert (check.ok, check.remedy) == (False, remedy), topic


def test_troubles_of_the_desktop_stand_side_by_side() -> None:
    checks = judge(replace(WELL, session="locked", rival=True, can_follow=False))
    assert [check.topic for check in checks if check.ok is False] == [
        Topic.SESSION,
        Topic.CLIPBOARD,
        Topic.DISPLAY,
    ]


def test_what_was_not_looked_at_is_left_out() -> None:
    found = judge(Facts("win11", by_libvirt=False, keys=True, milliseconds=1.0, session="active"))
    assert [check.topic for check in found] == [Topic.KEYS, Topic.AGENT, Topic.SESSION]


@given(st.text(max_size=20))
def test_no_version_that_a_machine_claims_breaks_the_check_up(version: str) -> None:
    assert _of(replace(WELL, version=version), Topic.VERSION).result()
