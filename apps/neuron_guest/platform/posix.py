"""Ports of POSIX systems: a listening unix socket, a virtio port, a terminal."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from pathlib import Path

from neuron_guest.port import PortGone

_READ = 256 * 1024
_PAGE = 4096  # the most a virtio port gives at a time
_BLOCK = 32 * 1024  # the most it takes at a time
_BLOCKS = 64  # handed over in one call; the kernel takes 1024 (IOV_MAX, writev(2)) and refuses more
_SHORT = 1000  # bytes asked for after a read that gave less: a block for a message is found much faster
_SEND_BUFFER = 1024 * 1024  # bytes a socket is asked to hold: room for bulk while the peer reads
LOOK_AGAIN = 1.0
"""Seconds between looks while no host is there: ``poll`` reports HUP without end then."""


class _DescriptorPort:
    """What the three have in common: a non-blocking descriptor, ``poll`` and a pipe that wakes it."""

    def __init__(self) -> None:
        self._fd = -1
        self._alarm, self._bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._absent = False
        self._size = _READ

    def _read(self) -> bytes | None:
        try:
            data = os.read(self._fd, self._size)
        except BlockingIOError:
            return None
        except OSError as error:
            raise PortGone(str(error)) from error
        self._size = _READ if len(data) >= _SHORT else _SHORT
        return data

    def _use(self, descriptor: int) -> None:
        self._fd = descriptor
        self._absent = False
        self._readers = select.poll()
        self._readers.register(self._alarm, select.POLLIN)
        self._readers.register(descriptor, select.POLLIN)
        self._both = select.poll()
        self._both.register(self._alarm, select.POLLIN)
        self._both.register(descriptor, select.POLLIN | select.POLLOUT)
        self._alone = select.poll()
        self._alone.register(self._alarm, select.POLLIN)

    def wait(self, timeout: float | None, *, write: bool) -> None:
        """See :meth:`Port.wait`."""
        if self._absent:
            self._absent = False
            poll, limit = self._alone, LOOK_AGAIN if timeout is None else min(timeout, LOOK_AGAIN)
        else:
            poll = self._both if write else self._readers
            limit = -1.0 if timeout is None else timeout
        for descriptor, _ in poll.poll(-1 if limit < 0 else limit * 1000):
            if descriptor == self._alarm:
                self._quiet()

    def _quiet(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._alarm, 4096):
                pass

    def wake(self) -> None:
        """See :meth:`Port.wake`."""
        with contextlib.suppress(BlockingIOError):  # full: it rings already
            os.write(self._bell, b"\0")

    def write(self, data: bytes | memoryview) -> int:
        """See :meth:`Port.write`."""
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise PortGone(str(error)) from error

    def close(self) -> None:
        """See :meth:`Port.close`."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def release(self) -> None:
        """Give back everything, for a process that lives on; the port cannot be opened again."""
        self.close()
        os.close(self._alarm)
        os.close(self._bell)


class UnixListenPort(_DescriptorPort):
    """Serves one peer at a time on a unix socket of its own, as QEMU's chardev does. For trials and tests."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        path.unlink(missing_ok=True)
        before = os.umask(0o177)  # only this person may connect
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(before)
        self._listener.listen(4)

    def open(self) -> None:
        """See :meth:`Port.open`."""
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._alarm, select.POLLIN)
        for descriptor, _ in poll.poll():
            if descriptor == self._alarm:
                self._quiet()
        try:
            peer, _ = self._listener.accept()
        except BlockingIOError:
            raise PortGone("nobody is there") from None
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        descriptor = peer.detach()
        os.set_blocking(descriptor, False)
        self._use(descriptor)

    def release(self) -> None:
        """Also stop listening."""
        super().release()
        self._listener.close()

    def read(self) -> bytes:
        """See :meth:`Port.read`."""
        data = self._read()
        if data == b"":
            raise PortGone("the peer closed")
        return data or b""


class DevicePort(_DescriptorPort):
    """A character device that stays: a virtio port or a terminal.

    A virtio port whose host end is closed reads as empty and polls as readable and hung up for ever (Linux
    drivers/char/virtio_console.c, port_fops_read and port_fops_poll): then we look once a second.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._room = memoryview(bytearray(_READ))
        self._pages = [self._room[at : at + _PAGE] for at in range(0, _READ, _PAGE)]

    def open(self) -> None:
        """See :meth:`Port.open`."""
        self._open(self._path)

    def _open(self, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as error:
            raise PortGone(str(error)) from error
        if os.isatty(descriptor):
            import tty  # only terminals need it; the agent stays small

            tty.setraw(descriptor)
        self._use(descriptor)

    def read(self) -> bytes:
        """See :meth:`Port.read`."""
        begun = b""
        if self._size == _SHORT:
            data = self._read()
            self._absent = data == b""
            if data is None or len(data) < _SHORT:
                return data or b""
            begun = data
        return b"".join((begun, self._gather(alone=not begun)))

    def _gather(self, *, alone: bool) -> memoryview:
        """As much as is there; ``alone``: nothing was read before it.

        A virtio port gives one page a read, and in an emulated machine a system call for each is as dear as
        all else that is done with it. Given pages, the kernel fills one after the other while each comes back
        full (Linux fs/read_write.c, do_loop_readv_writev: what a device without read_iter gets).
        """
        try:
            size = os.readv(self._fd, self._pages)
            self._absent = alone and not size
        except BlockingIOError:
            size = 0
        except OSError as error:
            raise PortGone(str(error)) from error
        self._size = _READ if size >= _SHORT else _SHORT
        return self._room[:size]

    def write(self, data: bytes | memoryview) -> int:
        """See :meth:`Port.write`. A virtio port takes one block a call; writev goes on with the next."""
        if len(data) <= _BLOCK:
            return super().write(data)
        view = memoryview(data)[: _BLOCK * _BLOCKS]
        try:
            return os.writev(self._fd, [view[at : at + _BLOCK] for at in range(0, len(view), _BLOCK)])
        except BlockingIOError:
            return 0
        except OSError as error:
            raise PortGone(str(error)) from error
