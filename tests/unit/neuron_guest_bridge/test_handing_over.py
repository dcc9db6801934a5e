"""The set-up disc's image on the host: there for QEMU, found by nobody else, gone afterwards."""

from __future__ import annotations

import stat
from pathlib import Path

from neuron_guest_bridge.handing_over import burnt


def test_the_image_is_readable_only_for_who_was_told_its_name(tmp_path: Path) -> None:
    with burnt("{}", resources=tmp_path) as first, burnt("{}", resources=tmp_path) as second:
        assert first.name != second.name  # the folder shows in /var/tmp, so its name protects nothing
        assert not first.parent.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
        assert first.stat().st_mode & stat.S_IROTH
    assert not first.parent.exists()
    assert not second.parent.exists()
