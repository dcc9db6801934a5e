"""Real disk images of each format: opened without changing a byte, or refused in a sentence."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
import threading
import uuid
import zlib
from pathlib import Path

import pytest

from libneuron.migration import images
from libneuron.migration.errors import MigrationError
from libneuron.migration.opening import opened
from libneuron.system.runner import RealRunner
from neuron_migration_assistant.__main__ import main
from tests.system.migration import bitlocker, ntfs

SECTOR = 512
PART = 24 << 20


def windows(top: Path) -> bytes:
    path = top / "part.raw"
    ntfs.make(path, PART)
    with ntfs.mounted(path, top / "filling") as drive:
        documents = drive / "Users/Anna/Documents"
        documents.mkdir(parents=True)
        (documents / "letter.txt").write_text("Dear")
    return path.read_bytes()


def mbr(*spans: tuple[int, int, int]) -> bytes:
    head = bytearray(SECTOR)
    for index, (kind, start, count) in enumerate(spans):
        struct.pack_into("<4xB3xII", head, 446 + 16 * index, kind, start, count)
    head[510:512] = b"\x55\xaa"
    return bytes(head)


def gpt(size: int, *spans: tuple[int, int]) -> bytes:
    """Protective MBR, header and table, as UEFI 2.10 section 5.3 has them."""
    basic = uuid.UUID("EBD0A0A2-B9E5-4433-87C0-68B6B72699C7").bytes_le
    table = b"".join(
        basic + uuid.uuid4().bytes_le + struct.pack("<QQQ", start, start + count - 1, 0) + bytes(72)
        for start, count in spans
    ).ljust(128 * 128, b"\0")
    last = size // SECTOR - 1
    fields = [b"EFI PART", 0x10000, 92, 0, 0, 1, last, 34, last - 33, uuid.uuid4().bytes_le, 2, 128, 128]
    head = struct.pack("<8sIIIIQQQQ16sQIII", *fields, zlib.crc32(table))
    head = head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]
    return mbr((0xEE, 1, last)) + head.ljust(SECTOR, b"\0") + table


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk as Windows lays it out: a small NTFS partition for recovery before the real one."""
    top = tmp_path_factory.mktemp("disk")
    small = top / "recovery.raw"
    ntfs.make(small, 2 << 20)
    size = 40 << 20
    made = bytearray(size)
    table = gpt(size, (2048, (2 << 20) // SECTOR), (8192, PART // SECTOR))
    made[: len(table)] = table
    made[2048 * SECTOR : 2048 * SECTOR + (2 << 20)] = small.read_bytes()
    made[8192 * SECTOR : 8192 * SECTOR + PART] = windows(top)
    path = top / "disk.raw"
    path.write_bytes(made)
    return path


@pytest.mark.parametrize("form", ["raw", "vhdx", "qcow2", "vmdk", "vpc", "vdi"])
def test_each_format_is_brought_over_and_left_as_it_was(
    tmp_path: Path, disk: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / f"my, disk.{form}"
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", form, disk, image], check=True)
    before = hashlib.sha256(image.read_bytes()).hexdigest()
    home = tmp_path / "home"
    home.mkdir()
    assert main(["run", str(image), "--home", str(home), "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["source"] == str(image)
    assert (home / "Documents/letter.txt").read_text() == "Dear"
    assert main(["retry", "--home", str(home), "--json"]) == 0
    assert hashlib.sha256(image.read_bytes()).hexdigest() == before


def test_nothing_stays_mounted(disk: Path) -> None:
    with opened(disk, RealRunner()) as source:
        top = source.top
        assert top.parent.name in Path("/proc/self/mounts").read_text()
    assert top.parent.name not in Path("/proc/self/mounts").read_text()
    assert not top.parent.exists()


@pytest.mark.parametrize("seconds", [0.5, 30.0], ids=["a moment", "too long"])
def test_what_has_a_file_open_there_is_waited_for_but_not_for_ever(
    disk: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(images, "_TRIES", 20)
    with opened(disk, RealRunner()) as source:
        top = source.top
        held = os.open(top / "Users/Anna/Documents/letter.txt", os.O_RDONLY)
        letting_go = threading.Timer(seconds, os.close, [held])
        letting_go.start()
    letting_go.cancel()
    assert top.parent.name not in Path("/proc/self/mounts").read_text()
    assert not top.parent.exists()
    if seconds > 1:
        os.close(held)


def refusal(path: Path) -> str:
    with pytest.raises(MigrationError) as caught, opened(path, RealRunner()):
        pass
    return caught.value.code


def test_what_is_no_windows_disk_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(os.urandom(1 << 20))
    assert refusal(path) == "migration.image-without-windows"
    path.write_bytes(b"vhdxfile" + bytes(1 << 20))
    assert refusal(path) == "migration.image-unreadable"
    path.write_bytes(mbr((7, 2048, 4096)) + bytes(2047 * SECTOR) + b"\xeb\x58\x90-FVE-FS-" + bytes(4 << 20))
    assert refusal(path) == "migration.bitlocker"


def test_missing_tools_are_named(disk: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(disk) == "migration.image-tools"


def test_damaged_tables_are_no_crash() -> None:
    for data in (b"", bytes(512), mbr((7, 1, 0xFFFFFFFF)), mbr((0xEE, 1, 9)) + b"EFI PART" + b"\xff" * 504):
        assert images.partitions(_reader(data), 1 << 20) == ()


def _reader(data: bytes) -> images.Read:
    return lambda at, length: data[at : at + length]


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same disk with its Windows partition locked by BitLocker."""
    top = tmp_path_factory.mktemp("locked")
    made = bytearray(40 << 20)
    table = gpt(len(made), (8192, PART // SECTOR))
    made[: len(table)] = table
    made[8192 * SECTOR : 8192 * SECTOR + PART] = bitlocker.lock(windows(top))
    path = top / "disk.raw"
    path.write_bytes(made)
    return path


def bring(image: Path, home: Path, key: Path) -> int:
    home.mkdir(exist_ok=True)
    return main(["run", str(image), "--home", str(home), "--yes", "--json", "--recovery-key", str(key)])


def test_a_locked_partition_opens_with_its_recovery_key_and_stays_as_it_was(
    locked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = hashlib.sha256(locked.read_bytes()).digest()
    (tmp_path / "key").write_text(
        f"Identifier:\n\n12345678-1234\n\nRecovery Key:\n\n{bitlocker.RECOVERY_KEY}\n"
    )
    assert bring(locked, tmp_path / "home", tmp_path / "key") == 0
    assert (tmp_path / "home/Documents/letter.txt").read_text() == "Dear"
    assert json.loads(capsys.readouterr().out)["totals"]["failed"] == 0
    assert hashlib.sha256(locked.read_bytes()).digest() == before
    assert "neuron-image" not in Path("/proc/self/mounts").read_text()


@pytest.mark.parametrize(
    ("key", "code", "sentence"),
    [
        (bitlocker.WRONG_KEY, "bitlocker-wrong-key", "The recovery key does not open this drive."),
        (
            "013574-440001-" + bitlocker.RECOVERY_KEY[14:],
            "bitlocker-mistyped",
            "group 2 (440001) is mistyped",
        ),
        ("hello", "bitlocker-mistyped", "group 1 is mistyped"),
        ("", "bitlocker", "locked by BitLocker"),
    ],
    ids=["wrong", "mistyped", "none at all", "missing"],
)
def test_a_key_that_does_not_open_it_is_told_in_a_sentence(
    locked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, code: str, sentence: str
) -> None:
    (tmp_path / "key").write_text(key)
    assert bring(locked, tmp_path / "home", tmp_path / "key") == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == f"migration.{code}"
    assert sentence in error["message"]
    assert list((tmp_path / "home").iterdir()) == []
    assert "neuron-image" not in Path("/proc/self/mounts").read_text()


def test_a_drive_whose_key_lies_open_needs_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image, home = tmp_path / "windows.raw", tmp_path / "home"
    image.write_bytes(bitlocker.lock(windows(tmp_path), lies_open=True))
    home.mkdir()
    assert main(["run", str(image), "--home", str(home), "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["failed"] == 0
    assert (home / "Documents/letter.txt").read_text() == "Dear"


@pytest.mark.parametrize("spoil", ["same key", "encrypted in part"])
def test_a_larger_locked_drive_beside_windows_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: str
) -> None:
    plain = tmp_path / "data.raw"
    ntfs.make(plain, PART + (4 << 20))
    data = bytearray(bitlocker.lock(plain.read_bytes()))
    if spoil == "encrypted in part":
        data[160:176] = uuid.UUID("92a84d3b-dd80-4d0e-9e4e-b1e3284eaed8").bytes_le
    made = bytearray(64 << 20)
    table = gpt(len(made), (2048, len(data) // SECTOR), (73728, PART // SECTOR))
    made[: len(table)] = table
    made[2048 * SECTOR : 2048 * SECTOR + len(data)] = data
    made[73728 * SECTOR : 73728 * SECTOR + PART] = bitlocker.lock(windows(tmp_path))
    (tmp_path / "disk.raw").write_bytes(made)
    (tmp_path / "key").write_text(bitlocker.RECOVERY_KEY)
    assert bring(tmp_path / "disk.raw", tmp_path / "home", tmp_path / "key") == 0
    assert json.loads(capsys.readouterr().out)["totals"]["failed"] == 0
    assert (tmp_path / "home/Documents/letter.txt").read_text() == "Dear"


def test_a_drive_that_is_encrypted_in_part_is_refused_with_a_way_out(locked: Path, tmp_path: Path) -> None:
    image = tmp_path / "partly.raw"
    data = bytearray(locked.read_bytes())
    at = 8192 * SECTOR + 160
    data[at : at + 16] = uuid.UUID("92a84d3b-dd80-4d0e-9e4e-b1e3284eaed8").bytes_le
    image.write_bytes(data)
    assert refusal(image) == "migration.bitlocker-unfinished"
