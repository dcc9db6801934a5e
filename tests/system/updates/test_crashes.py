"""A roll back killed before and after every single effect, on a real btrfs: always whole, always resumed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from libneuron.system import btrfs
from libneuron.updates import guardian
from libneuron.updates.journal import Journal
from libneuron.updates.volume import Volume
from tests.system.updates.disk import Disk, disk


class Power(BaseException):
    """The power went; nothing may catch it."""


EFFECTS = [
    (Volume, "snapshot"),
    (Volume, "delete"),
    (Volume, "exchange"),
    (Volume, "set_default"),
    (Volume, "move"),
    (Volume, "sync"),
    (Journal, "append"),
]


class Cutter:
    """Counts effects and cuts before or after the chosen one."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, at: int, effects: Sequence[tuple[Any, str]] = EFFECTS
    ) -> None:
        self.count = 0
        self.at = at
        self.where = ""
        for owner, name in effects:
            monkeypatch.setattr(owner, name, self._wrapped(name, getattr(owner, name)))

    def _tick(self, where: str) -> None:
        self.count += 1
        if self.count == self.at:
            self.where = where
            raise Power

    def _wrapped(self, name: str, real: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            self._tick(f"before {name}")
            result = real(*arguments, **named)
            self._tick(f"after {name}")
            return result

        return call


def whole(machine: Disk) -> str:
    """Which of the two systems lies there; fails where it is a mixture."""
    signs = {
        (machine.point / "usr/bin/app").exists(),
        not (machine.point / "usr/bin/extra").exists(),
        (machine.point / "etc/app.conf").read_text() == "old settings\n",
    }
    assert len(signs) == 1, "a mixture of both systems"
    return "old" if signs == {True} else "updated"


def one_run(work: Path, named: str | None, at: int) -> tuple[str, str]:
    """Roll back with a cut at effect ``at``, restart, finish; (where the cut was, what lay there then)."""
    with disk(work, named=named, megabytes=128) as machine:
        btrfs.create(machine.point / "home", "user")
        (machine.point / "home/user/photo").write_text("photo")
        guardian.begin(machine.machine(), tool="test")
        machine.update_badly()
        guardian.end(machine.machine())
        with pytest.MonkeyPatch.context() as monkeypatch:
            cutter = Cutter(monkeypatch, at)
            try:
                guardian.roll_back(machine.machine(), None)
                machine.restart()
                guardian.resume(machine.machine())
            except Power:
                pass
        machine.restart()
        after_cut = whole(machine)
        if not guardian.history(machine.machine()).rollbacks:  # cut before the plan was recorded
            guardian.roll_back(machine.machine(), None)
        for _ in range(3):
            guardian.resume(machine.machine())
            machine.restart()
        over = guardian.history(machine.machine()).rollbacks[-1]
        assert (over.outcome, over.problems) == ("restored", ())
        assert whole(machine) == "old"
        assert (machine.point / "home/user/photo").read_text() == "photo"
        machine.check_clean()
        return cutter.where, after_cut


@pytest.mark.parametrize("named", ["@", None], ids=["@", "default-subvolume"])
def test_every_cut_leaves_a_whole_system_and_the_roll_back_resumes(tmp_path: Path, named: str | None) -> None:
    seen: dict[str, set[str]] = {}
    at = 1
    while True:
        work = tmp_path / str(at)
        work.mkdir()
        where, lay = one_run(work, named, at)
        if not where:
            break
        seen.setdefault(where, set()).add(lay)
        at += 1
    commit = "exchange" if named else "set_default"
    assert seen[f"before {commit}"] == {"updated"}, "right before the commit the old root lies there"
    assert seen[f"after {commit}"] == {"old"}, "and right after it the restored one"
    assert "after move" in seen
    assert at > 20
