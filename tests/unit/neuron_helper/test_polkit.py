"""The helper beside python-dbusmock's polkit: allowed, denied, and an answer that never comes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dbusmock
import pytest

from libneuron.system.bus import LoopThread
from libneuron.system.calls import BlockingBus
from libneuron.system.errors import SystemAccessError
from libneuron.system.helper import INTERFACE, NAME, PATH
from tests.unit.neuron_helper.lab import Authority, Lab, system_bus

_POLKIT, _AUTHORITY = "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority"
Tell = Callable[..., Any]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Lab]:
    with system_bus(tmp_path) as address, LoopThread() as loop:
        yield Lab(address, loop, Authority(), tmp_path)


@pytest.fixture
def polkit(here: Lab, tmp_path: Path) -> Iterator[Tell]:
    """polkit's stand-in on the bus, and how it is told what to answer.

    The template needs GLib's bindings, which the system's Python has.
    """
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/dbusmock").symlink_to(Path(dbusmock.__file__).parent)
    own = {"PYTHONPATH": str(tmp_path / "lib"), "DBUS_SYSTEM_BUS_ADDRESS": here.address}
    mock = subprocess.Popen(
        ["/usr/bin/python3", "-m", "dbusmock", "--template", "polkitd"],
        env={**os.environ, **own},
        stdout=subprocess.DEVNULL,
    )
    here.loop.wait(here.owned(there=True, name=_POLKIT), timeout=30)
    bus = BlockingBus(here.loop, address=here.address)

    def tell(method: str, signature: str = "", *body: Any) -> Any:
        return bus.call(_POLKIT, _AUTHORITY, "org.freedesktop.DBus.Mock", method, signature, body)

    yield tell
    bus.close()
    mock.terminate()
    mock.wait(10)


def call(here: Lab, member: str) -> Any:
    bus = here.bus()
    try:
        return json.loads(here.loop.wait(bus.call(NAME, PATH, INTERFACE, member))[0])
    finally:
        here.loop.wait(bus.close())


def refused(here: Lab, member: str) -> str:
    """The code of the error."""
    with pytest.raises(SystemAccessError) as caught:
        call(here, member)
    return str(json.loads(str(caught.value.params["error"]))["code"])


def test_what_is_allowed_is_done_and_what_is_not_is_denied(here: Lab, polkit: Tell, tmp_path: Path) -> None:
    with here.helper(tmp_path):
        assert refused(here, "UpdatesHistory") == "helper.denied"
        polkit("SetAllowed", "as", ["org.neuronos.updates.read"])
        assert call(here, "UpdatesHistory")["updates"] == []
        assert refused(here, "UpdatesBegin") == "helper.denied", "another verb, another action"


def test_a_polkit_that_hangs_is_a_no_also_when_it_answers_yes_in_the_end(
    here: Lab, polkit: Tell, tmp_path: Path
) -> None:
    polkit("AllowUnknown", "b", True)
    polkit("SimulateHangActions", "as", ["org.neuronos.updates.manage"])
    with here.helper(tmp_path, patience=1):
        assert refused(here, "UpdatesBegin") == "helper.no-answer"
        assert polkit("HaveHangingCalls")[0], "it was asked"
        polkit("ReleaseHangingCalls")
        assert call(here, "UpdatesHistory")["updates"] == []
