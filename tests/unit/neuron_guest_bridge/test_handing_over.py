"""The set-up disc's image on the host: there for QEMU, found by nobody else, gone afterwards."""

from __future__ import annotations

import stat
from pathlib import Path

from neuron_guest_bridge.handing_over import as_file, burnt


def test_the_image_is_readable_only_for_who_was_told_its_name(tmp_path: Path) -> None:
    told: list[Path] = []

    def about_to(image: Path) -> None:
        assert not image.parent.exists()
        told.append(image)

    with (
        burnt("{}", resources=tmp_path, about_to=about_to) as first,
        burnt("{}", resources=tmp_path, about_to=about_to) as second,
    ):
        assert told == [first, second]
        assert first.name != second.name  # the folder shows in /var/tmp, so its name protects nothing
        assert not first.parent.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
        assert first.stat().st_mode & stat.S_IROTH
    assert not first.parent.exists()
    assert not second.parent.exists()


def test_the_persons_own_folder_outlives_the_file(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    for folder in ("own", "new"):
        with as_file(tmp_path / folder / "x.json", "{}", about_to=lambda _file: None):
            assert (tmp_path / folder / "x.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
