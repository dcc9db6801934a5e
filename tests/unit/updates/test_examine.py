"""All checks run at once; one that hangs costs its limit and nothing else."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from libneuron.errors import Cancelled
from libneuron.progress import Progress
from libneuron.system.clock import RealClock
from libneuron.system.errors import SystemAccessError
from libneuron.system.files import Root
from libneuron.system.paths import resources
from libneuron.system.runner import RealRunner
from libneuron.system.tables import parse
from libneuron.updates.checks import Check, load_checks, read_checks
from libneuron.updates.examine import examine
from libneuron.updates.health import State, ok
from libneuron.updates.subject import Probe, Subject


def subject(top: Path = Path("/")) -> Subject:
    return Subject(Root(top), RealRunner(), RealClock(), None)


def check(name: str, probe: Probe, limit: float = 5.0) -> Check:
    return Check(name, name, True, limit, probe, "test", program=False)


def test_checks_run_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=20)

    def meets(_subject: Subject) -> object:
        together.wait()  # passes only when all three are inside
        return ok()

    results = examine([check(name, meets) for name in "abc"], subject())  # type: ignore[arg-type]  # returns ok()
    assert [item.id for item in results] == ["a", "b", "c"]
    assert all(item.outcome.state is State.OK for item in results)


def test_a_hanging_check_costs_its_limit_and_the_others_are_reported() -> None:
    never = threading.Event()

    def hangs(_subject: Subject) -> object:
        never.wait()
        return ok()

    begun = time.monotonic()
    probes = [check("hangs", hangs, 0.2), check("fine", lambda _s: ok())]  # type: ignore[arg-type]
    results = examine(probes, subject())
    assert results[0].outcome.state is State.UNKNOWN
    assert "0.2 s" in results[0].outcome.sentence()
    assert results[1].outcome.state is State.OK
    assert time.monotonic() - begun < 5
    never.set()


def test_a_check_that_breaks_is_unknown_not_the_end() -> None:
    def breaks(_subject: Subject) -> object:
        raise SystemAccessError("system.program-missing", program="x")

    (result,) = examine([check("a", breaks)], subject())  # type: ignore[arg-type]
    assert result.outcome.state is State.UNKNOWN
    assert "not installed" in result.outcome.sentence()


def test_a_person_can_cancel() -> None:
    progress = Progress(clock=time.monotonic)
    progress.cancel()
    with pytest.raises(Cancelled):
        examine([check("a", lambda _s: ok())], subject(), progress)


def scripts(top: Path, **texts: str) -> None:
    for name, text in texts.items():
        folder, _, script = name.partition("_")
        place = top / f"etc/greenboot/check/{folder}.d/{script}.sh"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o755)


class Live(Root):
    """A tree that stands for the running system."""

    def __init__(self, prefix: Path) -> None:
        super().__init__(prefix)
        self.live = True


def test_greenboots_scripts_run_as_they_are_all_of_them(tmp_path: Path) -> None:
    scripts(
        tmp_path,
        required_good="#!/bin/sh\nexit 0\n",
        required_bad="#!/bin/sh\nexit 3\n",
        wanted_bad="#!/bin/sh\nexit 1\n",
    )
    found = [
        item for item in load_checks(resources() / "updates/checks.toml", Live(tmp_path)) if item.program
    ]
    found = [item for item in found if item.id.startswith("script")]
    assert {(item.id, item.required) for item in found} == {
        ("script.r.good.sh", True), ("script.r.bad.sh", True), ("script.w.bad.sh", False),
    }  # fmt: skip
    results = {item.id: item.outcome for item in examine(found, subject())}
    assert results["script.r.good.sh"].state is State.OK
    assert "(3)" in results["script.r.bad.sh"].sentence()


def test_a_script_whose_child_holds_its_output_open_ends_with_its_limit(tmp_path: Path) -> None:
    scripts(tmp_path, required_slow="#!/bin/sh\nsleep 100 &\nsleep 100\n")
    (found,) = [
        item for item in load_checks(resources() / "updates/checks.toml", Live(tmp_path)) if "slow" in item.id
    ]
    (result,) = examine([Check(found.id, "x", True, 0.3, found.probe, "", program=True)], subject())
    assert result.outcome.state is State.UNKNOWN


def test_the_administrators_tables_add_and_replace(tmp_path: Path) -> None:
    place = tmp_path / "etc/neuron/health.d/mine.toml"
    place.parent.mkdir(parents=True)
    place.write_text(
        '[[check]]\nid = "kernel"\nkind = "accounts"\ntitle = "Mine"\n'
        '[[check]]\nid = "new"\nkind = "fstab"\ntitle = "New"\n'
    )
    found = {item.id: item for item in load_checks(resources() / "updates/checks.toml", Root(tmp_path))}
    assert found["kernel"].title == "Mine"
    assert found["new"].required


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[[check]]\nid = "a"\nkind = "magic"\ntitle = "x"', "check[0].kind"),
        ('[[check]]\nid = "a"\nkind = "fstab"', "check[0].title"),
        ('[[check]]\nid = "a"\nkind = "fstab"\ntitle = "x"\nlimit = 0.0', "check[0].limit"),
        (
            '[[check]]\nid = "a"\nkind = "fstab"\ntitle = "x"\n[check.with]\ncolour = "red"',
            "check[0].with.colour",
        ),
        (
            '[[check]]\nid = "a"\nkind = "binaries"\ntitle = "x"\n[check.with]\nprograms = [1]',
            "check[0].with.programs[0]",
        ),
    ],
)
def test_a_mistake_in_a_table_names_its_key(text: str, named: str) -> None:
    with pytest.raises(SystemAccessError) as caught:
        read_checks(parse(text, file="mine.toml"), source="mine.toml")
    assert named in str(caught.value)
