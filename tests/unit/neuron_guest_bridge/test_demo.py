"""The demo: a real agent process, a real socket, real TLS."""

from __future__ import annotations

import json

import pytest

from neuron_guest_bridge.__main__ import main

WANTED = {
    "pair",
    "ping",
    "get_info",
    "clipboard_to_guest",
    "clipboard_to_host",
    "set_resolution",
    "launch_app",
    "screenshot",
    "reject_unpaired_peer",
    "shutdown",
}


def test_the_demo_drives_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["demo", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [step for step in found["steps"] if not step["ok"]] == []
    assert {step["name"] for step in found["steps"]} >= WANTED
    assert found["ok"] is True
    assert status == 0


def test_without_display_and_arguments_the_demo_runs_for_people(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert main([]) == 0
    assert "Everything works." in capsys.readouterr().out
