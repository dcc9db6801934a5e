"""A serial line between Wine and a unix socket: the host sees what it sees of a VM's virtio port.

Like QEMU's, the socket serves one client, and the guest's end stays open while no client is there (what the
guest writes then is lost).
"""

from __future__ import annotations

import os
import select
import socket
import threading
import tty
from pathlib import Path

_CHUNK = 65536


class PortBridge:
    """Listens at ``path``; :attr:`pty` is what a COM port links to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._master, self._slave = os.openpty()
        os.set_blocking(self._master, False)
        tty.setraw(self._slave)
        self.pty = os.ttyname(self._slave)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(1)
        self._wake_reading, self._wake_writing = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="port-bridge", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        client: socket.socket | None = None
        while True:
            waiting: list[int | socket.socket] = [self._wake_reading, self._master, client or self._server]
            ready, _, _ = select.select(waiting, [], [])
            if self._wake_reading in ready:
                break
            if self._server in ready:
                client, _ = self._server.accept()
                continue
            if self._master in ready:
                data = os.read(self._master, _CHUNK)
                client = self._to_host(client, data)
            elif client is not None and client in ready:
                client = self._to_guest(client)
        if client is not None:
            client.close()

    def _to_host(self, client: socket.socket | None, data: bytes) -> socket.socket | None:
        try:
            if client is not None:
                client.sendall(data)
        except OSError:
            assert client is not None
            client.close()
            client = None
        return client

    def _to_guest(self, client: socket.socket) -> socket.socket | None:
        try:
            data = client.recv(_CHUNK)
        except OSError:
            data = b""
        if not data:
            client.close()
            return None
        view = memoryview(data)
        while view:
            # A pty's input queue is small: what the guest says meanwhile must flow, or both ends stand still.
            ready, can_write, _ = select.select([self._master, self._wake_reading], [self._master], [])
            if self._wake_reading in ready:
                return client
            if self._master in ready:
                client_now = self._to_host(client, os.read(self._master, _CHUNK))
                if client_now is None:
                    return None
            if can_write:
                view = view[os.write(self._master, view) :]
        return client

    def close(self) -> None:
        """Stop, close everything and remove the socket."""
        os.write(self._wake_writing, b"x")
        self._thread.join()
        self._server.close()
        for descriptor in (self._master, self._slave, self._wake_reading, self._wake_writing):
            os.close(descriptor)
        self.path.unlink(missing_ok=True)
