"""Guest applications in the host's menu: valid whatever the guest says, removed without a trace."""

from __future__ import annotations

import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libneuron.guest.menu import Menu, MenuApp, export, is_small_png, printable, remove
from libneuron.guest.wire import png

VM = "6a3e0c5e-7a1e-4d0e-9c1f-0c6f5d7b9a10"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int = 64, height: int = 64, more: bytes = b"") -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + more + _chunk(b"IDAT", b"pixels") + _chunk(b"IEND", b"")


def _validate(path: Path) -> None:
    done = subprocess.run(["desktop-file-validate", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + path.read_text()


def _value(path: Path, key: str) -> str:
    (line,) = [line for line in path.read_text().splitlines() if line.startswith(f"{key}=")]
    return line.partition("=")[2]


def test_an_application_gets_an_entry_with_its_icon(tmp_path: Path) -> None:
    menu = Menu(tmp_path)
    app = MenuApp("notepad", "Notepad", ("text/plain",), _png())
    (path,) = export(menu, vm=VM, vm_name="win11", apps=[app])
    _validate(path)
    assert _value(path, "Name") == "Notepad (win11)"
    assert Path(_value(path, "Icon")).read_bytes() == _png()
    assert _value(path, "MimeType") == "text/plain;"


def test_no_entry_asks_to_open_web_addresses(tmp_path: Path) -> None:
    app = MenuApp("edge", "Edge", ("x-scheme-handler/https", "text/html"))
    (path,) = export(Menu(tmp_path), vm=VM, vm_name="w", apps=[app])
    assert _value(path, "MimeType") == "text/html;"


def test_an_application_that_is_gone_leaves_the_menu(tmp_path: Path) -> None:
    menu = Menu(tmp_path)
    export(menu, vm=VM, vm_name="w", apps=[MenuApp("a", "A", icon=_png()), MenuApp("b", "B", icon=_png(32))])
    (left,) = export(menu, vm=VM, vm_name="w", apps=[MenuApp("b", "B", icon=_png(32))])
    assert list(menu.entries.iterdir()) == [left]
    assert len(list(menu.icons.iterdir())) == 1


def test_removing_one_vm_leaves_the_other_and_the_persons_own(tmp_path: Path) -> None:
    menu = Menu(tmp_path)
    menu.entries.mkdir(parents=True)
    mine = menu.entries / "mine.desktop"
    mine.write_text("mine")
    export(menu, vm=VM, vm_name="w", apps=[MenuApp("a", "A", icon=_png())])
    (other,) = export(menu, vm="other", vm_name="x", apps=[MenuApp("a", "A")])
    remove(menu, vm=VM)
    assert set(menu.entries.iterdir()) == {mine, other}
    assert list(menu.icons.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"GIF89a", _png(513, 1), _png(0, 1), _png() + b"x" * (1 << 20)])
def test_an_icon_that_is_no_small_png_is_left_out(tmp_path: Path, data: bytes) -> None:
    assert not is_small_png(data)
    (path,) = export(Menu(tmp_path), vm=VM, vm_name="w", apps=[MenuApp("a", "A", icon=data)])
    assert _value(path, "Icon") == "org.neuronos.GuestBridge"


def test_an_icon_brings_nothing_but_its_picture(tmp_path: Path) -> None:
    """What shows the menu would unpack gigabytes of texts; and each icon would be another file."""
    text = _chunk(b"zTXt", b"t\0\0" + zlib.compress(bytes(1 << 20)))
    icon = _png(more=text + _chunk(b"iCCP", b"x") + _chunk(b"acTL", bytes(8))) + b"behind its end"
    (path,) = export(Menu(tmp_path), vm=VM, vm_name="w", apps=[MenuApp("a", "A", icon=icon)])
    assert Path(_value(path, "Icon")).read_bytes() == _png()


@pytest.mark.parametrize(
    "data",
    [
        _png()[:-12],
        _png()[:-30],
        _png(more=struct.pack(">I", 0xFFFFFFFF) + b"zTXt"),
        _png(more=_chunk(b"tEXt", b"") * 60_000),
        b"",
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_what_is_no_whole_png_is_none(data: bytes) -> None:
    assert png.bare(data) == b""


@given(st.binary(max_size=200), st.integers(0, 60))
def test_bare_takes_any_bytes(junk: bytes, at: int) -> None:
    whole = _png()
    data = whole[:at] + junk + whole[at:]
    assert png.bare(data) in (b"", whole) or len(png.bare(data)) <= len(data) + 12


HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from("\n\r\t\"'`$\\%;=[]\x00\u202e")), min_size=0, max_size=40
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(name=HOSTILE, identity=HOSTILE, vm_name=HOSTILE, kind=HOSTILE)
def test_whatever_the_guest_says_the_entry_is_valid_and_runs_only_our_command(
    tmp_path: Path, name: str, identity: str, vm_name: str, kind: str
) -> None:
    menu = Menu(tmp_path)
    entries = export(menu, vm=VM, vm_name=vm_name, apps=[MenuApp(identity, name, (kind,))])
    assert bool(entries) == (identity != "" and printable(identity) == identity)
    for path in entries:
        _check(path, identity)


def _check(path: Path, identity: str) -> None:
    _validate(path)
    once = _value(path, "Exec").replace("\\\\", "\\")  # the string's own escapes
    # Exec's quoting is a part of the shell's, so a real shell must find the words, and nothing to run.
    split = subprocess.run(["sh", "-c", f"printf '%s\\0' {once}"], capture_output=True, check=True).stdout
    words = [word.decode().replace("%%", "%") for word in split.split(b"\0")[:-1]]
    assert words == ["neuron-guest-bridge", "launch", f"--app={identity}", "--", VM, "%U"]
