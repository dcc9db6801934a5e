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


def pair(folder: Path) -> tuple[TlsPipe, TlsPipe]:
    """Host's and guest's end of one session."""
    host, guest = new_pair("host"), new_pair("guest")
    ends = []
    for name, own, other in (("h", host, guest), ("g", guest, host)):
        (folder / f"{name}c").write_text(own.certificate)
        (folder / f"{name}k").write_text(own.key)
        identity = Identity(folder / f"{name}c", folder / f"{name}k", other.certificate)
        made = context(identity, server=name == "g")
        ends.append(TlsPipe(made, ssl.PEM_cert_to_DER_cert(other.certificate), server=name == "g"))
    one, two = ends
    one.start()
    while not (one.established and two.established):
        two.put(one.take())
        two.get()
        one.put(two.take())
        one.get()
    return one, two


PIECES = (b"head", memoryview(bytes(range(256)) * 400), b"")


def taken(framed: bytes, most: int) -> bytes:
    """What lies between the headers of ``framed``, each of which is the length as four bytes."""
    payloads = b""
    while framed:
        size = int.from_bytes(framed[:4], "big")
        assert 0 < size <= most
        payloads += framed[4 : 4 + size]
        framed = framed[4 + size :]
    return payloads


def test_bulk_lies_between_headers_that_were_put_there_before_it(tmp_path: Path) -> None:
    one, two = pair(tmp_path)
    for most in (32 * 1024, 16 * 1024 + 22, 1000):
        framed, astray = one.seal_framed(PIECES, most, lambda size: size.to_bytes(4, "big"))
        assert not astray
        two.put(taken(framed, most))
        assert b"".join(two.get()) == b"".join(PIECES)


def test_a_record_of_unexpected_length_is_handed_over_without_headers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = pair(tmp_path)
    monkeypatch.setattr("libneuron.guest.wire.tls._OVERHEAD", 40)
    framed, astray = one.seal_framed(PIECES, 32 * 1024, lambda size: size.to_bytes(4, "big"))
    two.put(taken(framed, 32 * 1024) + astray)
    assert b"".join(two.get()) == b"".join(PIECES)


def test_what_somebody_still_looks_at_is_not_written_over(tmp_path: Path) -> None:
    one, two = pair(tmp_path)
    kept = []
    for letter in (b"a", b"b", b"c"):
        two.put(one.seal(letter * 100_000))
        (gathered, *rest) = two.get()
        kept.append((letter, gathered))
        del rest
    for letter, gathered in kept:
        assert set(bytes(gathered)) == set(letter)
