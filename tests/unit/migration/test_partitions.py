"""Partitions that nobody has opened, through udisks2; the service is python-dbusmock's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import dbusmock
import pytest
from dbus_fast import Variant

from libneuron.migration import partitions
from libneuron.migration.errors import MigrationError
from libneuron.system.bus import LoopThread
from libneuron.system.calls import BlockingBus
from libneuron.system.udisks import Udisks
from tests.system.lab.shell import until

NAME, TOP = "org.freedesktop.UDisks2", "/org/freedesktop/UDisks2"
MOCK = "org.freedesktop.DBus.Mock"
PLAIN, LOCKED, CLEAR = (f"{TOP}/block_devices/{name}" for name in ("sdb3", "sdc1", "dm_2d0"))
KEY = "-".join(["000011"] * 8)
DENIED = f"raise dbus.exceptions.DBusException('no', name='{NAME}.Error.NotAuthorizedDismissed')"
FAILED = f"raise dbus.exceptions.DBusException('Incorrect passphrase', name='{NAME}.Error.Failed')"

Mock = Callable[..., None]


@pytest.fixture
def bus() -> Iterator[BlockingBus]:
    read, write = os.pipe()
    argv = ["dbus-daemon", "--session", "--nofork", f"--print-address={write}"]
    daemon = subprocess.Popen(argv, pass_fds=[write])
    os.close(write)
    address = os.read(read, 4096).decode().strip()
    os.close(read)
    with LoopThread() as loop:
        made = BlockingBus(loop, address=address)
        yield made
        made.close()
    daemon.terminate()
    daemon.wait(10)


def block(device: str, kind: str) -> dict[str, Variant]:
    return {
        "Device": Variant("ay", device.encode() + b"\0"),
        "Size": Variant("t", 500 << 30),
        "IdType": Variant("s", kind),
        "IdLabel": Variant("s", "Windows"),
    }


@pytest.fixture
def mock(bus: BlockingBus, tmp_path: Path) -> Iterator[Mock]:
    """Puts an interface with its properties and methods on an object of the pretended service."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/dbusmock").symlink_to(Path(dbusmock.__file__).parent)
    words = ["/usr/bin/python3", "-m", "dbusmock", "--is-object-manager", NAME, TOP, f"{NAME}.Manager"]
    own = {"PYTHONPATH": str(tmp_path / "lib"), "DBUS_SESSION_BUS_ADDRESS": str(bus.address)}
    process = subprocess.Popen(words, env={**os.environ, **own}, stdout=subprocess.DEVNULL)
    daemon = "org.freedesktop.DBus"
    until(
        lambda: bus.call(daemon, "/org/freedesktop/DBus", daemon, "NameHasOwner", "s", (NAME,))[0],
        timeout=20,
        what="the service",
    )

    def put(
        name: str,
        interface: str,
        properties: dict[str, Variant],
        methods: list[list[str]],
        *,
        new: bool = False,
    ) -> None:
        full = f"{NAME}.{interface}"
        if new:
            body = (name, full, properties, methods)
            bus.call(NAME, TOP, MOCK, "AddObject", "ssa{sv}a(ssss)", body)
        else:
            bus.call(NAME, name, MOCK, "AddProperties", "sa{sv}", (full, properties))
            bus.call(NAME, name, MOCK, "AddMethods", "sa(ssss)", (full, methods))

    yield put
    process.terminate()
    process.wait(10)


def plain(mock: Mock, mount: str, mounts: tuple[bytes, ...] = ()) -> None:
    mock(PLAIN, "Block", block("/dev/sdb3", "ntfs"), [], new=True)
    points = {"MountPoints": Variant("aay", list(mounts))}
    mock(PLAIN, "Filesystem", points, [["Mount", "a{sv}", "s", mount], ["Unmount", "a{sv}", "", ""]])


def locked(mock: Mock, unlock: str, mount: str) -> None:
    mock(LOCKED, "Block", block("/dev/sdc1", "BitLocker"), [], new=True)
    methods = [["Unlock", "sa{sv}", "o", unlock], ["Lock", "a{sv}", "", ""]]
    mock(LOCKED, "Encrypted", {"CleartextDevice": Variant("o", "/")}, methods)
    mock(CLEAR, "Block", block("/dev/dm-0", "ntfs"), [], new=True)
    mock(CLEAR, "Filesystem", {"MountPoints": Variant("aay", [])},
         [["Mount", "a{sv}", "s", mount], ["Unmount", "a{sv}", "", ""]])  # fmt: skip


def calls(bus: BlockingBus, name: str) -> list[tuple[str, list[object]]]:
    found = bus.call(NAME, name, MOCK, "GetCalls")[0]
    return [(member, words) for _when, member, words in found]


def test_a_partition_is_mounted_read_only_and_unmounted_again(bus: BlockingBus, mock: Mock) -> None:
    plain(mock, "ret = '/run/media/anna/Windows'")
    service = Udisks(bus)
    assert [one.device for one in partitions.closed(service)] == [Path("/dev/sdb3")]
    with partitions.mounted(Path("/dev/sdb3"), service) as place:
        assert place == Path("/run/media/anna/Windows")
        assert calls(bus, PLAIN) == [("Mount", [{"options": "ro"}])]
    assert calls(bus, PLAIN)[1:] == [("Unmount", [{}])]


def test_a_partition_that_is_open_is_used_and_left_open(bus: BlockingBus, mock: Mock) -> None:
    plain(mock, FAILED, (b"/media/win\0",))
    service = Udisks(bus)
    assert partitions.closed(service) == ()
    with partitions.mounted(Path("/dev/sdb3"), service) as place:
        assert place == Path("/media/win")
    assert calls(bus, PLAIN) == []


def test_bitlocker_is_unlocked_for_reading_and_locked_again(bus: BlockingBus, mock: Mock) -> None:
    locked(mock, f"ret = dbus.ObjectPath('{CLEAR}')", "ret = '/run/media/anna/Windows'")
    with partitions.mounted(Path("/dev/sdc1"), Udisks(bus), " ".join(["000011"] * 8)) as place:
        assert place == Path("/run/media/anna/Windows")
        assert calls(bus, LOCKED) == [("Unlock", [KEY, {"read-only": True}])]
        assert calls(bus, CLEAR) == [("Mount", [{"options": "ro"}])]
    assert calls(bus, CLEAR)[1:] == [("Unmount", [{}])]
    assert calls(bus, LOCKED)[1:] == [("Lock", [{}])]


def test_what_cannot_be_mounted_is_locked_again(bus: BlockingBus, mock: Mock) -> None:
    locked(mock, f"ret = dbus.ObjectPath('{CLEAR}')", FAILED)
    assert refusal(bus, "/dev/sdc1", KEY) == "migration.mount-failed"
    assert calls(bus, LOCKED)[1:] == [("Lock", [{}])]


def refusal(bus: BlockingBus, device: str, key: str = "", *, patience: float = 30.0) -> str:
    with (
        pytest.raises(MigrationError) as caught,
        partitions.mounted(Path(device), Udisks(bus, patience=patience), key),
    ):
        pass
    return caught.value.code


@pytest.mark.parametrize(
    ("mount", "code"), [(DENIED, "mount-denied"), (FAILED, "mount-failed")], ids=["denied", "failed"]
)
def test_a_partition_that_is_refused_is_told(bus: BlockingBus, mock: Mock, mount: str, code: str) -> None:
    plain(mock, mount)
    assert refusal(bus, "/dev/sdb3") == f"migration.{code}"


def test_a_service_that_hangs_is_told(bus: BlockingBus, mock: Mock) -> None:
    plain(mock, "import time; time.sleep(3)")
    assert refusal(bus, "/dev/sdb3", patience=0.2) == "migration.mount-silent"


@pytest.mark.parametrize(
    ("unlock", "key", "code"),
    [
        (FAILED, KEY, "bitlocker-wrong-key"),
        (DENIED, KEY, "mount-denied"),
        (FAILED, "000012-" + KEY[7:], "bitlocker-mistyped"),
        (FAILED, "", "bitlocker"),
    ],
    ids=["wrong", "denied", "mistyped", "none"],
)
def test_a_key_that_does_not_open_it_is_told(
    bus: BlockingBus, mock: Mock, unlock: str, key: str, code: str
) -> None:
    locked(mock, unlock, FAILED)
    assert refusal(bus, "/dev/sdc1", key) == f"migration.{code}"


def test_an_unknown_device_and_a_missing_service_are_told(bus: BlockingBus) -> None:
    assert refusal(bus, "/dev/nothing") == "migration.mount-service"


def test_a_device_that_udisks_does_not_know_is_told(bus: BlockingBus, mock: Mock) -> None:
    plain(mock, FAILED)
    assert refusal(bus, "/dev/nothing") == "migration.source-missing"
