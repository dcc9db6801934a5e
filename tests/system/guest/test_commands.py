"""The commands of the command line on a real machine with a person in it, through the channel's owner."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from libneuron.guest.hypervisor.channel import VmEndpoint
from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.permissions import DEFAULT, PermissionStore
from libneuron.guest.wire.requests import Permission
from libneuron.system.loop import LoopThread
from neuron_guest_bridge.reach import Direct, reach
from tests.system.conftest import NAME, PATIENCE
from tests.system.guest.bridge import Bridge
from tests.system.lab.domain import Domain
from tests.system.lab.shell import until

# Long until it was seen running as it is now.
pytestmark = [pytest.mark.vm]

_TITLE = "by command"
Run = Callable[..., Any]
"""See :meth:`Bridge.here`: the words of a command, and the status it ends with."""


@pytest.fixture(scope="module")
def person(signed_in: None, paired: Bridge, hypervisor: Hypervisor) -> Iterator[Run]:
    """The command line, with the session's helper there and a program that keeps the channel, as the tray."""
    del signed_in
    domain = hypervisor.domain(NAME)
    PermissionStore(paired.where.config / "guest").set(domain.uuid, DEFAULT | {Permission.FILES})
    with LoopThread() as io:
        endpoint = VmEndpoint(hypervisor, domain)
        with closing(reach(io, paired.where, domain.uuid, endpoint, timeout=PATIENCE)) as owner:
            assert isinstance(owner, Direct)
            owner.wait_ready(PATIENCE)
            until(
                lambda: paired.here("info", NAME)["session"] == "active",
                timeout=PATIENCE,
                what="the session's helper",
            )
            yield paired.here


def window_of(run: Run) -> dict[str, Any] | None:
    """The test's own window, as ``windows`` lists it."""
    found: list[dict[str, Any]] = run("windows", NAME)["windows"]
    return next((window for window in found if window["title"] == _TITLE), None)


def test_the_display_takes_another_mode_and_goes_back(person: Run) -> None:
    listed = person("resolution", NAME)
    before = listed["current"]
    other = next(
        mode
        for mode in listed["modes"]
        if (mode["width"], mode["height"]) != (before["width"], before["height"])
    )
    for mode in (other, before):
        size = f"{mode['width']}x{mode['height']}"
        assert person("resolution", NAME, size)["width"] == mode["width"]
        now = person("resolution", NAME)["current"]
        assert (now["width"], now["height"]) == (mode["width"], mode["height"])
    assert person("resolution", NAME, "641x357", status=1)["error"]["code"] == "guest.mode-refused"


def test_applications_windows_and_a_picture(person: Run, tmp_path: Path) -> None:
    assert isinstance(person("apps", NAME)["apps"], list)
    words = ("launch", NAME, "/usr/bin/xmessage", "--", "-title", _TITLE, "-bg", "red", "$(id) ';")
    assert person(*words)["pid"] > 0
    window = until(lambda: window_of(person), timeout=PATIENCE, what="the window")
    number = str(window["id"])
    assert person("focus", NAME, number) == {"window": window["id"]}
    picture = tmp_path / "picture.png"
    size = person("screenshot", NAME, str(picture))
    seen = subprocess.run(
        ["identify", "-format", "%w %h %k", str(picture)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert [int(side) for side in seen[:2]] == [size["width"], size["height"]]
    assert int(seen[2]) > 2
    assert person("close", NAME, number) == {"window": window["id"]}
    until(lambda: window_of(person) is None, timeout=PATIENCE, what="the window to close")
    assert person("close", NAME, number, status=1)["error"]["code"] == "guest.not-found"
    for absent in (("launch", NAME, "/no/such/program"), ("open", NAME, "/no/such/file")):
        assert person(*absent, status=1)["error"]["code"] == "guest.not-found"


def test_a_file_is_sent_and_opened(person: Run, guest: Domain, tmp_path: Path) -> None:
    # What a desktop's own opener is called; this desktop is too small to have one.
    opener = b'#!/bin/sh\ncp "$1" /tmp/opened.part && mv /tmp/opened.part /tmp/opened\n'
    guest.shell.write("/usr/local/bin/xdg-open", opener, mode=0o755)
    mine = tmp_path / "a 'file' $(id).txt"
    mine.write_text("sent by command")
    (address,) = person("send", NAME, str(mine))["uris"]
    assert person("open", NAME, unquote(urlsplit(address).path))
    until(
        lambda: guest.shell.sh("cat /tmp/opened || true") == "sent by command",
        timeout=PATIENCE,
        what="the opener",
    )


def test_a_machine_halts_and_goes_on(person: Run, hypervisor: Hypervisor) -> None:
    assert person("suspend", NAME)["power"] == "paused"
    assert person("start", NAME)["power"] == "running"
    assert person("ping", NAME)["ms"] > 0


def test_the_check_up_finds_everything_well(person: Run) -> None:
    found = person("doctor", NAME)
    assert [check for check in found["checks"] if not check["ok"]] == []
    assert found["ok"] is True


def test_a_locked_screen_is_told_and_keeps_its_copies(person: Run, guest: Domain) -> None:
    """logind's hint is what a desktop's own lock sets (org.freedesktop.login1(5), SetLockedHint)."""
    person("clipboard", "set", NAME, "before the lock")
    hint = (
        "id=$(sed -n s/^ACTIVE=//p /run/systemd/seats/seat0); "
        "path=$(busctl --system --json=short call org.freedesktop.login1 /org/freedesktop/login1 "
        "org.freedesktop.login1.Manager GetSession s $id | sed 's/.*\\[\"\\(.*\\)\"\\].*/\\1/'); "
        "busctl --system call org.freedesktop.login1 $path org.freedesktop.login1.Session SetLockedHint b "
    )
    guest.shell.sh(hint + "true")
    try:
        until(
            lambda: person("info", NAME)["session"] == "locked",
            timeout=PATIENCE,
            what="the lock",
            every=1,
        )
        error = person("clipboard", "get", NAME, status=1)["error"]
        assert error["code"] == "guest.no-session"
    finally:
        guest.shell.sh(hint + "false")
    until(lambda: person("info", NAME)["session"] == "active", timeout=PATIENCE, what="the unlock", every=1)
    assert person("clipboard", "get", NAME)["text"] == "before the lock"


def test_a_machine_is_forgotten_and_paired_again(person: Run) -> None:
    assert person("unpair", NAME)["unpaired"]
    assert person("ping", NAME, status=1)["error"]["code"] == "guest.not-paired"
    assert person("pair", NAME, "--method", "agent")["paired"]
    assert person("ping", NAME)["ms"] > 0
