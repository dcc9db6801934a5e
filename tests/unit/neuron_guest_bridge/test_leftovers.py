"""What a pairing that was killed has left is taken away by the next one that looks, and by nobody before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.keys import KeyStore
from libneuron.system.paths import Paths, below
from neuron_guest_bridge.leftovers import Drive, Leftovers, noted

_VM = "0b1a36b4-2f1f-4f62-9a0e-7a52a6c6d1f0"
_PAIRING = """
import sys
from pathlib import Path
from libneuron.guest.keys import KeyStore
from neuron_guest_bridge import handing_over
from neuron_guest_bridge.leftovers import Leftovers
vm, state, data, resources, file = sys.argv[1], *map(Path, sys.argv[2:])
store = KeyStore(data)
with Leftovers(state, store, None).claim(vm, "win", "") as claim:
    text = store.begin_enrolment(vm, "win")
    with (
        handing_over.burnt(text, resources=resources, about_to=claim.image) as image,
        handing_over.as_file(file, text, about_to=claim.file),
    ):
        print(image, flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def where(tmp_path: Path) -> Paths:
    return below(tmp_path)


@pytest.fixture
def store(where: Paths) -> KeyStore:
    return KeyStore(where.data)


def _no_libvirt(_uri: str) -> Hypervisor:
    raise GuestError("guest.no-libvirt-library")


@pytest.fixture
def begin(where: Paths, tmp_path: Path) -> Iterator[Callable[[], tuple[subprocess.Popen[str], Path]]]:
    """Starts another process that pairs, up to where it waits; and its disc's image."""
    started: list[subprocess.Popen[str]] = []

    def go() -> tuple[subprocess.Popen[str], Path]:
        made = subprocess.Popen(
            [
                sys.executable, "-c", _PAIRING,
                _VM, where.state, where.data, tmp_path / "resources", tmp_path / "copy.json",
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ),
        )  # fmt: skip
        started.append(made)
        assert made.stdout is not None
        return made, Path(made.stdout.readline().strip())

    yield go
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("paired", [True, False])
def test_what_a_killed_pairing_left_is_swept(
    where: Paths,
    store: KeyStore,
    begin: Callable[[], tuple[subprocess.Popen[str], Path]],
    tmp_path: Path,
    *,
    paired: bool,
) -> None:
    if paired:
        store.begin_enrolment(_VM, "win")
        store.finish_enrolment(_VM)
    process, image = begin()
    leftovers = Leftovers(where.state, store, _no_libvirt)
    leftovers.sweep()  # it is alive: what it made is its own
    assert image.exists()
    with pytest.raises(GuestError) as busy, leftovers.claim(_VM, "win", ""):
        pass
    assert busy.value.code == "guest.pairing-busy"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert image.exists()
    assert "enrol" in store.candidates(_VM)
    assert noted(where.state)
    leftovers.sweep()
    assert not image.parent.exists()
    assert not (tmp_path / "copy.json").exists()
    assert "enrol" not in store.candidates(_VM)
    assert ("paired" in store.candidates(_VM)) is paired
    assert not noted(where.state)


def test_the_next_pairing_sweeps_as_well(
    where: Paths, store: KeyStore, begin: Callable[[], tuple[subprocess.Popen[str], Path]]
) -> None:
    process, image = begin()
    process.kill()
    process.wait()
    with Leftovers(where.state, store, _no_libvirt).claim(_VM, "win", ""):
        assert not image.parent.exists()
        assert store.candidates(_VM) == ()
    assert not noted(where.state)


def test_a_disc_that_cannot_be_taken_out_now_stays_noted(where: Paths, store: KeyStore) -> None:
    leftovers = Leftovers(where.state, store, _no_libvirt)
    with leftovers.claim(_VM, "win", "qemu:///system") as claim:
        claim.image(where.state / "gone" / "x.iso")
        claim.drive(Drive("sda", "sata", plugged=False, before=""))
        claim.stuck()
    leftovers.sweep()
    assert noted(where.state)
    with pytest.raises(GuestError), leftovers.claim(_VM, "win", "qemu:///system"):
        pytest.fail("a second disc would hide what was in the drive before the first")


def test_a_file_that_became_something_else_is_left_alone(
    where: Paths, store: KeyStore, tmp_path: Path
) -> None:
    file = tmp_path / "copy.json"
    with Leftovers(where.state, store, _no_libvirt).claim(_VM, "win", "") as claim:
        claim.file(file)
        claim.stuck()
    file.write_text(json.dumps({"vm": "another"}))
    Leftovers(where.state, store, _no_libvirt).sweep()
    assert file.exists()
    assert not noted(where.state)


@pytest.mark.parametrize("text", ["", "[]", '{"vm": 3}', '{"vm": "x", "name": "y", "uri": ""}'])
def test_a_broken_note_is_dropped(where: Paths, store: KeyStore, text: str) -> None:
    folder = where.state / "guest" / "pairing"
    folder.mkdir(parents=True)
    (folder / "x.json").write_text(text)
    Leftovers(where.state, store, _no_libvirt).sweep()
    assert not noted(where.state)


def _noted_file(where: Paths, store: KeyStore, file: Path) -> Leftovers:
    """As after a pairing by ``file`` that was killed, and a start of the computer that emptied /tmp."""
    leftovers = Leftovers(where.state, store, _no_libvirt)
    with leftovers.claim(_VM, "win", "") as claim:
        claim.file(file)
        claim.stuck()
    return leftovers


def test_what_another_user_put_in_the_files_place_neither_holds_up_nor_is_believed(
    where: Paths, store: KeyStore, tmp_path: Path
) -> None:
    file, held = tmp_path / "copy.json", tmp_path / "held.json"
    hand_over = json.dumps({"vm": _VM, "peer": "x"})

    def link() -> None:
        held.write_text(hand_over)
        file.symlink_to(held)

    def readable() -> None:
        file.write_text(hand_over)
        file.chmod(0o644)

    def deep() -> None:
        file.write_text("[" * 60_000)
        file.chmod(0o600)

    def fifo() -> None:
        os.mkfifo(file)

    for put in (fifo, link, readable, deep):
        leftovers = _noted_file(where, store, file)
        put()
        leftovers.sweep()
        assert not noted(where.state)
        assert file.is_symlink() or file.exists()
        file.unlink()


def test_a_file_that_took_the_place_of_a_link_is_swept(where: Paths, store: KeyStore, tmp_path: Path) -> None:
    file = tmp_path / "copy.json"
    file.symlink_to(tmp_path / "nowhere")
    leftovers = _noted_file(where, store, file)
    file.unlink()
    file.write_text(json.dumps({"vm": _VM, "peer": "x"}))
    file.chmod(0o600)
    leftovers.sweep()
    assert not file.exists()


def test_a_folder_that_refuses_its_lock_fails_no_start(where: Paths, store: KeyStore, tmp_path: Path) -> None:
    leftovers = _noted_file(where, store, tmp_path / "copy.json")
    lock = where.state / "guest" / "pairing" / f"{_VM}.lock"
    lock.unlink()
    lock.symlink_to(tmp_path)
    leftovers.sweep()
    assert noted(where.state)
