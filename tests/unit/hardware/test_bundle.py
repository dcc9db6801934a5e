"""Bundles: they hold what was read, open to the same machine, name nobody, and survive being damaged."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libneuron.hardware import bundle
from libneuron.hardware.capture import capture
from libneuron.hardware.errors import HardwareError
from libneuron.hardware.names import Numbers
from libneuron.system.files import Root
from libneuron.system.trees import ReplayTree
from tests.unit.hardware.pc import FIXTURES, RECORDED, Pc, config


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_machine_saved_again_is_the_same_file(name: str) -> None:
    data = (FIXTURES / f"{name}.bundle").read_bytes()
    again = bundle.record(ReplayTree(bundle.load(data, path=name)), Numbers())
    assert gzip.decompress(bundle.dump(again)) == gzip.decompress(data)


def test_this_machine_and_its_bundle_are_judged_alike(tmp_path: Path) -> None:
    recording = bundle.record(Root(), Numbers())
    bundle.save(recording, tmp_path / "x.bundle")
    opened = bundle.machine(bundle.open_file(tmp_path / "x.bundle"), Numbers())
    live = capture(Root(), Numbers())
    assert opened.devices == live.devices
    assert opened.groups == live.groups
    assert (opened.cpu, opened.memory, opened.kernel.options) == (live.cpu, live.memory, live.kernel.options)


def with_serial() -> bytes:
    space = bytearray(config())
    space[0x100:0x104] = (0x1401 << 16 | 0x0003).to_bytes(4, "little")
    space[0x104:0x10C] = bytes.fromhex("aabbccfffeddeeff")
    space[0x140:0x144] = (0x0001 << 16 | 0x000D).to_bytes(4, "little")
    return bytes(space)


SECRETS = {
    "a serial number that holds the network card's address": b"\xaa\xbb\xcc\xff\xfe",
    "a UUID": b"1b9c2f3a-52ac-4a53-9d2d-1234567890ab",
    "a network address": b"52:54:00:12:34:56",
    "a machine id": b"0123456789abcdef0123456789abcdef",
    "a user": b"/home/maria",
    "a host name": b"marias-pc",
}


@pytest.mark.parametrize("secret", SECRETS)
def test_a_bundle_names_nobody(secret: str) -> None:
    pc = Pc().desktop(arguments=(
        "BOOT_IMAGE=/boot/vmlinuz root=UUID=1b9c2f3a-52ac-4a53-9d2d-1234567890ab ip=dhcp"
        " BOOTIF=52:54:00:12:34:56 systemd.machine_id=0123456789abcdef0123456789abcdef"
        " foo=/home/maria/x hostname=marias-pc intel_iommu=on"
    )).add("0000:01:00.0", with_serial())  # fmt: skip
    pc.text("/sys/class/dmi/id/product_name", "PC of 1b9c2f3a-52ac-4a53-9d2d-1234567890ab 52:54:00:12:34:56")
    recording = bundle.record(ReplayTree(pc.recording()), Numbers())
    kept = b"\0".join([*recording.files.values(), *(text.encode() for text in recording.links.values())])
    assert SECRETS[secret] not in kept
    assert b"intel_iommu=on" in recording.files["/proc/cmdline"]


def test_what_lies_behind_the_serial_number_is_still_found() -> None:
    pc = Pc().desktop().add("0000:01:00.0", with_serial())
    recording = bundle.record(ReplayTree(pc.recording()), Numbers())
    space = bundle.machine(recording, Numbers()).devices[0].config
    assert space is not None
    assert space.extended == (0x0003, 0x000D)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a bundle",
        gzip.compress(b"[]"),
        gzip.compress(b"{"),
        gzip.compress(json.dumps({"format": 2}).encode()),
        gzip.compress(json.dumps({"format": 1, "files": []}).encode()),
        gzip.compress(json.dumps({"format": 1, "files": {"a": 1}}).encode()),
        gzip.compress(json.dumps({"format": 1, "files": {"a": "base64:!"}}).encode()),
        gzip.compress(json.dumps({"format": 1, "names": {"a": "x"}}).encode()),
        gzip.compress(json.dumps({"format": 1, "present": [1]}).encode()),
        gzip.compress(b"[" * 100_000),
        gzip.compress(b" " * (33 << 20)),
        bundle.dump(Pc().recording())[:-9],
    ],
    ids=range(13),
)  # fmt: skip
def test_a_damaged_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(HardwareError) as caught:
        bundle.load(data, path="x")
    assert caught.value.code == "hardware.bundle-unreadable"


@given(st.binary(max_size=400))
def test_any_file_is_opened_or_refused(data: bytes) -> None:
    for content in (data, gzip.compress(data)):
        try:
            bundle.load(content, path="x")
        except HardwareError as error:
            assert error.code == "hardware.bundle-unreadable"


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(HardwareError) as caught:
        bundle.save(Pc().recording(), tmp_path / "missing" / "x")
    assert caught.value.code == "hardware.bundle-unwritable"
