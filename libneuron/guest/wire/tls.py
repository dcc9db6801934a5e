"""TLS 1.3 over memory: mutual authentication by pinned certificates, no tickets, no fallback.

The host is the client, the guest the server. Both sides demand a certificate, trust exactly one and compare
its DER afterwards. A TLS 1.3 client is done before the server has judged its certificate, so a client may
call the session ready only when the server's first application data arrived (RFC 8446, section 4.4.4).
"""

from __future__ import annotations

import hmac
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from libneuron.guest.wire.errors import AuthenticationError, ProtocolError

_RECORD = 16 * 1024  # the most one call of SSL_read gives
_TLS_HEADER = 5
# Of a TLS 1.3 record: header, type of content, and the tag of AES-GCM or ChaCha20.
_OVERHEAD = _TLS_HEADER + 1 + 16
_GATHER = 256 * 1024
_KEPT_HEAP = 2 * 1024 * 1024

# What OpenSSL names errors by which one end refuses the other's certificate.
_REFUSALS = (
    "CERTIFICATE",
    "UNKNOWN_CA",
    "UNKNOWN CA",
    "BAD_CERTIFICATE",
    "ACCESS_DENIED",
    "DECRYPT_ERROR",
    "HANDSHAKE_FAILURE",
    "HANDSHAKE FAILURE",
)


@dataclass(frozen=True)
class Identity:
    """Files one end proves itself with, and the one certificate (PEM) it accepts from the other."""

    certificate: Path
    key: Path
    peer: str


_ANSWERS = 8 * 1024  # bytes of a handshake's last words, and of answers to changed keys


def context(identity: Identity, *, server: bool) -> ssl.SSLContext:
    """A context that accepts nobody but ``identity.peer``.

    Raises: OSError if a file cannot be read; ProtocolError if a key or certificate is not usable.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    if server:
        made.num_tickets = 0
    try:
        made.load_verify_locations(cadata=identity.peer)
        made.load_cert_chain(identity.certificate, identity.key)
    except ssl.SSLError as error:
        raise ProtocolError(f"the key files cannot be used: {error}") from error
    return made


def sealed_size(plain: int) -> int:
    """Wire bytes that ``plain`` bytes become (RFC 8446, 5.2; no padding)."""
    return plain + -(-plain // _RECORD) * _OVERHEAD


def plain_size(wire: int) -> int:
    """The most plain bytes that fit ``wire`` wire bytes."""
    whole, rest = divmod(wire, _RECORD + _OVERHEAD)
    return whole * _RECORD + max(0, rest - _OVERHEAD)


def _parts(pieces: Iterable[bytes | memoryview], size: int) -> Iterator[memoryview]:
    for piece in pieces:
        view = memoryview(piece)
        for at in range(0, len(view), size):
            yield view[at : at + size]


def keep_heap() -> None:
    """Make and drop one large block, so that blocks up to its size come from a heap that is kept.

    glibc maps larger blocks one by one and gives them back at once, until a program frees one (mallopt(3),
    M_MMAP_THRESHOLD, "dynamic"); each piece of bulk would cost its page faults. Harmless elsewhere.
    """
    block = bytes(_KEPT_HEAP)  # never touched: it takes no memory
    del block


class TlsPipe:
    """One TLS session: wire bytes in, plain bytes out, and the other way round."""

    def __init__(self, made: ssl.SSLContext, peer_der: bytes, *, server: bool) -> None:
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._tls = made.wrap_bio(self._in, self._out, server_side=server)
        self._peer_der = peer_der
        self._gathered = bytearray()
        self.established = False

    def start(self) -> None:
        """Begin the handshake (the client speaks first)."""
        self._handshake()

    def _fail(self, error: ssl.SSLError) -> ProtocolError:
        text = f"{error.reason or ''} {error}".upper()
        kind = AuthenticationError if any(word in text for word in _REFUSALS) else ProtocolError
        return kind(f"TLS: {error.reason or error}")

    def _handshake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            raise self._fail(error) from error
        found = self._tls.getpeercert(binary_form=True)
        if found is None or not hmac.compare_digest(found, self._peer_der):
            raise AuthenticationError("the peer shows another certificate than the pinned one")
        self.established = True

    def put(self, data: bytes | memoryview) -> None:
        """Take wire bytes; :meth:`get` gives what they hold."""
        self._in.write(data)

    def only(self, data: bytes | memoryview) -> bytes | None:
        """As :meth:`put`, and where ``data`` is exactly one TLS record, its plain bytes.

        None otherwise: what there is is for :meth:`get`. Raises: ProtocolError.
        """
        whole = not self._in.pending and int.from_bytes(data[3:5], "big") == len(data) - _TLS_HEADER
        self._in.write(data)
        if not whole:
            return None
        try:
            return self._tls.read(len(data)) or self._some(b"")
        except ssl.SSLWantReadError:
            self._check_answers()
            return None  # it carries nothing for us
        except ssl.SSLError as error:
            raise self._fail(error) from error

    def get(self) -> list[bytes | memoryview]:
        """The plain bytes that have arrived. Raises: ProtocolError, AuthenticationError."""
        plain: list[bytes | memoryview] = []
        if not self.established:
            self._handshake()
            if not self.established:
                return plain
        try:
            while size := self._in.pending:
                # One call takes a whole TLS record, so OpenSSL itself never keeps plain bytes.
                if size <= _RECORD:
                    plain.append(self._some(self._tls.read(_RECORD)))
                else:
                    self._gather(plain, min(size, _GATHER))
        except ssl.SSLWantReadError:
            self._check_answers()  # and the rest of a TLS record is still to come
        except ssl.SSLError as error:
            raise self._fail(error) from error
        return plain

    def _check_answers(self) -> None:
        """OpenSSL answers each change of keys (RFC 8446, 4.6.3), which waits until we send something."""
        if self._out.pending > _ANSWERS:
            raise ProtocolError("the peer changes its keys without end")

    @staticmethod
    def _some(plain: bytes) -> bytes:
        if not plain:
            raise ProtocolError("the peer ended the session")
        return plain

    def _buffer(self) -> bytearray:
        """The last one unless somebody still looks at it (a new one is filled first), or a new one."""
        try:
            self._gathered.append(0)  # refused while anybody has a view of it
            self._gathered.pop()
        except BufferError:
            self._gathered = bytearray()
        if not self._gathered:
            self._gathered = bytearray(_GATHER)
        return self._gathered

    def _gather(self, plain: list[bytes | memoryview], size: int) -> None:
        """Many TLS records into one buffer: a block for each would cost more."""
        view, filled, read = memoryview(self._buffer()), 0, self._tls.read
        try:
            while size - filled >= _RECORD:  # or until OpenSSL wants more
                # With a buffer it returns a count (documentation of ssl; typeshed knows the other form only).
                count: int = read(_RECORD, view[filled:])  # type: ignore[assignment]
                if not count:
                    raise ProtocolError("the peer ended the session")
                filled += count
        finally:
            if filled:
                plain.append(view[:filled])

    def seal(self, plain: bytes) -> bytes:
        """``plain`` as wire bytes, with all that waited to go out before. Raises: ProtocolError."""
        try:
            self._tls.write(plain)
        except ssl.SSLError as error:
            raise self._fail(error) from error
        return self._out.read()

    def seal_framed(
        self, pieces: Iterable[bytes | memoryview], most: int, header: Callable[[int], bytes]
    ) -> tuple[bytes, bytes]:
        """``pieces`` as wire bytes with a header before each ``most`` of them; nothing may be waiting.

        How long a TLS record becomes is known before it is made: its header is put where it belongs, and
        nothing need be copied together. Where OpenSSL has more to say (new keys, RFC 8446, 4.6.3), all from
        there on has no headers and is returned apart. Raises: ProtocolError.
        """
        out, write, framed = self._out, self._tls.write, 0
        parts = _parts(pieces, plain_size(most))
        try:
            for part in parts:
                size = sealed_size(len(part))
                begun = header(size)
                out.write(begun)
                write(part)
                size += len(begun)
                if out.pending != framed + size:
                    for later in parts:
                        write(later)
                    made = out.read()
                    return made[:framed], made[framed + len(begun) :]
                framed += size
        except ssl.SSLError as error:
            raise self._fail(error) from error
        return out.read(), b""

    def take(self) -> bytes:
        """Wire bytes waiting to go out."""
        return self._out.read() if self._out.pending else b""
