"""The contract against NeuronGuest in a real Linux VM, with a person signed in at its screen."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from libneuron.guest.client import BlockingGuest
from tests.system.contract.contract import GuestContract, Subject, eventually
from tests.system.lab.domain import Domain


@pytest.mark.vm
class TestVm(GuestContract):
    @pytest.fixture
    def subject(self, signed_in: None, client: BlockingGuest) -> Subject:
        del signed_in
        assert eventually(lambda: client.run(lambda api: api.info())["session"] == "active", seconds=240), (
            "the session's helper did not come"
        )
        launch = ("/usr/bin/xmessage", ("-title", "neuron contract", "$(id) ';"))
        return Subject(client, launch, "neuron contract", rich=False, promises=False, tells=False, slow=6)

    def test_programs_run_as_the_person_and_not_as_the_administrator(
        self, subject: Subject, guest: Domain
    ) -> None:
        assert subject.guest.run(lambda api: api.info())["user"] == "person"
        pid = subject.guest.run(lambda api: api.launch("sleep", ["1000"]))
        assert guest.shell.sh(f"stat -c %U /proc/{pid}") == "person"
        guest.shell.sh(f"kill {pid}")

    def test_a_picture_of_the_desktop_is_not_blank(self, subject: Subject, tmp_path: Path) -> None:
        subject.guest.run(lambda api: api.launch("xmessage", ["-title", "seen", "-bg", "red", "text"]))

        def seen() -> list[int]:
            windows = subject.guest.run(lambda api: api.windows())
            return [window.id for window in windows if window.title == "seen"]

        assert eventually(lambda: bool(seen()), seconds=120)
        (tmp_path / "p.png").write_bytes(subject.guest.run(lambda api: api.screenshot()).png)
        words = ["identify", "-format", "%k", str(tmp_path / "p.png")]
        colours = subprocess.run(words, capture_output=True, check=True).stdout
        assert int(colours) > 2
        window = seen()[0]
        subject.guest.run(lambda api: api.close_window(window))
