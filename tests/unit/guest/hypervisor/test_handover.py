"""A file through qemu-ga: the guest's own words are not believed."""

from __future__ import annotations

import base64
from typing import Any, cast

import libvirt
import pytest

from libneuron.guest.hypervisor import handover
from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.hypervisor.domains import Domain, Power, describe
from libneuron.guest.hypervisor.errors import HypervisorError, refused

_XML = "<domain><name>win11</name><uuid>9c2a</uuid><devices/></domain>"
_DOMAIN: Domain = describe(live=None, config=_XML, power=Power.RUNNING)
_NOBODY = cast(Hypervisor, None)  # the guest agent below answers in its place


class GuestAgent:
    """Answers each write with ``counts`` in turn, and keeps as much as it says."""

    def __init__(self, *counts: object) -> None:
        self.counts = list(counts)
        self.kept = b""
        self.closed = False

    def ask(self, _hypervisor: Hypervisor, _domain: Domain, command: str, **arguments: Any) -> Any:
        self.closed = command == "guest-file-close"
        if command != "guest-file-write":
            return 7
        count = self.counts.pop(0)
        if isinstance(count, int):
            self.kept += base64.b64decode(arguments["buf_b64"])[:count]
        return {"count": count}


def test_what_the_guest_took_only_in_part_is_sent_on(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = GuestAgent(2, 1)
    monkeypatch.setattr(handover, "ask", agent.ask)
    handover.write_file(_NOBODY, _DOMAIN, "/x", b"abc")
    assert agent.kept == b"abc"


@pytest.mark.parametrize("count", [0, -1, 4, "3", None, True])
def test_a_guest_that_takes_nothing_or_more_than_there_was_is_refused(
    monkeypatch: pytest.MonkeyPatch, count: object
) -> None:
    agent = GuestAgent(count)
    monkeypatch.setattr(handover, "ask", agent.ask)
    with pytest.raises(HypervisorError) as refused:
        handover.write_file(_NOBODY, _DOMAIN, "/x", b"abc")
    assert refused.value.code == "guest.guest-agent-refused"
    assert agent.closed


def test_what_went_wrong_first_is_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(_hypervisor: Hypervisor, _domain: Domain, command: str, **_arguments: Any) -> Any:
        if command == "guest-file-open":
            return 7
        raise HypervisorError("guest.guest-agent-refused", vm="win11", problem=command)

    monkeypatch.setattr(handover, "ask", ask)
    with pytest.raises(HypervisorError, match="guest-file-write"):
        handover.write_file(_NOBODY, _DOMAIN, "/x", b"abc")


def test_what_the_guests_agent_says_in_an_error_stays_a_sentence() -> None:
    """libvirt repeats it: up to 10 MB, which a window would lay out for minutes, and any character."""
    said = "unable to execute: \x1b]0;title\x07\u202egnp.exe\n" + "x" * 1_000_000
    error = libvirt.libvirtError("call failed")
    error.args = (said,)
    error.err = (libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_FROM_QEMU, said, 2, said, None, None, -1, -1)
    for found in (
        handover._why(error, _DOMAIN, "qemu:///system"),
        refused(error, vm="win11", uri="qemu:///system"),
    ):
        shown = f"{found.sentence()}{found.hint()}{found.details}"
        assert "unable to execute" in shown
        assert len(shown) < 10_000
        assert all(char.isprintable() for char in found.sentence())
