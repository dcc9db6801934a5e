"""Pairing: both ends' keys are made here, on the host, and kept in files that only their owner may read.

Layout below ``<data>/guest/keys/<vm id>/`` (directories 0700, files 0600)::

    paired/   host.pem host.key guest.pem [guest.key until the guest has it]   the keys in use
    enrol/    host.pem host.key guest.pem guest.key                            a hand-over that waits
    next/     the same: what the enrolment makes of it, "paired" as soon as it works
    vm.json   name, when paired

How to hand over (the set-up disc, the guest agent and the copied file are all the same to this module)::

    store = KeyStore(paths.data / "guest")
    text = store.begin_enrolment(vm_id, name)     # JSON for ENROLMENT_FILE on the disc; valid once
    # … attach; the agent finds the file, GuestClient connects with the enrolment key, sends fresh keys,
    # and calls store.finish_enrolment(vm_id): from then on the disc is worthless. Eject and delete it.

The channel needs no certificate authority: each side trusts one certificate. Valid from 1970 to 9999,
because the clocks of guests are wrong (decision 2).
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from libneuron.guest.errors import GuestError
from libneuron.guest.wire.content import ENROLMENT_FILE
from libneuron.guest.wire.errors import ProtocolError
from libneuron.system.files import is_private, make_private_directory, sync_directory, write_atomic

if TYPE_CHECKING:
    from libneuron.guest.wire.channel import Credentials

# cryptography and ssl are imported where they are used: a tray without paired machines needs neither.

GUEST_PLACES = {
    "linux": f"/var/lib/neuron-guest/{ENROLMENT_FILE}",
    "windows": f"C:\\ProgramData\\NeuronGuest\\keys\\{ENROLMENT_FILE}",
}
"""Where the agent looks for a hand-over, besides discs; its installer made the folder for it alone."""
_SETS = ("next", "enrol", "paired")
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")


@dataclass(frozen=True)
class KeyPair:
    """A private key and its self-signed certificate, both PEM."""

    key: str
    certificate: str

    @property
    def der(self) -> bytes:
        """The certificate as DER, which is what the peer pins."""
        import ssl

        return ssl.PEM_cert_to_DER_cert(self.certificate)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, for people to compare."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        return x509.load_pem_x509_certificate(self.certificate.encode()).fingerprint(hashes.SHA256()).hex(":")


def new_pair(role: str) -> KeyPair:
    """A fresh P-256 key (fast in an emulated guest, known to every OpenSSL) and its certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"neuron {role}")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(1970, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))  # RFC 5280, 4.1.2.5: no expiry
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode())


@dataclass(frozen=True)
class Pairing:
    """What the host knows about one paired VM. ``fingerprint`` is empty where the guest's cannot be read."""

    vm: str
    name: str
    paired_at: str
    enrolling: bool
    paired: bool
    fingerprint: str


class KeyStore:
    """The host's keys for every VM, below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "keys"

    def _vm(self, vm: str) -> Path:
        if not _ID.fullmatch(vm):
            raise GuestError("guest.bad-value", problem=f"“{vm}” is no VM id")
        return self._folder / vm

    def _write(self, folder: Path, files: dict[str, str]) -> None:
        """The whole set, or what was there before: half of one would be tried, and fail, at each connect."""
        make_private_directory(self._folder)
        make_private_directory(folder.parent)
        made = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(made, ignore_errors=True)
        make_private_directory(made)
        for name, text in files.items():
            write_atomic(made / name, text.encode(), mode=0o600)
        _drop(folder)
        made.rename(folder)
        sync_directory(folder.parent)

    def begin_enrolment(self, vm: str, name: str) -> str:
        """Make an enrolment key and the keys that will replace it; returns the hand-over's JSON.

        What was paired before stays usable until the hand-over is done.
        """
        folder = self._vm(vm)
        host, guest = new_pair("host enrolment"), new_pair("guest enrolment")
        _drop(folder / "enrol")
        next_host, next_guest = new_pair("host"), new_pair("guest")
        self._write(folder / "next", _files(next_host, next_guest))
        self._write(folder / "enrol", _files(host, guest))
        self._write_note(vm, name, paired_at=self._note(vm).get("paired_at", ""))
        return json.dumps(
            {
                "format": 1,
                "vm": vm,
                "id": host.fingerprint,
                "certificate": guest.certificate,
                "key": guest.key,
                "peer": host.certificate,
            },
            indent=1,
        )

    def fresh_keys(self, vm: str) -> dict[str, str]:
        """The ``data`` of the enrol request: what the guest will use from now on."""
        folder = self._vm(vm) / "next"
        try:
            return {
                "certificate": (folder / "guest.pem").read_text(),
                "key": (folder / "guest.key").read_text(),
                "peer": (folder / "host.pem").read_text(),
            }
        except OSError as error:
            raise GuestError("guest.keys-unreadable", vm=vm, details=str(error)) from error

    def finish_enrolment(self, vm: str) -> None:
        """The guest works with the fresh keys: use only them, and forget the guest's private key."""
        folder = self._vm(vm)
        _drop(folder / "enrol")  # spent; first, so that "next" is what an interrupted end goes on with
        fresh = folder / "next"
        if fresh.is_dir():
            (fresh / "guest.key").unlink(missing_ok=True)
            _drop(folder / "paired")
            fresh.rename(folder / "paired")
            sync_directory(folder)
        self._write_note(vm, self._note(vm).get("name", vm), paired_at=datetime.now(UTC).isoformat())

    def give_up_enrolment(self, vm: str, *, paired_before: bool) -> None:
        """Pairing was given up: a hand-over that nobody took must not wait for somebody else.

        ``paired_before``: what was paired stays, and "next" with it, which the guest may have just begun to
        use; else nothing stays. Raises: GuestError keys-kept.
        """
        if not paired_before:
            self.revoke(vm)
            return
        with self._forgetting(vm) as folder:
            _drop(folder / "enrol")

    def candidates(self, vm: str) -> tuple[str, ...]:
        """The key sets to try, newest first: "next", "enrol", "paired". Empty: not paired."""
        folder = self._vm(vm)
        return tuple(name for name in _SETS if (folder / name / "host.key").exists())

    def credentials(self, vm: str, which: str = "paired") -> Credentials:
        """One key set as TLS credentials of the host.

        Raises: GuestError not-paired, keys-unreadable (also when others may read the key).
        """
        import ssl

        from libneuron.guest.wire.channel import Credentials
        from libneuron.guest.wire.tls import Identity, context

        folder = self._vm(vm) / which
        if not (folder / "host.key").exists():
            raise GuestError("guest.not-paired", vm=self._note(vm).get("name", vm))
        try:
            if not is_private(folder / "host.key"):
                raise GuestError("guest.keys-unreadable", vm=vm, details="others may read the key file")
            peer = (folder / "guest.pem").read_text()
            made = context(Identity(folder / "host.pem", folder / "host.key", peer), server=False)
        except (OSError, ProtocolError, ValueError) as error:
            raise GuestError("guest.keys-unreadable", vm=vm, details=str(error)) from error
        return Credentials(made, ssl.PEM_cert_to_DER_cert(peer))

    def revoke(self, vm: str) -> None:
        """Forget everything about a VM: it can no longer connect. Raises: GuestError keys-kept."""
        with self._forgetting(vm) as folder:
            for name in _SETS:  # first what counts: without it the rest is of no use
                (folder / name / "host.key").unlink(missing_ok=True)
            while folder.exists():  # a pairing that gives up removes its part meanwhile
                with contextlib.suppress(FileNotFoundError):
                    shutil.rmtree(folder)

    @contextlib.contextmanager
    def _forgetting(self, vm: str) -> Iterator[Path]:
        folder = self._vm(vm)
        try:
            yield folder
        except OSError as error:
            name = self._note(vm).get("name", vm)
            raise GuestError(
                "guest.keys-kept", vm=name, problem=error.strerror, folder=folder, details=str(error)
            ) from error

    def list(self) -> tuple[Pairing, ...]:
        """All VMs with keys."""
        try:
            names = sorted(path.name for path in self._folder.iterdir() if path.is_dir())
        except OSError:
            return ()
        return tuple(self._pairing(vm) for vm in names if _ID.fullmatch(vm))

    def _pairing(self, vm: str) -> Pairing:
        folder = self._vm(vm)
        note = self._note(vm)
        paired = (folder / "paired" / "host.key").exists()
        fingerprint = ""
        if paired:
            with contextlib.suppress(OSError, ValueError):  # damaged: still listed, so that it can be removed
                fingerprint = KeyPair("", (folder / "paired" / "guest.pem").read_text()).fingerprint
        return Pairing(
            vm,
            note.get("name", vm),
            note.get("paired_at", ""),
            (folder / "enrol" / "host.key").exists(),
            paired,
            fingerprint,
        )

    def _note(self, vm: str) -> dict[str, str]:
        try:
            found = json.loads((self._vm(vm) / "vm.json").read_text())
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {key: value for key, value in found.items() if isinstance(key, str) and isinstance(value, str)}

    def _write_note(self, vm: str, name: str, *, paired_at: str) -> None:
        text = json.dumps({"name": name, "paired_at": paired_at})
        write_atomic(self._vm(vm) / "vm.json", text.encode(), mode=0o600)


def _drop(folder: Path) -> None:
    """Forget a key set; first what counts: without it the rest is of no use. Raises: OSError."""
    (folder / "host.key").unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _files(host: KeyPair, guest: KeyPair) -> dict[str, str]:
    return {
        "host.pem": host.certificate,
        "host.key": host.key,
        "guest.pem": guest.certificate,
        "guest.key": guest.key,
    }
