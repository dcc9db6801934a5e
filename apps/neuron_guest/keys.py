"""The guest's keys: a folder that only the administrator may read, and hand-overs that wait to be used.

A hand-over (JSON, see libneuron.guest.keys on the host) is good once. Its id becomes durable before the fresh
keys are put into their place, and what a power cut left in between is completed at the next start: it can
neither be used twice nor be spent for nothing. Layout of the folder::

    paired/    guest.pem guest.key host.pem, and the id they came by    the keys in use
    incoming/  the same, not yet in their place; theirs once their id is in "used"
    used       ids of hand-overs that were used
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from libneuron.guest.wire.channel import Credentials, hint
from libneuron.guest.wire.content import ENROLMENT_FILE
from libneuron.guest.wire.errors import FieldError, ProtocolError
from libneuron.guest.wire.fields import Fields
from libneuron.guest.wire.record import NO_HINT
from libneuron.guest.wire.requests import Enrol
from libneuron.guest.wire.tls import Identity, context

_log = logging.getLogger(__name__)

_CAME_BY = "enrolment"


@dataclass(frozen=True)
class Enrolment:
    """A hand-over."""

    id: str
    keys: Enrol


def parse_enrolment(text: str | bytes) -> Enrolment:
    """A hand-over from its JSON. Raises: FieldError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise FieldError("enrolment", "is not JSON") from None
    fields = Fields(found, "enrolment")
    fields.integer("format", 1, 1)
    return Enrolment(fields.line("id", limit=200), Enrol.parse(fields))


class GuestKeys:
    """Keys below ``folder`` (created 0700). ``discs`` yields the text of hand-overs found elsewhere."""

    def __init__(self, folder: Path, discs: Callable[[], Iterable[bytes]] = lambda: ()) -> None:
        self._folder = folder
        self._discs = discs
        self._loaded: tuple[object, tuple[bytes, Credentials]] | None = None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(OSError):  # no "incoming": nothing was cut off
            if (folder / "incoming" / _CAME_BY).read_text() in self.used():
                self._put_into_place()

    @property
    def paired(self) -> bool:
        """Whether fresh keys are stored."""
        return (self._folder / "paired" / "guest.key").exists()

    def used(self) -> frozenset[str]:
        """Ids of hand-overs that may not be used again."""
        try:
            return frozenset((self._folder / "used").read_text().split("\n"))
        except OSError:
            return frozenset()

    def enrolments(self) -> list[Enrolment]:
        """Hand-overs that may still be used."""
        texts = list(self._discs())
        with contextlib.suppress(OSError):
            texts.append((self._folder / ENROLMENT_FILE).read_bytes())
        used = self.used()
        found: list[Enrolment] = []
        for text in texts:
            try:
                enrolment = parse_enrolment(text)
            except FieldError:
                continue  # not one of ours, or half written: the next look may find it whole
            if enrolment.id not in used:
                found.append(enrolment)
        return found

    def credentials(self, wanted: bytes) -> Credentials | None:
        """The key that ``wanted`` (the host's hint) names, else the paired one, else any hand-over."""
        known: list[tuple[bytes, Credentials]] = []
        if self.paired:
            known.append(self._paired())
        if not known or (wanted != NO_HINT and known[0][0] != wanted):
            known += self._usable(self.enrolments())
        for name, made in known:
            if name == wanted:
                return made
        return known[0][1] if known else None

    def _paired(self) -> tuple[bytes, Credentials]:
        """The paired keys, read anew only where the files are others: OpenSSL takes long over them.

        A guest that starts meets one session of the host's after another: those that began while it was away.
        """
        folder = self._folder / "paired"
        files = [folder / name for name in ("guest.pem", "guest.key", "host.pem")]
        found = [(status.st_ino, status.st_mtime_ns, status.st_size) for status in map(Path.stat, files)]
        if self._loaded is None or self._loaded[0] != found:
            self._loaded = (found, _load(files[0], files[1], files[2].read_text(), ""))
        return self._loaded[1]

    def _usable(self, items: Iterable[Enrolment]) -> Iterator[tuple[bytes, Credentials]]:
        """One disc with rubbish on it must not keep the good hand-over beside it from being used."""
        for item in items:
            try:
                yield self._temporary(item)
            except (ProtocolError, ValueError) as error:
                _log.info("a hand-over cannot be used: %s", error)

    def _temporary(self, item: Enrolment) -> tuple[bytes, Credentials]:
        """``ssl`` reads keys from files only; these live for a moment in the private folder."""
        folder = self._folder / "enrolling"
        _remove(folder)
        folder.mkdir(mode=0o700)
        try:
            _write(folder / "guest.pem", item.keys.certificate)
            _write(folder / "guest.key", item.keys.key)
            return _load(folder / "guest.pem", folder / "guest.key", item.keys.peer, item.id)
        finally:
            _remove(folder)

    def enrol(self, fresh: Enrol, used: str) -> None:
        """Store fresh keys and remember that the hand-over ``used`` is spent; both are durable afterwards.

        Raises: FieldError, OSError.
        """
        incoming = self._folder / "incoming"
        _remove(incoming)
        incoming.mkdir(mode=0o700)
        _write(incoming / "guest.pem", fresh.certificate)
        _write(incoming / "guest.key", fresh.key)
        _write(incoming / "host.pem", fresh.peer)
        try:
            _load(incoming / "guest.pem", incoming / "guest.key", fresh.peer, "")
        except (ProtocolError, ValueError) as error:
            _remove(incoming)
            raise FieldError("data.key", f"is not usable: {error}") from error
        _write(incoming / _CAME_BY, used)
        _sync(incoming)
        _sync(self._folder)
        _write(self._folder / "used.new", "\n".join([*sorted(self.used()), used]))
        (self._folder / "used.new").replace(self._folder / "used")
        _sync(self._folder)
        self._put_into_place()

    def _put_into_place(self) -> None:
        _remove(self._folder / "paired")
        (self._folder / "incoming").rename(self._folder / "paired")
        (self._folder / ENROLMENT_FILE).unlink(missing_ok=True)
        _sync(self._folder)


def _load(certificate: Path, key: Path, peer: str, enrolment: str) -> tuple[bytes, Credentials]:
    own = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    made = context(Identity(certificate, key, peer), server=True)
    return hint(own), Credentials(made, ssl.PEM_cert_to_DER_cert(peer), enrolment)


def _remove(folder: Path) -> None:
    import shutil  # only an enrolment needs it, and an emulated machine pays dearly for what a start imports

    if folder.exists():
        shutil.rmtree(folder)


def _sync(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    if os.name == "nt":
        return  # NTFS journals names by itself, and Windows opens no folder for this
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
