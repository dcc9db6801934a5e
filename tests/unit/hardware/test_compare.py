"""Two reports side by side: what matters and differs is named, what is the same is not."""

from __future__ import annotations

import json

import pytest

from libneuron.hardware import bundle
from libneuron.hardware.compare import compare
from libneuron.hardware.names import Numbers
from libneuron.hardware.report import judge
from neuron_hardware_advisor.__main__ import main
from tests.unit.hardware import typical
from tests.unit.hardware.pc import FIXTURES, RECORDED


@pytest.mark.parametrize("name", RECORDED)
def test_a_machine_does_not_differ_from_itself(name: str) -> None:
    machine = judge(bundle.machine(bundle.open_file(FIXTURES / f"{name}.bundle"), Numbers()))
    assert compare(machine, machine) == ()


def test_switching_the_protection_on_shows_what_it_changed() -> None:
    found = {
        (one.kind, one.subject): one for one in compare(judge(typical.switched_off()), judge(typical.good()))
    }
    assert found["arguments", ""].after.split() == ["intel_iommu=on"]
    assert ("iommu", "") in found
    assert ("verdict", "") in found
    assert ("finding", "iommu-needs-argument") in found
    assert found["finding", "iommu-needs-argument"].after == "not there"
    gone = found["device", "0000:02:00.0"]
    assert (gone.before, gone.after) == ("there", "not there")
    assert typical.NAMES[0x1002, 0x67DF] in gone.title()


def test_a_card_that_is_alone_now_is_named() -> None:
    (one,) = [one for one in compare(judge(typical.shared()), judge(typical.good())) if one.kind == "alone"]
    assert (one.subject, one.before, one.after) == ("0000:01:00.0", "no", "yes")


def test_either_way_the_same_things_differ() -> None:
    one, other = judge(typical.shared()), judge(typical.good())
    there = {(item.kind, item.subject, item.before, item.after) for item in compare(one, other)}
    back = {(item.kind, item.subject, item.after, item.before) for item in compare(other, one)}
    assert there == back


def test_the_command_compares_two_files(capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(FIXTURES / f"{name}.bundle") for name in ("qemu-no-iommu", "qemu-intel-without-argument")]
    assert main(["bundle", "compare", *files, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["differences"]
    assert "iommu" in {one["kind"] for one in found}
    main(["bundle", "compare", files[0], files[0]])
    assert "Nothing that matters" in capsys.readouterr().out
