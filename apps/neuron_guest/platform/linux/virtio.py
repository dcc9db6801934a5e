"""The VM's channel on Linux: it is told when its port appears and when a host comes, and need not look.

* The kernel announces a port's name (drivers/char/virtio_console.c, VIRTIO_CONSOLE_PORT_NAME: a "change"
  event). udev's link with that name follows later, while a machine starts much later, so the device is found
  by its name in sysfs.
* While no host is there ``poll`` returns at once, so it cannot wait for one; SIGIO does (there,
  VIRTIO_CONSOLE_PORT_OPEN: send_sigio_to_port).

Where neither works (a container's seccomp filter, an agent outside the main thread) it looks once a second.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
from pathlib import Path

from neuron_guest.platform.posix import LOOK_AGAIN, DevicePort
from neuron_guest.port import PortGone

_PORTS = Path("/sys/class/virtio-ports")
_DEVICES = Path("/dev")
_KERNEL = (
    1  # the multicast group of the kernel's own events (Linux include/linux/netlink.h, lib/kobject_uevent.c)
)
_KOBJECT_UEVENT = (
    15  # NETLINK_KOBJECT_UEVENT of Linux include/uapi/linux/netlink.h; Python has no name for it
)


class VirtioPort(DevicePort):
    """The port that udev calls ``link``."""

    def __init__(self, link: Path, *, ports: Path = _PORTS, devices: Path = _DEVICES) -> None:
        super().__init__(link)
        self._ports = ports
        self._devices = devices
        self._waked_by_signals = False
        self._told = False  # of a host that comes

    # -- until the port is there ----------------------------------------------------------------------

    def open(self) -> None:
        """See :meth:`Port.open`: waits for a port that is not there yet."""
        device = self._find() or self._appear()
        self._told = False
        self._waked_by_signals = self._signals()
        self._open(device)

    def _find(self) -> Path | None:
        if self._path.exists():
            return self._path
        with contextlib.suppress(OSError):  # no such class: no virtio-serial controller
            for node in os.listdir(self._ports):
                with contextlib.suppress(OSError):  # a port that has no name yet
                    if (self._ports / node / "name").read_text().strip() == self._path.name:
                        return self._devices / node
        return None

    def _appear(self) -> Path:
        with contextlib.ExitStack() as held:
            poll = select.poll()
            poll.register(self._alarm, select.POLLIN)
            news = _kernel_events()
            if news is not None:
                poll.register(held.enter_context(news), select.POLLIN)
            device = self._find()  # it may have come before there was anything to hear
            while device is None:
                told = [descriptor for descriptor, _ in poll.poll(LOOK_AGAIN * 1000)]
                if self._alarm in told:
                    self._quiet()
                    raise PortGone("woken")
                if not told or news is None or _of_ports(news):
                    device = self._find()
        return device

    # -- while no host is there -----------------------------------------------------------------------

    def _signals(self) -> bool:
        """Let signals ring the bell; whether that works: Python has it in the main thread alone."""
        try:
            signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
            signal.signal(signal.SIGIO, lambda *_: None)
        except ValueError:
            return False
        return True

    def _tell(self, *, wanted: bool) -> None:
        flags = fcntl.fcntl(self._fd, fcntl.F_GETFL)
        if wanted:
            fcntl.fcntl(self._fd, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(self._fd, fcntl.F_SETFL, flags | os.O_ASYNC if wanted else flags & ~os.O_ASYNC)
        self._told = wanted

    def wait(self, timeout: float | None, *, write: bool) -> None:
        """See :meth:`Port.wait`."""
        if self._absent and self._waked_by_signals and not self._told:
            self._tell(wanted=True)
            return  # a host may have come before this: look once more
        super().wait(timeout, write=write)

    def read(self) -> bytes:
        """See :meth:`Port.read`."""
        data = super().read()
        if self._told and not self._absent:
            self._tell(wanted=False)  # or every message would cost a signal
        return data

    def release(self) -> None:
        """Also leave signals alone."""
        self.close()  # first: SIGIO that nobody handles ends the process
        if self._waked_by_signals:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGIO, signal.SIG_DFL)
        super().release()


def _kernel_events() -> socket.socket | None:
    try:
        made = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, _KOBJECT_UEVENT)
    except OSError:
        return None
    try:
        made.bind((0, _KERNEL))
    except OSError:
        made.close()
        return None
    return made


def _of_ports(news: socket.socket) -> bool:
    """Whether what has come is about virtio ports; a machine that starts has hundreds of other events."""
    found = False
    try:
        while True:
            found = b"/virtio-ports/" in news.recv(16 * 1024) or found
    except BlockingIOError:
        return found
    except OSError:
        return True  # ENOBUFS: more than were kept
