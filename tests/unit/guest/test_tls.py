"""TLS against a peer that has another library, and means no good."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from libneuron.guest.keys import new_pair
from libneuron.guest.wire.errors import ProtocolError
from libneuron.guest.wire.tls import Identity, TlsPipe, context


@contextmanager
def openssl(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket, TlsPipe]]:
    """OpenSSL's own server as the guest, whose standard input makes it do odd things."""
    host, guest = new_pair("host"), new_pair("guest")
    for name, text in (
        ("hc", host.certificate),
        ("hk", host.key),
        ("gc", guest.certificate),
        ("gk", guest.key),
    ):
        (folder / name).write_text(text)
    words = ["openssl", "s_server", "-tls1_3", "-accept", "127.0.0.1:0", "-naccept", "1"]
    files = ["-cert", str(folder / "gc"), "-key", str(folder / "gk")]
    process = subprocess.Popen([*words, *files], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        said = b""
        while not said.startswith(b"ACCEPT "):
            said = process.stdout.readline()
            assert said
        made = context(Identity(folder / "hc", folder / "hk", guest.certificate), server=False)
        pipe = TlsPipe(made, ssl.PEM_cert_to_DER_cert(guest.certificate), server=False)
        port = int(said.rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
            yield process, line, pipe
    finally:
        process.kill()
        process.communicate()


def test_a_peer_that_changes_its_keys_without_end_is_hung_up_on(tmp_path: Path) -> None:
    with openssl(tmp_path) as (process, line, pipe):
        pipe.start()
        while not pipe.established:
            line.sendall(pipe.take())
            pipe.put(line.recv(65536))
            assert pipe.get() == []
        line.sendall(pipe.take())
        assert process.stdin is not None
        taken = 0
        with pytest.raises(ProtocolError, match="keys"):
            while taken < 2000:
                taken += 1
                process.stdin.write(b"K\n")  # a KeyUpdate that asks for one in return
                process.stdin.flush()
                pipe.put(line.recv(65536))
                assert pipe.get() == []
        assert taken > 50  # a few are nobody's fault
