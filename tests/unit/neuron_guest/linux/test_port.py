"""A virtio port's limits: a page a read, 32 KiB a write."""

from __future__ import annotations

import contextlib
import errno
import os
import pty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from neuron_guest.platform import posix
from neuron_guest.platform.posix import DevicePort

_PAGE, _MOST = 4096, 32 * 1024


class VirtioLike:
    """The ``os`` the port sees, with the limits of Linux drivers/char/virtio_console.c."""

    def __init__(self) -> None:
        self.reads = 0

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def read(self, descriptor: int, size: int) -> bytes:
        self.reads += 1
        return os.read(descriptor, min(size, _PAGE))

    def readv(self, descriptor: int, buffers: list[memoryview]) -> int:
        self.reads += 1
        return self._one_after_the_other(lambda part: os.readv(descriptor, [part]), buffers, _PAGE)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        return os.write(descriptor, data[:_MOST])

    def writev(self, descriptor: int, parts: list[memoryview]) -> int:
        if len(parts) > os.sysconf("SC_IOV_MAX"):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return self._one_after_the_other(lambda part: os.write(descriptor, part), parts, _MOST)

    @staticmethod
    def _one_after_the_other(do: Callable[[memoryview], int], parts: list[memoryview], most: int) -> int:
        """As the kernel does it for a device without read_iter and write_iter (do_loop_readv_writev)."""
        total = 0
        for part in parts:
            try:
                done = do(part[:most])
            except BlockingIOError:
                if not total:
                    raise
                break
            total += done
            if done < len(part):
                break
        return total


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> VirtioLike:
    made = VirtioLike()
    monkeypatch.setattr(posix, "os", made)
    return made


@pytest.fixture
def port(tmp_path: Path, limits: VirtioLike) -> Iterator[DevicePort]:
    os.mkfifo(tmp_path / "port")
    made = DevicePort(tmp_path / "port")
    made.open()
    yield made
    made.release()


def test_one_turn_takes_all_pages_that_have_arrived(port: DevicePort, limits: VirtioLike) -> None:
    data = os.urandom(5 * _PAGE + 7)
    assert port.write(data) == len(data)
    limits.reads = 0
    assert port.read() == data
    assert limits.reads <= 2
    assert port.read() == b""


def test_while_bulk_flows_one_call_takes_all(port: DevicePort, limits: VirtioLike) -> None:
    for _ in range(3):
        port.write(bytes(5 * _PAGE))
        limits.reads = 0
        assert len(port.read()) == 5 * _PAGE
    assert limits.reads == 1


def test_a_short_message_costs_one_read(port: DevicePort, limits: VirtioLike) -> None:
    port.write(b"ping")
    limits.reads = 0
    assert port.read() == b"ping"
    assert limits.reads == 1


def test_one_turn_writes_all_there_is_room_for(port: DevicePort) -> None:
    room = 64 * 1024  # a pipe's
    assert port.write(bytes(room + 1)) == room
    assert port.write(b"more") == 0


def test_more_than_the_kernel_takes_in_one_call_is_no_end_of_the_port(port: DevicePort) -> None:
    """A host that asks and does not read: its answers wait, and are handed over together."""
    assert port.write(bytes(_MOST * (os.sysconf("SC_IOV_MAX") + 1))) == 64 * 1024


def test_a_terminal_gives_and_takes_what_there_is(tmp_path: Path) -> None:
    """A serial line: it ends a read or a write wherever it likes."""
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    port = DevicePort(Path(os.ttyname(slave)))
    try:
        port.open()
        sent, there = os.urandom(20_000), b""
        left = memoryview(sent)
        while len(there) < len(sent):
            with contextlib.suppress(BlockingIOError):
                left = left[os.write(master, left) :] if left else left
            there += port.read()
        assert there == sent
        left, back = memoryview(sent), b""
        while len(back) < len(sent):
            left = left[port.write(left) :] if left else left
            with contextlib.suppress(BlockingIOError):
                back += os.read(master, 65536)
        assert back == sent
    finally:
        port.release()
        os.close(master)
        os.close(slave)
