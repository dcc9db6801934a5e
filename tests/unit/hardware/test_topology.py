"""The tree and its picture, without any toolkit."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from libneuron.errors import english
from libneuron.hardware.drawing import Ink, draw
from libneuron.hardware.names import PciIds
from libneuron.hardware.topology import Role, row_text, view
from tests.unit.hardware import typical
from tests.unit.hardware.pc import RECORDED, Pc, recorded
from tests.unit.hardware.test_fuzz import pcs


@pytest.mark.parametrize("name", RECORDED)
def test_every_device_stands_once_below_its_bridge(name: str) -> None:
    machine = recorded(name)
    rows = view(machine).rows
    assert sorted(row.device.address for row in rows) == sorted(device.address for device in machine.devices)
    for row in rows:
        above = None if row.above is None else rows[row.above].device.address
        assert above == (row.device.parent if row.device.parent in machine.by_address else None)
        assert row.depth == (0 if row.above is None else rows[row.above].depth + 1)


@pytest.mark.parametrize("name", RECORDED)
def test_every_picture_is_well_formed_and_shows_each_device(name: str) -> None:
    shown = view(recorded(name))
    made = draw(shown, Ink())
    said = " ".join(text for text in ElementTree.fromstring(made.svg).itertext())
    for row in shown.rows:
        assert str(row.device.address) in said
    for x, y, width, height in made.boxes:
        assert 0 <= x <= x + width <= made.width
        assert 0 <= y <= y + height <= made.height


def test_names_with_marks_of_the_language_stay_text() -> None:
    class Names:
        def name(self, vendor: int, device: int) -> str:
            return '<b>"&'

    made = draw(view(Pc().desktop().gpu("0000:01:00.0").machine(Names())), Ink())
    assert '<b>"&' in list(ElementTree.fromstring(made.svg).itertext())


def test_from_right_to_left_everything_is_mirrored() -> None:
    shown = view(typical.shared())
    one, other = draw(shown, Ink()), draw(shown, Ink(), mirrored=True)
    assert [(one.width - x - width, y) for x, y, width, _ in one.boxes] == [
        (x, y) for x, y, *_ in other.boxes
    ]


def test_a_row_tells_what_it_is_and_who_is_to_blame() -> None:
    shown = view(typical.shared())
    texts = [row_text(row, predicted=shown.predicted, translate=english) for row in shown.rows]
    assert "NVIDIA GA102 [GeForce RTX 3080], graphics card, 0000:01:00.0, Group 1" in texts
    assert sum("does not keep devices apart" in text for text in texts) == 1
    assert {row.role for row in shown.rows} >= {Role.GPU, Role.AUDIO, Role.ROOT_PORT, Role.DISK, Role.NETWORK}


@given(pcs())
@settings(max_examples=60, deadline=None)
def test_any_tree_is_drawn(pc: Pc) -> None:
    machine = pc.machine()
    made = draw(view(machine), Ink())
    assert len(made.boxes) == len(machine.devices)
    ElementTree.fromstring(made.svg)


def test_names_are_found_behind_comments_in_the_database() -> None:
    intel = "8086  Intel Corporation\n\t0001  One\n# a remark\n\t0002  Two\n\t\t1 2  Sub\n"
    names = PciIds(intel + "10de  NVIDIA\n\t0001  N\n")
    assert names.name(0x8086, 2) == "Intel Two"
    assert names.name(0x10DE, 1) == "NVIDIA N"
    assert names.name(0x10DE, 2) == "NVIDIA [0002]"
    assert names.name(0x1234, 5) == "1234:0005"
