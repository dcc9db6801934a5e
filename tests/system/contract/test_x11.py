"""The contract against the Linux agent on a real X server with a real window manager."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.guest.api import GuestApi
from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.keys import KeyStore
from libneuron.guest.transport import UnixSocketEndpoint
from libneuron.guest.wire.content import ENROLMENT_FILE
from libneuron.system.bus import LoopThread
from neuron_guest.agent import Agent
from neuron_guest.backend import Backend
from neuron_guest.keys import GuestKeys
from neuron_guest.platform.linux.routed import RoutedBackend
from neuron_guest.platform.posix import UnixListenPort
from tests.screen import start_openbox, start_xvfb
from tests.system.contract.contract import ALLOWED, Events, GuestContract, Subject, eventually


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """An X server with openbox; its name."""
    server, name = start_xvfb("1280x800x24")
    manager = start_openbox({**os.environ, "DISPLAY": name})
    try:
        yield name
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait(10)


@contextlib.contextmanager
def serving(folder: Path, backend: Backend, events: Events) -> Iterator[BlockingGuest]:
    """A guest paired with an agent on a thread of this process."""
    store, keys = KeyStore(folder / "host"), GuestKeys(folder / "guest")
    (folder / "guest" / ENROLMENT_FILE).write_text(store.begin_enrolment("vm", "x11"))
    port = UnixListenPort(folder / "s")
    agent = Agent(port, backend, keys)
    thread = threading.Thread(target=agent.run)
    thread.start()
    endpoint = UnixSocketEndpoint(folder / "s", "x11")
    with LoopThread() as io:
        paired = VmKeys(store, "vm")
        guest = BlockingGuest(io, GuestClient(endpoint, paired, permissions=lambda: ALLOWED, on_event=events))
        guest.wait_ready(30)
        yield guest
        guest.close()
    agent.stop()
    thread.join(10)
    port.release()


@pytest.fixture(scope="module")
def events() -> Events:
    return Events()


@pytest.fixture(scope="module")
def service(
    display: str, events: Events, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BlockingGuest]:
    """The service's backend here, and the session's helper as a process of its own on the display."""
    folder = tmp_path_factory.mktemp("x11")
    path = folder / "run" / "session.sock"
    backend = RoutedBackend(path, seated=os.geteuid)
    helper = subprocess.Popen(
        [sys.executable, "-m", "neuron_guest", "session", "--socket", str(path)],
        env={
            **{key: value for key, value in os.environ.items() if key != "WAYLAND_DISPLAY"},
            "DISPLAY": display,
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
    )
    try:
        assert eventually(lambda: backend.info()["session"] == "active", seconds=60)
        with serving(folder, backend, events) as guest:
            yield guest
    finally:
        helper.terminate()
        helper.wait(10)


class TestX11ThroughTheService(GuestContract):
    @pytest.fixture
    def subject(self, service: BlockingGuest, events: Events) -> Subject:
        launch = ("/usr/bin/xmessage", ("-title", "neuron contract", "$(id) ';"))
        return Subject(
            service,
            launch,
            "neuron contract",
            switchable=False,
            rich=False,
            promises=False,
            slow=3,
            events=events,
        )

    def test_a_picture_of_the_desktop_is_not_blank(self, subject: Subject, tmp_path: Path) -> None:
        subject.guest.run(lambda api: api.launch("xmessage", ["-title", "seen", "-bg", "red", "text"]))

        def seen() -> bool:
            return any(window.title == "seen" for window in subject.guest.run(lambda api: api.windows()))

        assert eventually(seen, seconds=60)
        (tmp_path / "p.png").write_bytes(subject.guest.run(lambda api: api.screenshot()).png)
        words = ["identify", "-format", "%k", str(tmp_path / "p.png")]
        colours = subprocess.run(words, capture_output=True, check=True).stdout
        assert int(colours) > 2
        for window in subject.guest.run(lambda api: api.windows()):
            subject.guest.run(functools.partial(GuestApi.close_window, window=window.id))
