"""Ways to a guest's port, for the host: one interface, and those that need no library (unix socket, serial).

A transport moves bytes and nothing else; :class:`~libneuron.guest.client.GuestClient` drives it on the
process's asyncio loop (:class:`libneuron.system.loop.LoopThread`). To add one (libvirt's channel stream does
this in :mod:`libneuron.guest.hypervisor`):

* write an :class:`Endpoint`: ``connect(link)`` opens the port once and returns a :class:`Transport`, or
  raises :class:`GuestError` (``guest.no-vm``, ``guest.no-channel``, ``guest.channel-in-use``, …: the code
  decides which state the person sees). The client calls it again, with back-off, after every loss;
* call ``link.received(data)`` for every piece that arrives, ``link.writable()`` after a short write once
  there is room again, and ``link.lost(error)`` once when the port is gone. All three on the loop's thread:
  a worker thread goes through ``loop.call_soon_threadsafe``, and holds back reading while more than about
  1 MiB handed over is not yet taken.
"""

from __future__ import annotations

import asyncio
import os
import socket
import termios
import tty
from pathlib import Path
from typing import Protocol

from libneuron.guest.errors import GuestError

READ_SIZE = 256 * 1024
SEND_BUFFER = 1024 * 1024
"""Bytes a socket is asked to hold; a system's limit may be lower. With less than a piece of bulk, both ends
take turns instead of working at the same time."""
SHORT_READ = 1000
"""Bytes asked for after a read that gave less: a message's block is found much faster than one for bulk."""


class Link(Protocol):
    """Who a transport reports to; every call on the loop's thread."""

    def received(self, data: bytes) -> None:
        """Bytes arrived."""

    def writable(self) -> None:
        """There is room again after a short write."""

    def lost(self, error: GuestError | None) -> None:
        """The port is gone; called once, never after ``close``."""


class Transport(Protocol):
    """An open port; every call on the loop's thread."""

    def write(self, data: bytes | memoryview) -> int:
        """Take what fits now, never block; returns how many bytes. Fewer than given: ``writable`` follows."""

    def close(self) -> None:
        """Let go of the port. May be called twice."""


class Endpoint(Protocol):
    """Where a guest's port is."""

    @property
    def label(self) -> str:
        """What a person calls it: the VM's name, or a path."""

    async def connect(self, link: Link) -> Transport:
        """Open the port. Raises: GuestError."""


class DescriptorTransport:
    """A non-blocking descriptor (socket or terminal) on the loop."""

    def __init__(self, descriptor: int, link: Link) -> None:
        self._fd = descriptor
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._writing = False  # the loop watches for room
        self._full = False
        self._size = READ_SIZE
        self._loop.add_reader(descriptor, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, self._size)
        except BlockingIOError:
            return
        except OSError as error:  # EIO: the other end of a pty closed
            self._gone(str(error))
            return
        if data:
            self._size = READ_SIZE if len(data) >= SHORT_READ else SHORT_READ
            self._link.received(data)
        else:
            self._gone("end of stream")

    def _gone(self, details: str) -> None:
        if self._fd < 0:
            return
        self.close()
        self._link.lost(GuestError("guest.channel-closed", details=details))

    def write(self, data: bytes | memoryview) -> int:
        """See :meth:`Transport.write`."""
        if self._fd < 0:
            return len(data)
        try:
            sent = os.write(self._fd, data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._loop.call_soon(self._gone, str(error))
            return len(data)
        if sent < len(data):
            self._full = True
            if not self._writing:
                self._writing = True
                self._loop.add_writer(self._fd, self._room)
        return sent

    def _room(self) -> None:
        self._full = False
        self._link.writable()
        # Bulk fills it again at once: then the loop need not forget this descriptor and learn it again.
        if not self._full and self._writing and self._fd >= 0:
            self._writing = False
            self._loop.remove_writer(self._fd)

    def close(self) -> None:
        """See :meth:`Transport.close`."""
        if self._fd < 0:
            return
        self._loop.remove_reader(self._fd)
        if self._writing:
            self._loop.remove_writer(self._fd)
        os.close(self._fd)
        self._fd = -1


class UnixSocketEndpoint:
    """A channel's unix socket, opened directly."""

    def __init__(self, path: Path, label: str = "") -> None:
        self.path = path
        self.label = label or str(path)

    async def connect(self, link: Link) -> Transport:
        """Raises: GuestError no-channel, channel-forbidden, channel-in-use, channel-closed."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            # It never waits: a listener whose places are all taken is EAGAIN (connect(2)). asyncio would wait
            # for room, which there always is, and take the socket for connected.
            made.connect(str(self.path))
        except OSError as error:
            made.close()
            raise self._refused(error) from error
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        return DescriptorTransport(made.detach(), link)

    def _refused(self, error: OSError) -> GuestError:
        if isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
            return GuestError("guest.no-channel", vm=self.label, details=str(error))
        if isinstance(error, PermissionError):
            return GuestError("guest.channel-forbidden", vm=self.label, details=str(error))
        if isinstance(error, BlockingIOError):
            return GuestError("guest.channel-in-use", vm=self.label, details=str(error))
        return GuestError("guest.channel-closed", details=str(error))


class SerialEndpoint:
    """A terminal device (serial line or pty), set to raw."""

    def __init__(self, path: Path, label: str = "") -> None:
        self.path = path
        self.label = label or str(path)

    async def connect(self, link: Link) -> Transport:
        """Raises: GuestError no-channel, channel-forbidden, channel-closed."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise GuestError("guest.no-channel", vm=self.label, details=str(error)) from error
        except PermissionError as error:
            raise GuestError("guest.channel-forbidden", vm=self.label, details=str(error)) from error
        except OSError as error:
            raise GuestError("guest.channel-closed", details=str(error)) from error
        try:
            tty.setraw(descriptor, termios.TCSANOW)
        except termios.error as error:
            os.close(descriptor)
            raise GuestError("guest.no-channel", vm=self.label, details=str(error)) from error
        return DescriptorTransport(descriptor, link)
