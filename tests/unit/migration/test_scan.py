"""Walking a source: each folder once and in order, whichever way the driver is waited for."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import cast

import pytest

from libneuron.migration import scan
from libneuron.migration.errors import MigrationError
from libneuron.migration.journal import Journal
from libneuron.migration.scan import Listing, Source
from tests.unit.migration.maker import Lab, entries_below, totals, write


def walked(top: Path, *, ahead: bool) -> list[tuple[str, tuple[str, ...]]]:
    with Source(top) as source:
        source.is_ntfs = ahead  # such a driver is slow to answer, so folders are listed before their turn
        return [(one.path, tuple(entry.name for entry in one.entries)) for one in source.walk("")]


def test_folders_that_are_listed_ahead_come_in_the_same_order(tmp_path: Path) -> None:
    write(
        tmp_path,
        {f"{a}/{b}/{c}.txt": "" for a in "abcde" for b in "xyz" for c in range(3)}
        | {"a/empty/": "", "z": ""},
    )
    plain = walked(tmp_path, ahead=False)
    assert walked(tmp_path, ahead=True) == plain
    assert [path for path, _names in plain][:3] == ["", "a", "a/empty"]
    assert len(plain) == 1 + 5 + 1 + 15


def test_a_source_that_goes_away_ends_the_walk_and_its_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {f"{name}/file": "" for name in "abcdef"})
    portions = Source.portions

    def until_d(source: Source, path: str) -> Iterator[Listing]:
        if path == "d":
            raise MigrationError("migration.source-gone", path=source.top)
        return portions(source, path)

    monkeypatch.setattr(Source, "portions", until_d)
    seen = []
    with Source(tmp_path) as source:
        source.is_ntfs = True
        with pytest.raises(MigrationError) as caught:
            seen += [one.path for one in source.walk("")]
    assert caught.value.code == "migration.source-gone"
    assert not [one for one in threading.enumerate() if one.name.startswith("neuron-scan")]


def test_a_walk_that_is_given_up_leaves_no_thread(tmp_path: Path) -> None:
    write(tmp_path, {f"{name}/file": "" for name in "abcdef"})
    with Source(tmp_path) as source:
        source.is_ntfs = True
        with contextlib.closing(cast(Generator[Listing, None, None], source.walk(""))) as walk:
            assert next(walk).path == ""
    assert not [one for one in threading.enumerate() if one.name.startswith("neuron-scan")]


@pytest.mark.parametrize("ahead", [False, True])
def test_a_large_folder_comes_in_portions_and_its_folders_after_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: bool
) -> None:
    monkeypatch.setattr(scan, "_PORTION", 3)
    write(tmp_path, {f"{name}/file": "" for name in "abcdefgh"})
    found = walked(tmp_path, ahead=ahead)
    assert found[:3] == [("", ("a", "b", "c")), ("", ("d", "e", "f")), ("", ("g", "h"))]
    assert found[3:] == [(name, ("file",)) for name in "abcdefgh"]


def test_a_folder_in_portions_is_one_folder_of_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "_PORTION", 3)
    lab = Lab(tmp_path).make({f"Documents/{name}/{name}.txt": name for name in "abcdefgh"})
    run = lab.migrate()
    assert totals(run).copied == totals(run).seen == entries_below(lab.profile)
    with Journal(run.journal_path) as journal:
        paths = [path for (path,) in journal.database.execute("SELECT path FROM directory")]
    assert sorted(paths) == sorted(set(paths))
    assert (lab.home / "Documents/h/h.txt").read_text() == "h"
