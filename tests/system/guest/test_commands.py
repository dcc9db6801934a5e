"""Every command of the command line, each a process of its own, on a real machine with a person in it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from libneuron.guest.hypervisor.connection import Hypervisor
from tests.system.conftest import NAME, PATIENCE
from tests.system.guest.bridge import Bridge
from tests.system.lab.domain import Domain
from tests.system.lab.shell import until

pytestmark = [pytest.mark.vm, pytest.mark.long]  # forty processes, each waiting for an emulated machine

_TITLE = "by command"


@pytest.fixture
def person(signed_in: None, paired: Bridge) -> Bridge:
    """The command line, with the session's helper there."""
    del signed_in
    until(
        lambda: paired.run("info", NAME)["session"] == "active",
        timeout=PATIENCE,
        what="the session's helper",
        every=1,
    )
    return paired


def window_of(bridge: Bridge) -> dict[str, Any] | None:
    """The test's own window, as ``windows`` lists it."""
    found: list[dict[str, Any]] = bridge.run("windows", NAME)["windows"]
    return next((window for window in found if window["title"] == _TITLE), None)


def test_the_display_takes_another_mode_and_goes_back(person: Bridge) -> None:
    listed = person.run("resolution", NAME)
    before = listed["current"]
    other = next(
        mode
        for mode in listed["modes"]
        if (mode["width"], mode["height"]) != (before["width"], before["height"])
    )
    for mode in (other, before):
        size = f"{mode['width']}x{mode['height']}"
        assert person.run("resolution", NAME, size)["width"] == mode["width"]
        now = person.run("resolution", NAME)["current"]
        assert (now["width"], now["height"]) == (mode["width"], mode["height"])
    assert person.run("resolution", NAME, "641x357", status=1)["error"]["code"] == "guest.mode-refused"


def test_applications_windows_and_a_picture(person: Bridge, tmp_path: Path) -> None:
    assert isinstance(person.run("apps", NAME)["apps"], list)
    words = ("launch", NAME, "/usr/bin/xmessage", "--", "-title", _TITLE, "-bg", "red", "$(id) ';")
    assert person.run(*words)["pid"] > 0
    window = until(lambda: window_of(person), timeout=PATIENCE, what="the window", every=1)
    number = str(window["id"])
    assert person.run("focus", NAME, number) == {"window": window["id"]}
    picture = tmp_path / "picture.png"
    size = person.run("screenshot", NAME, str(picture))
    seen = subprocess.run(
        ["identify", "-format", "%w %h %k", str(picture)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert [int(side) for side in seen[:2]] == [size["width"], size["height"]]
    assert int(seen[2]) > 2
    assert person.run("close", NAME, number) == {"window": window["id"]}
    until(lambda: window_of(person) is None, timeout=PATIENCE, what="the window to close", every=1)
    assert person.run("close", NAME, number, status=1)["error"]["code"] == "guest.not-found"
    for absent in (("launch", NAME, "/no/such/program"), ("open", NAME, "/no/such/file")):
        assert person.run(*absent, status=1)["error"]["code"] == "guest.not-found"


def test_a_machine_halts_and_goes_on(person: Bridge, hypervisor: Hypervisor) -> None:
    assert person.run("suspend", NAME)["power"] == "paused"
    assert person.run("start", NAME)["power"] == "running"
    assert person.run("ping", NAME)["ms"] > 0


def test_the_check_up_finds_everything_well(person: Bridge) -> None:
    found = person.run("doctor", NAME)
    assert [check for check in found["checks"] if not check["ok"]] == []
    assert found["ok"] is True


def test_a_locked_screen_is_told_and_keeps_its_copies(person: Bridge, guest: Domain) -> None:
    """logind's hint is what a desktop's own lock sets (org.freedesktop.login1(5), SetLockedHint)."""
    person.run("clipboard", "set", NAME, "before the lock")
    hint = (
        "id=$(sed -n s/^ACTIVE=//p /run/systemd/seats/seat0); "
        "path=$(busctl --system --json=short call org.freedesktop.login1 /org/freedesktop/login1 "
        "org.freedesktop.login1.Manager GetSession s $id | sed 's/.*\\[\"\\(.*\\)\"\\].*/\\1/'); "
        "busctl --system call org.freedesktop.login1 $path org.freedesktop.login1.Session SetLockedHint b "
    )
    guest.shell.sh(hint + "true")
    try:
        until(
            lambda: person.run("info", NAME)["session"] == "locked",
            timeout=PATIENCE,
            what="the lock",
            every=1,
        )
        error = person.run("clipboard", "get", NAME, status=1)["error"]
        assert error["code"] == "guest.no-session"
    finally:
        guest.shell.sh(hint + "false")
    until(
        lambda: person.run("info", NAME)["session"] == "active", timeout=PATIENCE, what="the unlock", every=1
    )
    assert person.run("clipboard", "get", NAME)["text"] == "before the lock"


def test_a_machine_is_forgotten_and_paired_again(person: Bridge) -> None:
    assert person.run("unpair", NAME)["unpaired"]
    assert person.run("ping", NAME, status=1)["error"]["code"] == "guest.not-paired"
    assert person.run("pair", NAME, "--method", "agent")["paired"]
    assert person.run("ping", NAME)["ms"] > 0
