"""The virtio port is waited for by events: until it is there, and until a host is."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuron_guest.platform import posix
from neuron_guest.platform.linux import virtio
from neuron_guest.platform.linux.virtio import VirtioPort
from neuron_guest.port import PortGone

NAME = "org.neuronos.guest.0"
FOR_EVER = 3600.0


class NoHost:
    """The ``os`` the port sees: a pipe that is empty reads like a virtio port without a host."""

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def __init__(self, port: int) -> None:
        self._port = port

    def read(self, descriptor: int, size: int) -> bytes:
        try:
            return os.read(descriptor, size)
        except BlockingIOError:
            if descriptor != self._port:
                raise
            return b""

    def readv(self, descriptor: int, rooms: list[memoryview]) -> int:
        try:
            return os.readv(descriptor, rooms)
        except BlockingIOError:
            return 0


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Folders like /dev, /dev/virtio-ports and /sys/class/virtio-ports."""
    for name in ("dev", "links", "class"):
        (tmp_path / name).mkdir()
    return tmp_path


def device(lab: Path, node: str, name: str | None) -> Path:
    (lab / "class" / node).mkdir()
    if name is not None:
        (lab / "class" / node / "name").write_text(f"{name}\n")
    os.mkfifo(lab / "dev" / node)
    return lab / "dev" / node


@pytest.fixture
def port(lab: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtioPort]:
    monkeypatch.setattr(posix, "LOOK_AGAIN", FOR_EVER)
    monkeypatch.setattr(virtio, "LOOK_AGAIN", FOR_EVER)
    made = VirtioPort(lab / "links" / NAME, ports=lab / "class", devices=lab / "dev")
    hanging = threading.Event()

    def give_up() -> None:
        hanging.set()
        made.wake()

    watchdog = threading.Timer(60, give_up)
    watchdog.start()
    yield made
    watchdog.cancel()
    made.release()
    assert not hanging.is_set(), "nothing ended the wait"


def test_the_port_is_found_by_its_name_before_udev_has_linked_it(lab: Path, port: VirtioPort) -> None:
    device(lab, "vport1p1", "org.qemu.guest_agent.0")
    device(lab, "vport1p2", None)
    ours = device(lab, "vport1p3", NAME)
    port.open()
    assert os.path.samestat(os.fstat(port._fd), ours.stat())


def test_a_port_that_appears_is_opened_at_the_kernels_word(
    lab: Path, port: VirtioPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel, news = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    news.setblocking(False)
    asked = threading.Event()

    def events() -> socket.socket:
        asked.set()
        return news

    monkeypatch.setattr(virtio, "_kernel_events", events)

    def appear() -> None:
        assert asked.wait(60)
        kernel.send(b"change@/devices/something/else")
        device(lab, "vport1p1", NAME)
        kernel.send(b"change@/devices/pci0000:00/virtio1/virtio-ports/vport1p1")

    thread = threading.Thread(target=appear)
    thread.start()
    port.open()
    thread.join()
    kernel.close()
    assert port._fd >= 0


def test_only_events_of_ports_are_looked_into() -> None:
    kernel, news = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    news.setblocking(False)
    kernel.send(b"add@/devices/pci0000:00/usb1")
    assert not virtio._of_ports(news)
    kernel.send(b"change@/devices/pci0000:00/virtio1/virtio-ports/vport1p1")
    kernel.send(b"add@/devices/pci0000:00/usb2")
    assert virtio._of_ports(news)
    assert not virtio._of_ports(news)
    kernel.close()
    news.close()


def test_the_kernels_events_can_be_heard() -> None:
    with virtio._kernel_events() or pytest.fail("no socket for the kernel's events") as news:
        assert news.getsockname()[1] == 1


def test_waiting_for_the_port_ends_when_woken(port: VirtioPort) -> None:
    port.wake()
    with pytest.raises(PortGone):
        port.open()


def test_a_host_that_comes_is_noticed_at_once(
    lab: Path, port: VirtioPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = device(lab, "vport1p1", NAME)
    port.open()
    monkeypatch.setattr(posix, "os", NoHost(port._fd))
    assert port.read() == b""
    port.wait(None, write=False)  # returns to look once more before it relies on being told
    assert port.read() == b""
    host = os.open(node, os.O_WRONLY)
    thread = threading.Thread(target=os.write, args=(host, b"SYNC"))
    thread.start()
    port.wait(None, write=False)
    thread.join()
    os.close(host)
    assert port.read() == b"SYNC"
    assert not port._told, "with a host there, every message costs a signal"


def test_outside_the_main_thread_it_looks_again_by_itself(lab: Path, port: VirtioPort) -> None:
    device(lab, "vport1p1", NAME)
    thread = threading.Thread(target=port.open)
    thread.start()
    thread.join()
    assert port._fd >= 0
    assert not port._waked_by_signals
