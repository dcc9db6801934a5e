"""Machines that people published, each with its source.

PCs in tests/fixtures/groups: groups, addresses, classes and numbers. Their owners published neither
configuration spaces nor the tree, so these show that the live groups are told right and that what explains or
predicts them stays unknown. Servers in tests/fixtures/machines (hwloc-*): the tree and the heads of
configuration spaces, and no groups; of one, whole buses were left out.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from libneuron.hardware import report
from libneuron.hardware.iommu import State
from libneuron.hardware.machine import Machine
from tests.unit.hardware.pc import FIXTURES, RECORDED, Pc, recorded

FOLDER = Path(__file__).resolve().parents[2] / "fixtures/groups"
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
SERVERS = [name for name in RECORDED if name.startswith("hwloc-server-")]
TREES = [name for name in RECORDED if name.startswith("hwloc-")]

Facts = list[tuple[int, str, str, str]]


def facts(name: str) -> Facts:
    """(group, address, class, vendor:device) of each function."""
    lines = (FOLDER / f"{name}.txt").read_text().splitlines()
    rows = (line.split() for line in lines if not line.startswith("#"))
    return [(int(group), address, kind, ids) for group, address, kind, ids in rows]


def machine(name: str) -> Machine:
    """The PC as an ordinary user's sysfs would show it, less the configuration spaces."""
    amd = any(ids.startswith("1022:") for *_, ids in facts(name))
    pc = Pc().desktop(
        cpu="AuthenticAMD" if amd else "GenuineIntel",
        flags="svm" if amd else "vmx",
        tables=("IVRS",) if amd else ("DMAR",),
    )
    members: dict[int, list[str]] = {}
    for group, address, kind, ids in facts(name):
        vendor, device = ids.split(":")
        shown = {"class": f"0x{kind}00", "vendor": f"0x{vendor}", "device": f"0x{device}"}
        pc.add(address, None, **shown)
        del pc.links[f"/sys/bus/pci/devices/{address}"]
        members.setdefault(group, []).append(address)
    for group, addresses in members.items():
        pc.group(group, *addresses)
    return pc.machine()


def alone(name: str, gpu: str) -> bool:
    """Told from the facts by itself: what is in the card's group and neither bridge nor of its slot?"""
    group = next(number for number, address, *_ in facts(name) if address == gpu)
    return not [
        address
        for number, address, kind, _ in facts(name)
        if number == group and kind not in ("0604", "0600") and address[:-2] != gpu[:-2]
    ]


def same_machine(one: str, other: str) -> bool:
    """Told by its parts: some people published theirs before and after a change."""
    parts = [{fact[1:] for fact in facts(name)} for name in (one, other)]
    return len(parts[0] & parts[1]) > 0.75 * min(map(len, parts))


def test_at_least_thirty_different_machines_of_both_makers_each_with_its_source() -> None:
    again = {other for one, other in combinations(NAMES, 2) if same_machine(one, other)}
    assert len(NAMES) - len(again) + len(SERVERS) >= 30
    for name in NAMES:
        text = (FOLDER / f"{name}.txt").read_text()
        assert text.startswith("# source: https://")
        assert "# licence: " in text
    assert {machine(name).cpu.vendor for name in NAMES} == {"AuthenticAMD", "GenuineIntel"}
    sources = (FIXTURES / "SOURCES.md").read_text()
    assert all(f"| {name} |" in sources for name in TREES)


@pytest.mark.parametrize("name", NAMES)
def test_each_card_is_called_alone_exactly_if_it_is(name: str) -> None:
    judged = report.judge(machine(name))
    assert judged.gpus
    for gpu in judged.gpus:
        assert gpu.slot.isolated is alone(name, str(gpu.device.address))


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_known_stays_unknown(name: str) -> None:
    judged = report.judge(machine(name))
    for gpu in judged.gpus:
        assert gpu.slot.predicted is None
        assert gpu.slot.culprit is None
        assert gpu.slot.needs_override is (False if gpu.slot.isolated else None)
        assert gpu.framebuffer is None
    assert {verdict.culprit for verdict in judged.groups} == {None}
    data = report.as_json(judged)
    assert data["complete"] is False
    assert report.as_text(judged)


@pytest.mark.parametrize("name", NAMES)
def test_no_card_is_sent_to_a_module_that_does_not_know_it(name: str) -> None:
    for gpu in report.judge(machine(name)).gpus:
        if gpu.device.vendor != 0x1002:
            assert gpu.reset.workaround is None


def test_the_override_that_somebody_used_shows_in_the_groups_only() -> None:
    before, after = (len(machine(f"masafm-lenovo-kernel-acs{which}").groups) for which in ("", "-2"))
    assert before < after


@pytest.mark.parametrize(
    ("name", "functions", "roots", "deepest"),
    [
        ("server-of-137-functions", 137, 4, 2),
        ("server-with-eight-vector-engines", 28, 3, 3),
        ("server-with-three-root-complexes", 37, 2, 1),
        ("server-cut-to-three-functions", 3, 1, 1),
        ("virtual-machine-with-a-domain-of-five-digits", 9, 2, 0),
    ],
)
def test_the_tree_of_a_server_is_read_as_it_is(name: str, functions: int, roots: int, deepest: int) -> None:
    server = recorded(f"hwloc-{name}")
    above = {device.address: device.parent for device in server.devices}
    depths = {}
    for device in server.devices:
        at, depths[device.address] = device.parent, 0
        while at is not None:
            at, depths[device.address] = above.get(at), depths[device.address] + 1
    assert len(server.devices) == functions
    assert all(device.placed for device in server.devices)
    assert len({(place.domain, place.bus) for place, depth in depths.items() if not depth}) == roots
    assert max(depths.values()) == deepest


@pytest.mark.parametrize("name", TREES)
def test_of_a_server_without_groups_nothing_is_claimed(name: str) -> None:
    judged = report.judge(recorded(name))
    assert judged.iommu.state is State.UNKNOWN
    assert judged.groups == ()
    assert {gpu.slot.isolated for gpu in judged.gpus} <= {None}
    assert {gpu.slot.culprit for gpu in judged.gpus} <= {None}
    assert report.as_json(judged)["complete"] is False
