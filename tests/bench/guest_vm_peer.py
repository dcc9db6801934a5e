"""What runs inside the guest for :mod:`tests.bench.guest_vm`. Standard library only; copied in as one file.

``python3 guest_vm_peer.py KIND DEVICE FOLDER``: ``raw`` and ``tls`` serve a virtio port; ``aead`` prints how
many bytes a second this machine encrypts and decrypts. A request is one byte and eight of length:
``e`` echoes pieces of that size until the next request, ``s`` swallows that many and answers ``k``, ``g``
gives that many.
"""

import os
import ssl
import sys
import time

CHUNK = 32 * 1024


class Raw:
    """The port itself."""

    def __init__(self, device: str) -> None:
        self._fd = os.open(device, os.O_RDWR)

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; waits for a host."""
        while True:
            data = os.read(self._fd, size)
            if data:
                return data
            time.sleep(0.05)

    def write(self, data: bytes) -> None:
        """All of ``data``."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]


class Tls:
    """Plain ``ssl`` over the port."""

    def __init__(self, raw: Raw, folder: str) -> None:
        self._raw = raw
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_3
        made.num_tickets = 0
        made.load_cert_chain(f"{folder}/guest.pem", f"{folder}/guest.key")
        self._tls = made.wrap_bio(self._in, self._out, server_side=True)
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._in.write(raw.read(65536))
        self._flush()

    def _flush(self) -> None:
        if self._out.pending:
            self._raw.write(self._out.read())

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes."""
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                self._in.write(self._raw.read(65536))

    def write(self, data: bytes) -> None:
        """All of ``data``."""
        self._tls.write(data)
        self._flush()


def exactly(stream, size: int) -> bytes:  # type: ignore[no-untyped-def]  # Raw or Tls
    """``size`` bytes."""
    data = b""
    while len(data) < size:
        data += stream.read(size - len(data))
    return data


def serve(stream) -> None:  # type: ignore[no-untyped-def]  # Raw or Tls
    """Answer requests for ever."""
    while True:
        kind = exactly(stream, 1)
        left = int.from_bytes(exactly(stream, 8), "big")
        if kind == b"e":
            stream.write(exactly(stream, left))
        elif kind == b"s":
            while left:
                left -= len(stream.read(min(left, CHUNK)))
            stream.write(b"k")
        else:
            piece = bytes(CHUNK)
            while left:
                size = min(left, CHUNK)
                stream.write(piece[:size])
                left -= size


def aead(folder: str) -> None:
    """Print bytes a second encrypted and decrypted by TLS 1.3 in memory, as two numbers."""
    near, far = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.num_tickets = 0
    server.load_cert_chain(f"{folder}/guest.pem", f"{folder}/guest.key")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(f"{folder}/guest.pem")
    ends = [client.wrap_bio(near, far), server.wrap_bio(far, near, server_side=True)]
    waiting = True
    while waiting:
        waiting = False
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                waiting = True
    one, other = ends
    piece, count = bytes(CHUNK), 128
    spent = [0.0, 0.0]
    for _ in range(count):
        began = time.perf_counter()
        one.write(piece)
        middle = time.perf_counter()
        left = CHUNK
        while left:
            left -= len(other.read(left))
        spent[0] += middle - began
        spent[1] += time.perf_counter() - middle
    print(*(CHUNK * count / seconds for seconds in spent))


if __name__ == "__main__":
    if sys.argv[1] == "aead":
        aead(sys.argv[3])
    else:
        port = Raw(sys.argv[2])
        serve(port if sys.argv[1] == "raw" else Tls(port, sys.argv[3]))
