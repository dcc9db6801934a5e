"""Settings, the entry that starts with the session, and pictures: kept, read back, and undone."""

from __future__ import annotations

import shlex
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from libneuron.errors import NeuronError
from neuron_guest_bridge import pictures
from neuron_guest_bridge.__main__ import names_a_verb
from neuron_guest_bridge.recent import LIKED, Favourites, Recent
from neuron_guest_bridge.settings import ENTRY, LONGEST, Settings, SettingsStore
from neuron_guest_bridge.viewers import Viewer

AT = datetime(2026, 3, 4, 9, 2, 11)  # noqa: DTZ001 — as the person's clock shows it


@pytest.fixture
def store(tmp_path: Path) -> SettingsStore:
    return SettingsStore(tmp_path / "neuron", tmp_path / "autostart")


def test_what_was_chosen_is_read_back(store: SettingsStore) -> None:
    assert store.get() == Settings(hidden=False, notify=True)
    for settings in (Settings(hidden=True, notify=False), Settings(viewer=Viewer.NONE)):
        store.set(settings)
        assert store.get() == settings


@pytest.mark.parametrize("text", ["hidden = 3", 'viewer = "rm -rf /"'])
def test_a_file_that_makes_no_sense_is_named(store: SettingsStore, tmp_path: Path, text: str) -> None:
    store.set(Settings())
    (tmp_path / "neuron/guest-bridge.toml").write_text(f"{text}\n")
    with pytest.raises(NeuronError) as refused:
        store.get()
    assert "guest-bridge.toml" in refused.value.sentence()


def test_it_starts_with_the_session_only_while_wanted(store: SettingsStore, tmp_path: Path) -> None:
    assert store.delay() is None
    store.start_with_session(25)
    assert store.delay() == 25
    store.start_with_session(10**6)
    assert store.delay() == LONGEST
    store.stay_out_of_session()
    assert store.delay() is None
    assert list((tmp_path / "autostart").iterdir()) == []
    store.stay_out_of_session()  # nothing to take away


def test_the_entry_is_one_that_desktops_accept(store: SettingsStore, tmp_path: Path) -> None:
    store.start_with_session(5)
    done = subprocess.run(
        ["desktop-file-validate", tmp_path / "autostart" / ENTRY], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"")
    line = next(
        line for line in (tmp_path / "autostart" / ENTRY).read_text().splitlines() if line.startswith("Exec=")
    )
    words = shlex.split(line.removeprefix("Exec="))
    assert words == ["neuron-guest-bridge", "--background", "--delay", "5"]
    assert not names_a_verb(words[1:]), "it must start the tray"


def test_a_foreign_entry_of_that_name_is_not_taken_for_ours(store: SettingsStore, tmp_path: Path) -> None:
    (tmp_path / "autostart").mkdir()
    (tmp_path / "autostart" / ENTRY).write_bytes(b"Exec=\xff")
    assert store.delay() is None


def test_pictures_never_replace_one_another(tmp_path: Path) -> None:
    first, second = (
        pictures.save(tmp_path / "new", machine="win11", at=AT, png=data) for data in (b"1", b"2")
    )
    assert (first.name, second.name) == ("win11 2026-03-04 09-02-11.png", "win11 2026-03-04 09-02-11 (2).png")
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")


@pytest.mark.parametrize("name", ["../../etc/x", "a/b\0c", "", "..", "\u202egnp.exe", "x" * 500])
def test_a_machines_name_cannot_lead_a_picture_elsewhere(tmp_path: Path, name: str) -> None:
    path = pictures.save(tmp_path, machine=name, at=AT, png=b"x")
    assert path.parent == tmp_path
    assert path.exists()
    assert "\u202e" not in path.name


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NeuronError) as refused:
        pictures.save(tmp_path / "file", machine="win11", at=AT, png=b"x")
    assert refused.value.code == "guest.not-written"


def test_the_applications_started_last_are_kept_newest_first(tmp_path: Path) -> None:
    recent = Recent(tmp_path / "recent")
    assert recent.get("vm") == ()
    for name in ("a", "b", "c", "a", *"defg"):
        recent.add("vm", name)
    assert recent.get("vm") == ("g", "f", "e", "d", "a")
    assert recent.get("other") == ()


def test_favourites_stay_in_the_order_in_which_they_were_chosen(tmp_path: Path) -> None:
    liked = Favourites(tmp_path)
    for name in "bac":
        liked.mark("vm", name, on=True)
    liked.mark("vm", "a", on=False)
    assert liked.get("vm") == ("b", "c")
    for number in range(2 * LIKED):
        liked.mark("vm", str(number), on=True)
    assert len(liked.get("vm")) == LIKED


@pytest.mark.parametrize("text", ["{}", "[1, null]", "rubbish", '"a"', ""])
def test_a_list_that_makes_no_sense_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "vm").write_text(text)
    recent = Recent(tmp_path)
    assert recent.get("vm") == ()
    recent.add("vm", "a")
    assert recent.get("vm") == ("a",)
