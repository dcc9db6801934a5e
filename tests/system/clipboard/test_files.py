"""Files copied on a real desktop and pasted in a guest, and the other way: whole, safe, or not at all."""

from __future__ import annotations

import random
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from libneuron.guest.clipboard.rules import Happened, Rules, Side
from libneuron.system.clipboard.spool import MIB
from libneuron.system.clipboard.targets import FILES, HTML, TEXT
from neuron_guest.backend import BackendError
from neuron_guest.files import LocalFiles
from neuron_guest.simulated import SimulatedBackend
from tests.system.clipboard.conftest import Display
from tests.system.clipboard.coupling import Coupling, host_clipboard
from tests.system.clipboard.simulated import SimulatedGuest

Couple = Callable[..., Coupling]


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[SimulatedGuest]:
    made = SimulatedGuest(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=["x11", "wayland"])
def desktop(request: pytest.FixtureRequest) -> Display:
    found: Display = request.getfixturevalue("display" if request.param == "x11" else "compositor")
    return found


x11_only = pytest.mark.parametrize("desktop", ["x11"], indirect=True)


@pytest.fixture
def couple(guest: SimulatedGuest, desktop: Display, tmp_path: Path) -> Iterator[Couple]:
    made: list[Coupling] = []

    def go(rules: Rules | None = None) -> Coupling:
        made.append(guest.couple(host_clipboard(desktop, tmp_path / "spool"), rules=rules))
        return made[-1]

    yield go
    for coupling in made:
        coupling.close()


def given(folder: Path, *, size: int = 997) -> dict[str, bytes]:
    """Thirty files in ``folder``, of which one is empty and one lies deeper."""
    (folder / "in" / "deeper").mkdir(parents=True)
    noise = random.Random(7)
    made = {f"שלום {number} 😀 é%20 '$(id)'.txt": noise.randbytes(number * size) for number in range(29)}
    made["in/deeper/x"] = b"deep"
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return made


def uris(folder: Path) -> bytes:
    return "".join(f"{path.as_uri()}\r\n" for path in sorted(folder.iterdir())).encode()


def paths(uri_list: bytes) -> list[Path]:
    return [Path(unquote(line.removeprefix("file://"))) for line in uri_list.decode().split("\r\n") if line]


def contents(tops: Sequence[Path]) -> dict[str, bytes]:
    """All files below ``tops``, by their path beside them."""
    found = {}
    for top in tops:
        for path in [top] if top.is_file() else top.rglob("*"):
            if path.is_file():
                found[path.relative_to(top.parent).as_posix()] = path.read_bytes()
    return found


def copy_here(coupled: Coupling, desktop: Display, uri_list: bytes) -> None:
    before = sum(a.happened is Happened.OFFERED and a.source is Side.HOST for a in coupled.bridge.activities)
    desktop.copy(uri_list, FILES)
    coupled.seen(Happened.OFFERED, Side.HOST, times=before + 1)


def test_files_copied_here_are_pasted_in_the_guest(
    couple: Couple, guest: SimulatedGuest, desktop: Display, tmp_path: Path
) -> None:
    coupled = couple()
    made = given(tmp_path / "given")
    copy_here(coupled, desktop, uris(tmp_path / "given"))
    assert not (guest.backend.folder / "private").exists()  # nothing is sent before somebody pastes
    pasted = paths(guest.backend.clipboard_read(FILES))
    assert contents(pasted) == made
    assert pasted[0].parent.stat().st_mode & 0o777 == 0o700
    [line] = coupled.seen(Happened.CROSSED, Side.HOST)
    assert (line.formats, line.size) == ((FILES,), sum(map(len, made.values())))
    assert coupled.transfers[-1].progress.view().done == line.size


def test_files_copied_in_the_guest_are_pasted_here(
    couple: Couple, guest: SimulatedGuest, desktop: Display, tmp_path: Path
) -> None:
    coupled = couple()
    made = given(tmp_path / "there")
    guest.backend.copy({FILES: uris(tmp_path / "there"), TEXT: b"x"})
    coupled.seen(Happened.OFFERED, Side.GUEST)
    assert not coupled.received.exists()
    assert contents(paths(desktop.paste(FILES))) == made
    gnome = desktop.paste("x-special/gnome-copied-files").split(b"\n")
    assert gnome[0] == b"copy"
    [line] = coupled.seen(Happened.CROSSED, Side.GUEST)
    assert line.size == sum(map(len, made.values()))


def test_without_leave_files_stay_where_they_are(
    couple: Couple, guest: SimulatedGuest, desktop: Display, tmp_path: Path
) -> None:
    coupled = couple(Rules(formats=frozenset({HTML})))
    given(tmp_path / "given")
    desktop.copy(uris(tmp_path / "given"), FILES)
    coupled.seen(Happened.WITHHELD, Side.HOST)
    guest.backend.copy({FILES: uris(tmp_path / "given")})
    [line] = coupled.seen(Happened.WITHHELD, Side.GUEST)
    assert line.reason == "format"
    assert guest.backend.clipboard_offer().formats == (FILES,)


@x11_only
def test_more_than_the_limit_is_refused_at_once_and_said_and_less_works(
    couple: Couple, guest: SimulatedGuest, desktop: Display, tmp_path: Path
) -> None:
    coupled = couple(Rules(most=1 * MIB))
    large, small = tmp_path / "large", tmp_path / "small"
    large.write_bytes(bytes(1 * MIB + 1))
    small.write_bytes(b"small")
    copy_here(coupled, desktop, f"{large.as_uri()}\r\n".encode())
    with pytest.raises(BackendError):
        guest.backend.clipboard_read(FILES)
    [line] = coupled.seen(Happened.FAILED, Side.HOST)
    assert line.reason == "guest.too-large"
    guest.backend.copy({FILES: f"{large.as_uri()}\r\n".encode()})
    coupled.seen(Happened.OFFERED, Side.GUEST)
    assert desktop.paste(FILES, check=False) == b""
    [line] = coupled.seen(Happened.FAILED, Side.GUEST)
    assert line.reason == "guest.too-large"
    assert not coupled.received.exists()
    copy_here(coupled, desktop, f"{small.as_uri()}\r\n".encode())
    assert contents(paths(guest.backend.clipboard_read(FILES))) == {"small": b"small"}


class Hostile(LocalFiles):
    """A guest that says of its files what it likes."""

    entries: Sequence[Mapping[str, Any]] = ()
    data: bytes | None = None
    gate: threading.Event | None = None

    def copied(self) -> Mapping[str, Any]:
        return {"batch": 1, "files": list(self.entries), "left_out": 0}

    def read(self, batch: int, node: int, offset: int, count: int) -> bytes:
        if self.gate is not None:
            self.gate.wait(20)
        return bytes(count) if self.data is None else self.data


@pytest.fixture
def hostile(guest: SimulatedGuest) -> Hostile:
    files = Hostile(guest.backend.files._places)
    guest.backend.files = files
    return files


def entry(path: str, size: int = 3, *, directory: bool = False) -> Mapping[str, Any]:
    return {"path": path, "size": size, "directory": directory}


@x11_only
@pytest.mark.parametrize(
    ("entries", "data", "reason"),
    [
        ([entry("../../evil")], None, "guest.file-name"),
        ([entry("ok"), entry("/etc/cron.d/evil")], None, "guest.file-name"),
        ([entry("nul")], None, "guest.file-name"),
        ([entry("a\u202etxt.exe")], None, "guest.file-name"),
        ([entry("a"), entry("a")], None, "guest.file-refused"),
        ([entry("no/folder")], None, "guest.file-refused"),
        ([entry("x", -1)], None, "guest.protocol"),
        ([entry("x", 1 << 60)], None, "guest.protocol"),
        ([entry("x", 1 << 50)], None, "guest.too-large"),
        ([{"path": 5}], None, "guest.protocol"),
        ([entry("short")], b"ab", "guest.file-changed"),
        ([entry("long")], b"abcd", "guest.file-changed"),
    ],
)
def test_a_guest_that_sends_rubbish_writes_nothing_here_and_its_next_copy_works(
    couple: Couple,
    guest: SimulatedGuest,
    hostile: Hostile,
    desktop: Display,
    tmp_path: Path,
    entries: list[Mapping[str, Any]],
    data: bytes | None,
    reason: str,
) -> None:
    coupled = couple()
    hostile.entries, hostile.data = entries, data
    guest.backend.copy({FILES: b"file:///x\r\n"})
    coupled.seen(Happened.OFFERED, Side.GUEST)
    assert desktop.paste(FILES, check=False) == b""
    [line] = coupled.seen(Happened.FAILED, Side.GUEST)
    assert line.reason == reason
    assert not coupled.received.exists() or not list(coupled.received.iterdir())
    assert not list(tmp_path.rglob("evil"))
    hostile.entries, hostile.data = [entry("fine")], b"abc"
    assert contents(paths(desktop.paste(FILES))) == {"fine": b"abc"}


@x11_only
def test_a_cancelled_paste_leaves_nothing_at_either_end(
    couple: Couple, guest: SimulatedGuest, hostile: Hostile, desktop: Display, tmp_path: Path
) -> None:
    coupled = couple()
    hostile.entries, hostile.gate = [entry("a", 3), entry("b", 3)], threading.Event()
    guest.backend.copy({FILES: b"file:///x\r\n"})
    coupled.seen(Happened.OFFERED, Side.GUEST)
    pasting = subprocess.Popen(
        ["xclip", "-o", "-selection", "clipboard", "-t", FILES],
        env=desktop.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    coupled.until(lambda: bool(coupled.transfers))
    assert coupled.transfers[-1].progress.cancel()
    hostile.gate.set()
    assert pasting.communicate(timeout=30)[0] == b""
    [line] = coupled.seen(Happened.FAILED, Side.GUEST)
    assert line.reason == "cancelled"
    assert list(coupled.received.iterdir()) == []
    assert contents(paths(desktop.paste(FILES))) == {"a": bytes(3), "b": bytes(3)}


@x11_only
def test_a_full_disk_is_said_nothing_is_left_and_it_works_once_there_is_room(
    guest: SimulatedGuest, desktop: Display, tmp_path: Path, small_disk: Path
) -> None:
    large, small = tmp_path / "large", tmp_path / "small"
    large.write_bytes(bytes(30 * MIB))
    small.write_bytes(b"small")
    # What is received lies there: 80 MiB, of which 64 are for others.
    coupled = guest.couple(host_clipboard(desktop, tmp_path / "spool"), folder=small_disk)
    try:
        guest.backend.copy({FILES: f"{large.as_uri()}\r\n".encode()})
        coupled.seen(Happened.OFFERED, Side.GUEST)
        assert desktop.paste(FILES, check=False) == b""
        [line] = coupled.seen(Happened.FAILED, Side.GUEST)
        assert line.reason == "guest.file-no-room"
        assert list(coupled.received.iterdir()) == []
        guest.backend.copy({FILES: f"{small.as_uri()}\r\n".encode()})
        coupled.seen(Happened.OFFERED, Side.GUEST, times=2)
        assert contents(paths(desktop.paste(FILES))) == {"small": b"small"}
    finally:
        coupled.close()


@x11_only
def test_a_guest_without_room_says_so_and_keeps_nothing(
    couple: Couple, guest: SimulatedGuest, desktop: Display, tmp_path: Path, small_disk: Path
) -> None:
    coupled = couple()
    places = guest.backend.files._places
    guest.backend.files = LocalFiles(
        type(places)(lambda: small_disk / "private", places.downloads, places.copied, places.address)
    )
    large = tmp_path / "large"
    large.write_bytes(bytes(30 * MIB))
    copy_here(coupled, desktop, f"{large.as_uri()}\r\n".encode())
    with pytest.raises(BackendError):
        guest.backend.clipboard_read(FILES)
    [line] = coupled.seen(Happened.FAILED, Side.HOST)
    assert line.reason == "guest.full"
    assert list((small_disk / "private").iterdir()) == []


@x11_only
def test_a_host_that_goes_in_the_middle_leaves_no_half_batch_in_the_guest(
    couple: Couple, guest: SimulatedGuest, desktop: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    coupled = couple()
    batch = coupled.guest.run(lambda api: api.requester.request("files_begin", {"size": 10}))
    target = {"batch": batch.data["batch"], "path": "half", "offset": 0}
    coupled.guest.run(lambda api: api.requester.request("file_write", target, body=b"half"))
    private = guest.backend.folder / "private"
    assert contents(list(private.iterdir()))
    gone = threading.Event()
    discard = guest.backend.files.discard

    def discarded(number: int) -> None:
        discard(number)
        gone.set()

    monkeypatch.setattr(guest.backend.files, "discard", discarded)
    coupled.close()
    assert gone.wait(20)
    assert list(private.iterdir()) == []


def test_the_simulated_desktops_disk_goes_with_it() -> None:
    backend = SimulatedBackend()
    folder = backend.folder
    backend.close()
    assert not folder.exists()
