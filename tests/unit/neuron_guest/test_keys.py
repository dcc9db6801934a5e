"""The guest's keys: which hand-over is used, and where one is looked for."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest

from libneuron.guest.errors import GuestError
from libneuron.guest.keys import GUEST_PLACES, KeyStore
from libneuron.guest.wire.channel import hint
from libneuron.guest.wire.content import ENROLMENT_FILE
from libneuron.guest.wire.fields import Fields
from libneuron.guest.wire.record import NO_HINT
from libneuron.guest.wire.requests import Enrol
from neuron_guest.keys import GuestKeys
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


class Cut(BaseException):
    """The power goes here."""


def fresh(store: KeyStore) -> Enrol:
    """The keys that a hand-over of ``store`` is to be replaced by."""
    return Enrol(**store.fresh_keys("vm"))


@pytest.mark.parametrize("paired", [True, False])
def test_wherever_the_power_goes_a_hand_over_is_neither_usable_twice_nor_spent_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, paired: bool
) -> None:
    store = KeyStore(tmp_path / "host")
    finished = False
    calls = 0
    while not finished:
        folder = tmp_path / str(calls)
        keys = GuestKeys(folder)
        if paired:
            store.begin_enrolment("vm", "VM")
            keys.enrol(fresh(store), "earlier")
        hand_over = store.begin_enrolment("vm", "VM")
        (folder / ENROLMENT_FILE).write_text(hand_over)
        (item,) = keys.enrolments()
        new = fresh(store)
        before = (folder / "paired" / "guest.key").read_text() if paired else None
        with monkeypatch.context() as patch:
            cut_after(calls, patch)
            try:
                keys.enrol(new, item.id)
                finished = True
            except Cut:
                pass
        started = GuestKeys(folder)
        spent = not started.enrolments()
        own = (folder / "paired" / "guest.key").read_text() if started.paired else None
        assert own == (new.key if spent else before)
        assert started.credentials(b"") is not None
        if not spent:  # the host tries again
            started.enrol(new, item.id)
        assert (folder / "paired" / "guest.key").read_text() == new.key
        calls += 1
    assert calls > 8


def cut_after(calls: int, patch: pytest.MonkeyPatch) -> None:
    """Let ``calls`` changes of the disk happen, and none after."""
    count = 0

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **more: Any) -> Any:
            nonlocal count
            count += 1
            if count > calls:
                raise Cut
            return function(*args, **more)

        return wrapped

    for owner, name in (
        (os, "fsync"), (os, "unlink"), (os, "rmdir"), (Path, "rename"), (Path, "replace"),
        (Path, "unlink"), (Path, "mkdir"),
    ):  # fmt: skip
        patch.setattr(owner, name, wrap(getattr(owner, name)))


def test_what_was_enrolled_is_on_the_disk_before_it_is_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = KeyStore(tmp_path / "host")
    store.begin_enrolment("vm", "VM")
    keys = GuestKeys(tmp_path / "guest")
    done: list[str] = []
    fsync, rename, replace = os.fsync, Path.rename, Path.replace

    def synced(descriptor: int) -> None:
        done.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")
        fsync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        done.append(f"name {target.name}")
        return rename(path, target)

    def replaced(path: Path, target: Path) -> Path:
        done.append(f"name {target.name}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    monkeypatch.setattr(Path, "replace", replaced)
    keys.enrol(fresh(store), "id")
    assert done[-5:] == ["sync used.new", "name used", "sync guest", "name paired", "sync guest"]
    assert {"sync guest.key", "sync incoming"} <= set(done[:-5])
