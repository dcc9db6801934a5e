"""The peers our channel is measured against, each in a process of its own on a unix socket.

``python -m tests.bench.guest_peers KIND SOCKET FOLDER``: ``echo`` sends 64-byte pieces back through plain
``ssl``; ``sink`` swallows and ``source`` sends what the first 8 bytes (a count) say; ``agent`` is NeuronGuest
with a clipboard in memory.
"""

from __future__ import annotations

import socket
import ssl
import sys
from pathlib import Path

CHUNK = 64 * 1024


def _context(folder: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.num_tickets = 0
    made.load_cert_chain(folder / "guest.pem", folder / "guest.key")
    return made


def _exactly(stream: ssl.SSLSocket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise SystemExit(0)
        data += piece
    return data


def _serve(kind: str, stream: ssl.SSLSocket) -> None:
    while True:
        if kind == "echo":
            stream.sendall(_exactly(stream, 64))
            continue
        left = int.from_bytes(_exactly(stream, 8), "big")
        if kind == "sink":
            buffer = bytearray(CHUNK)
            while left:
                left -= stream.recv_into(buffer, min(left, CHUNK))
            stream.sendall(b"done")
        else:
            piece = bytes(CHUNK)
            while left:
                stream.sendall(piece[: min(left, CHUNK)])
                left -= min(left, CHUNK)


def main(kind: str, path: str, folder: str) -> None:
    """Serve one peer."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    print("up", flush=True)
    peer, _ = listener.accept()
    _serve(kind, _context(Path(folder)).wrap_socket(peer, server_side=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
