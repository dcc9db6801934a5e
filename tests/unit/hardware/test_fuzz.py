"""Whatever a tree of files holds: never a crash, and never a wrong "isolated"."""

from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from libneuron.hardware import bundle, report
from libneuron.hardware.acs import Settings
from libneuron.hardware.capture import capture
from libneuron.hardware.config_space import AcsBits, PortType
from libneuron.hardware.grouping import partition, predict
from libneuron.hardware.machine import Machine
from libneuron.hardware.names import Numbers
from libneuron.system.trees import Recording, ReplayTree
from tests.unit.hardware.pc import FIXTURES, RECORDED, Pc, config

_RECORDINGS = [bundle.open_file(FIXTURES / f"{name}.bundle") for name in RECORDED]
_NOISE = st.one_of(
    st.binary(max_size=300),
    st.just(b"\xff" * 4096),
    st.just(b""),
    st.sampled_from([b"0x030000", b"0x060400", b"0xffff", b"-1", b"\xd9\xa1", b"0x10000000000000000000"]),
)
_LINK = st.sampled_from(
    ["", "..", "/", "../../../../kernel/iommu_groups/0", "../1", "../x/-1", "../0000:00:03.0/0000:00:03.0",
     "../../../devices/pci0000:00/0000:01:00.0", "../99999999999999999999"]
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> Recording:
    """A recorded machine with some answers lost, replaced, or led astray."""
    original = draw(st.sampled_from(_RECORDINGS))
    files, links, names = dict(original.files), dict(original.links), dict(original.names)
    for path in draw(st.lists(st.sampled_from(sorted(files)), max_size=12)):
        if draw(st.booleans()):
            files.pop(path, None)
        elif path in files and draw(st.booleans()):
            files[path] = files[path][: draw(st.integers(0, 300))]
        else:
            files[path] = draw(_NOISE)
    for path in draw(st.lists(st.sampled_from(sorted(links)), max_size=8)):
        links[path] = draw(_LINK)
    for path in draw(st.lists(st.sampled_from(sorted(names)), max_size=3)):
        extra = draw(st.sampled_from(["0000:07:00.0", "x", "0000:ff:1f.7", "7", "\x00"]))
        names[path] = (*names[path][draw(st.integers(0, 2)) :], extra)
    return dataclasses.replace(original, files=files, links=links, names=names)


def _foreign_to(machine: Machine, address: str) -> set[str]:
    """Who shares a group with a function by any of the kernel's three ways of saying so."""
    sharing: set[str] = set()
    for group in machine.groups:
        listed = {str(member) for member in group.devices}
        linked = {str(device.address) for device in machine.devices if device.group == group.number}
        if address in listed | linked:
            sharing |= listed | linked
    return {other for other in sharing if other.rpartition(".")[0] != address.rpartition(".")[0]}


@given(damaged())
@settings(max_examples=150, deadline=None)
def test_a_damaged_machine_is_judged_and_isolated_only_where_everything_agrees(recording: Recording) -> None:
    judged = report.judge(capture(ReplayTree(recording), Numbers()))
    report.as_json(judged)
    report.as_text(judged)
    machine = judged.machine
    for gpu in judged.gpus:
        if gpu.slot.isolated is True:
            foreign = _foreign_to(machine, str(gpu.device.address))
            known = {str(device.address): device for device in machine.devices}
            assert all(other in known and known[other].is_infrastructure for other in foreign)
    for verdict in judged.groups:
        if verdict.isolated:
            slots = {
                member.of_slot
                for member in verdict.group.devices
                if not machine.by_address[member].is_infrastructure
            }
            assert len(slots) <= 1


_PORTS = st.sampled_from([*PortType, None])
_ACS = st.one_of(st.none(), st.tuples(st.integers(0, 0x7F), st.integers(0, 0x7F)))


@st.composite
def pcs(draw: st.DrawFn) -> Pc:
    """Any tree of bridges and functions, sensible or not."""
    pc = Pc().desktop()
    above: list[str | None] = [None]
    for bus in range(1, draw(st.integers(2, 6))):
        parent = draw(st.sampled_from(above))
        function = draw(st.integers(0, 2))
        on = 0 if parent is None else int(parent[5:7], 16) + 0x10
        address = f"0000:{on:02x}:{bus:02x}.{function}"
        acs = draw(_ACS)
        bits = None if acs is None else (AcsBits(acs[0]), AcsBits(acs[1]))
        space = config(class_code=0x060400, port=draw(_PORTS), bridge=True, acs=bits,
                       multifunction=draw(st.booleans()))  # fmt: skip
        shown = draw(st.sampled_from([space, space[:64], None]))
        pc.add(address, shown, below=parent)
        above.append(address)
        slot = f"0000:{int(address[5:7], 16) + 0x40:02x}:00"
        for number in range(draw(st.integers(1, 2))):
            end = f"{slot}.{number}"
            if end not in pc.paths:
                pc.add(end, config(class_code=0x030000, port=draw(_PORTS)), below=address)
    return pc


@given(pcs())
@settings(max_examples=200, deadline=None)
def test_a_prediction_that_is_certain_holds_however_the_unknown_turns_out(pc: Pc) -> None:
    machine = pc.machine()
    certain = predict(machine, Settings()).certain
    for unknown in (True, False):
        groups = partition(machine, Settings(), unknown=unknown)
        assert all(groups[address] == group for address, group in certain.items())


@given(pcs())
@settings(max_examples=200, deadline=None)
def test_groups_are_a_partition_and_a_child_shares_or_has_its_own(pc: Pc) -> None:
    machine = pc.machine()
    groups = partition(machine, Settings(), unknown=True)
    assert set(groups) == {device.address for device in machine.devices}
    for address, group in groups.items():
        assert address in group
        assert all(groups[other] == group for other in group)


def test_bridges_in_a_ring_end() -> None:
    pc = Pc().desktop()
    for address, below in (("0000:00:01.0", "0000:01:00.0"), ("0000:01:00.0", "0000:00:01.0")):
        pc.add(address, config(class_code=0x060400, port=PortType.ROOT_PORT, bridge=True))
        pc.links[f"/sys/bus/pci/devices/{address}"] = f"../../../devices/pci0000:00/{below}/{address}"
    pc.links["/sys/bus/pci/devices/0000:02:00.0"] = "../../../devices/0000:02:00.0/0000:02:00.0"
    pc.add("0000:03:00.0", config(class_code=0x030000))
    judged = report.judge(pc.machine())
    assert report.as_text(judged)
