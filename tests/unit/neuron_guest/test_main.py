"""The agent's selftest: every verb, on the machine it runs on."""

from __future__ import annotations

import json

import pytest

from neuron_guest.__main__ import main
from neuron_guest.backend import BackendError, Mode
from neuron_guest.selftest import report, run
from neuron_guest.simulated import SimulatedBackend


def test_without_a_desktop_the_selftest_says_what_is_not_possible(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["selftest", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    codes = {step["name"]: step["code"] for step in found["steps"]}
    assert found["ok"] is True
    assert codes["clipboard"] == ""
    assert codes["screenshot"] == "no-session"


def test_a_desktop_passes_and_is_left_as_it_was() -> None:
    desktop = SimulatedBackend()
    desktop.copy({"text/plain;charset=utf-8": b"mine"})
    results = run(desktop)
    assert [result.name for result in results if result.code] == []
    assert desktop.clipboard_read("text/plain;charset=utf-8") == b"mine"
    assert desktop.mode() == Mode(1280, 800, 60)
    assert "✓ screenshot" in report(results, as_json=False)


def test_what_does_not_work_fails_the_selftest() -> None:
    class Broken(SimulatedBackend):
        def clipboard_read(self, mime: str) -> bytes:
            return b"something else"

        def set_mode(self, mode: Mode) -> Mode:
            raise BackendError("mode-refused", "no")

        def screenshot(self) -> bytes:
            raise KeyError("a bug")

    codes = {result.name: (result.ok, result.code) for result in run(Broken())}
    assert codes["clipboard"] == (False, "wrong")
    assert codes["set_resolution"] == (False, "mode-refused")
    assert codes["screenshot"] == (False, "bug")
