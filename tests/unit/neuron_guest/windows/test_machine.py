"""The service's body: what ends the agent ends the service, so that the service manager starts it again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from neuron_guest.agent import Agent
from neuron_guest.keys import GuestKeys
from neuron_guest.platform.posix import UnixListenPort
from neuron_guest.platform.windows import install_layout
from neuron_guest.platform.windows.machine import WindowsMachine
from neuron_guest.platform.windows.service import Controls
from neuron_guest.platform.windows.sessions import Session
from neuron_guest.platform.windows.supervisor import Helper
from neuron_guest.simulated import SimulatedBackend


class NoWorld:
    """A Windows where nobody is signed in."""

    def __init__(self, _command: Sequence[str]) -> None:
        pass

    def sessions(self) -> tuple[Sequence[Session], int | None]:
        return (), None

    def start(self, session: int) -> Helper:
        raise AssertionError(session)


class Broken(Agent):
    """An agent with a bug."""

    def run(self) -> None:
        raise ZeroDivisionError("a bug")


def test_an_agent_that_ends_with_an_error_ends_the_service_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install_layout, "data_folder", lambda: tmp_path)
    port = UnixListenPort(tmp_path / "s")
    agent = Broken(port, SimulatedBackend(), GuestKeys(tmp_path / "keys"))
    raised: list[BaseException] = []

    def body() -> None:
        try:
            WindowsMachine().run_body(agent, Controls(), NoWorld)
        except ZeroDivisionError as error:
            raised.append(error)

    service = threading.Thread(target=body, daemon=True)
    service.start()
    service.join(20)
    port.release()
    assert not service.is_alive()
    assert [str(error) for error in raised] == ["a bug"]
