"""The agent's selftest: every verb, on the machine it runs on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from libneuron.guest.wire.requests import VERBS
from neuron_guest.__main__ import main
from neuron_guest.backend import BackendError, Mode
from neuron_guest.keys import GuestKeys
from neuron_guest.selftest import report, run, verdict
from neuron_guest.simulated import SimulatedBackend


def test_without_a_desktop_the_selftest_says_what_is_not_possible(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["selftest", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    codes = {step["name"]: step["code"] for step in found["steps"]}
    assert found["ok"] is False  # nothing was seen working
    assert codes["clipboard"] == ""
    assert codes["screenshot"] == "no-session"


TEXT = "text/plain;charset=utf-8"


class Desktop(SimulatedBackend):
    """The simulated desktop, but what it launches runs."""

    def launch(self, path: str, args: Sequence[str]) -> int:
        self.started = subprocess.Popen([path, *args])
        return self.started.pid


def test_every_verb_is_in_the_report() -> None:
    desktop = Desktop()
    named = {result.name for result in run(desktop)}
    desktop.started.wait(30)
    parts = {"clipboard_get": "clipboard", "clipboard_set": "clipboard"}
    assert {parts.get(verb, verb) for verb in VERBS} == named


def test_a_desktop_passes_and_is_left_as_it_was() -> None:
    desktop = Desktop()
    desktop.copy({TEXT: b"mine", "text/html": b"<b>mine</b>"})
    results = run(desktop)
    assert desktop.started.wait(30) == 0
    assert [result for result in results if result.code not in ("", "not-tried")] == []
    assert verdict(results) == 0
    assert desktop.clipboard_read(TEXT) == b"mine"
    assert desktop.clipboard_read("text/html") == b"<b>mine</b>"
    assert desktop.mode() == Mode(1280, 800, 60)
    assert "✓ screenshot" in report(results, as_json=False)


@pytest.mark.parametrize("secret", [True, False])
def test_a_copy_that_could_not_be_put_back_is_not_touched(*, secret: bool) -> None:
    class OneFormat(Desktop):
        def info(self) -> Mapping[str, object]:
            return {"backend": "linux"}

    desktop = OneFormat()
    desktop.copy({TEXT: b"mine"} if secret else {TEXT: b"mine", "image/png": b"mine"}, secret=secret)
    codes = {result.name: result.code for result in run(desktop)}
    desktop.started.wait(30)
    assert codes["clipboard"] == "unsupported"
    assert not desktop.clipboard_offer().own


def test_a_copy_is_put_back_though_the_test_fails() -> None:
    class Deaf(Desktop):
        def clipboard_read(self, mime: str) -> bytes:
            if self.clipboard_offer().own:
                raise BackendError("failed", "no answer")
            return super().clipboard_read(mime)

    desktop = Deaf()
    desktop.copy({TEXT: b"mine"})
    codes = {result.name: result.code for result in run(desktop)}
    desktop.started.wait(30)
    assert codes["clipboard"] == "failed"
    assert SimulatedBackend.clipboard_read(desktop, TEXT) == b"mine"


def test_whoever_is_not_the_administrator_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_keys: object, folder: Path, _discs: object) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(GuestKeys, "__init__", refuse)
    assert main(["serve", "--keys", str(tmp_path / "keys")]) == 3
    assert str(tmp_path / "keys") in capsys.readouterr().err


def test_what_does_not_work_fails_the_selftest() -> None:
    class Broken(Desktop):
        def clipboard_read(self, mime: str) -> bytes:
            return b"something else"

        def set_mode(self, mode: Mode) -> Mode:
            raise BackendError("mode-refused", "no")

        def screenshot(self) -> bytes:
            raise KeyError("a bug")

        def launch(self, path: str, args: Sequence[str]) -> int:
            return super().launch(path, args[:-1])

    broken = Broken()
    results = run(broken)
    broken.started.wait(30)
    codes = {result.name: (result.ok, result.code) for result in results}
    assert verdict(results) == 1
    assert codes["launch_app"] == (False, "wrong")
    assert codes["clipboard"] == (False, "wrong")
    assert codes["set_resolution"] == (False, "mode-refused")
    assert codes["screenshot"] == (False, "bug")
