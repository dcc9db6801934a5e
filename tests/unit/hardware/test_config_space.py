"""Configuration space: what is read, and that nothing is guessed from what cannot be read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from libneuron.hardware.config_space import AcsBits, PortType, parse
from tests.unit.hardware.pc import ALL_ACS, REQUIRED, config


def test_port_type_and_acs_are_read() -> None:
    space = parse(config(class_code=0x060400, port=PortType.ROOT_PORT, bridge=True, acs=(ALL_ACS, REQUIRED)))
    assert space is not None
    assert (space.express, space.port_type, space.header_type) == (True, PortType.ROOT_PORT, 1)
    assert space.acs is not None
    assert (space.acs.capability, space.acs.control) == (ALL_ACS, REQUIRED)


def test_a_function_without_the_capability_is_known_to_lack_it() -> None:
    space = parse(config())
    assert space is not None
    assert space.acs is None
    assert space.acs_known


def test_the_64_bytes_of_an_ordinary_user_leave_everything_behind_the_header_unknown() -> None:
    space = parse(config()[:64])
    assert space is not None
    assert (space.vendor, space.express, space.acs_known) == (0x1234, None, False)


def test_64_bytes_without_a_capability_list_are_certainly_conventional() -> None:
    space = parse(config(port=None)[:64])
    assert space is not None
    assert space.express is False
    assert space.acs_known


def test_256_bytes_of_an_express_device_mean_that_the_kernel_cannot_reach_more() -> None:
    space = parse(config(size=256))
    assert space is not None
    assert space.express
    assert space.acs_known


def test_a_device_that_is_gone_has_no_space() -> None:
    assert parse(b"\xff" * 4096) is None
    assert parse(b"") is None


def test_a_loop_in_the_capability_list_ends_and_leaves_it_unknown() -> None:
    data = bytearray(config())
    data[0x34], data[0x40], data[0x41] = 0x40, 0x05, 0x48
    data[0x48], data[0x49] = 0x09, 0x40
    space = parse(bytes(data))
    assert space is not None
    assert space.express is None


def test_a_loop_in_the_extended_list_leaves_acs_unknown() -> None:
    data = bytearray(config())
    data[0x100:0x104] = (0x2001 << 16 | 0x0001).to_bytes(4, "little")
    data[0x200:0x204] = (0x1001 << 16 | 0x0002).to_bytes(4, "little")
    space = parse(bytes(data))
    assert space is not None
    assert space.acs is None
    assert not space.acs_known


def test_a_list_that_leads_out_of_what_was_recorded_leaves_acs_unknown() -> None:
    data = bytearray(config())
    data[0x100:0x104] = (0x8001 << 16 | 0x0001).to_bytes(4, "little")
    space = parse(bytes(data[:0x400]))
    assert space is not None
    assert not space.acs_known


@given(st.binary(max_size=4096))
def test_any_bytes_are_read_without_a_crash(data: bytes) -> None:
    space = parse(data)
    if space is not None and space.acs is not None:
        assert AcsBits(space.acs.control) <= AcsBits(0x7F)


@given(st.binary(min_size=0, max_size=16), st.integers(0, 4095), st.integers(0, 4096))
def test_a_damaged_space_never_invents_acs(noise: bytes, at: int, cut: int) -> None:
    whole = bytearray(config(class_code=0x060400, port=PortType.ROOT_PORT, bridge=True))
    whole[at : at + len(noise)] = noise
    space = parse(bytes(whole[:4096])[:cut])
    if space is not None and cut < 0x100 and space.express:
        assert not space.acs_known
