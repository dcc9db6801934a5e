"""The guest's keys: which hand-over is used, and where one is looked for."""

from __future__ import annotations

import json
import ssl
from pathlib import Path, PureWindowsPath

import pytest

from libneuron.guest.errors import GuestError
from libneuron.guest.keys import GUEST_PLACES, KeyStore
from libneuron.guest.wire.channel import hint
from libneuron.guest.wire.fields import Fields
from libneuron.guest.wire.record import NO_HINT
from libneuron.guest.wire.requests import Enrol
from neuron_guest.keys import ENROLMENT_FILE, GuestKeys
from neuron_guest.platform.linux.machine import MACHINE as LINUX
from neuron_guest.platform.windows import known_folders
from neuron_guest.platform.windows.machine import MACHINE as WINDOWS


def test_a_disc_with_rubbish_does_not_hide_the_good_one(tmp_path: Path) -> None:
    good = KeyStore(tmp_path / "host").begin_enrolment("vm", "VM")
    pem = "-----BEGIN x"
    rubbish = json.dumps({"format": 1, "id": "z", "certificate": pem, "key": pem, "peer": pem})
    keys = GuestKeys(tmp_path / "guest", lambda: [rubbish.encode(), good.encode()])
    wanted = hint(ssl.PEM_cert_to_DER_cert(json.loads(good)["certificate"]))
    found = keys.credentials(wanted)
    assert found is not None
    assert found.enrolment == json.loads(good)["id"]


def test_pairing_anew_forgets_nothing_of_the_pairing_that_still_holds(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    store.begin_enrolment("vm", "VM")
    store.finish_enrolment("vm")
    (before,) = store.list()
    store.begin_enrolment("vm", "VM")
    (now,) = store.list()
    assert (now.paired, now.enrolling) == (True, True)
    assert now.paired_at == before.paired_at != ""


def test_the_host_puts_a_hand_over_where_the_agent_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert GUEST_PLACES["linux"] == str(LINUX.keys_folder / ENROLMENT_FILE)
    # Windows' own answer for FOLDERID_ProgramData on an ordinary installation.
    monkeypatch.setattr(known_folders, "path_of", lambda _folder: Path("/ProgramData"))
    looked_for = PureWindowsPath(f"C:{WINDOWS.keys_folder / ENROLMENT_FILE}")
    assert PureWindowsPath(GUEST_PLACES["windows"]) == looked_for


def test_keys_that_cannot_be_removed_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = KeyStore(tmp_path)
    store.begin_enrolment("vm", "VM")
    store.finish_enrolment("vm")

    def refuse(*_args: object, **_more: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", refuse)
        with pytest.raises(GuestError) as caught:
            store.revoke("vm")
        assert caught.value.code == "guest.keys-kept"
        assert "Permission denied" in caught.value.sentence()
        assert store.candidates("vm") == ()  # what counts is gone first
    store.begin_enrolment("vm", "VM")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refuse)
        with pytest.raises(GuestError):
            store.revoke("vm")
    assert store.candidates("vm") != ()
    store.revoke("vm")
    store.revoke("vm")
    assert not (tmp_path / "keys" / "vm").exists()


def test_the_paired_keys_are_read_once_until_there_are_others(tmp_path: Path) -> None:
    keys = GuestKeys(tmp_path / "guest")
    store = KeyStore(tmp_path / "host")

    def pair() -> str:
        store.begin_enrolment("vm", "VM")
        fresh = store.fresh_keys("vm")
        keys.enrol(Enrol.parse(Fields(dict(fresh))), "an id")
        return fresh["peer"]

    pair()
    first = keys.credentials(NO_HINT)
    assert first is not None
    assert keys.credentials(NO_HINT) is first
    peer = pair()
    second = keys.credentials(NO_HINT)
    assert second is not None
    assert second.peer_der == ssl.PEM_cert_to_DER_cert(peer) != first.peer_der
