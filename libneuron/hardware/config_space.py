"""PCI configuration space read from bytes: header, capability lists, PCI Express port type, ACS.

Offsets and bits: PCI Local Bus 3.0 §6, PCI Express Base 3.0 §7.8 (capability 0x10) and §7.16 (ACS, extended
capability 0x000D); as in Linux ``include/uapi/linux/pci_regs.h``. The bytes may be cut short (without root
the kernel shows 64), all ones (a device that sleeps or is gone), or nonsense: nothing here raises, and what
could not be read is None, never a guess.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

HEADER = 64
CONVENTIONAL = 256
EXTENDED = 4096
_STATUS_HAS_LIST = 0x10
_ID_EXPRESS = 0x10
_EXT_ACS = 0x000D
_EXT_REBAR = 0x0015


class PortType(IntEnum):
    """PCI Express device/port type (bits 7:4 of the capabilities register)."""

    ENDPOINT = 0
    LEGACY_ENDPOINT = 1
    ROOT_PORT = 4
    UPSTREAM = 5
    DOWNSTREAM = 6
    PCIE_TO_PCI = 7
    PCI_TO_PCIE = 8
    RC_ENDPOINT = 9
    RC_EVENT_COLLECTOR = 10


class AcsBits(IntFlag):
    """Access Control Services, as in the capability and the control register."""

    SOURCE_VALIDATION = 0x01
    TRANSLATION_BLOCKING = 0x02
    REQUEST_REDIRECT = 0x04
    COMPLETION_REDIRECT = 0x08
    UPSTREAM_FORWARDING = 0x10
    EGRESS_CONTROL = 0x20
    DIRECT_TRANSLATED = 0x40


@dataclass(frozen=True)
class Acs:
    """An ACS capability: where it stands, what it can, what is switched on.

    ``control32`` is the dword at +8, where two Intel chipset families keep their control bits by mistake
    (Linux ``pci_quirk_intel_spt_pch_acs``).
    """

    offset: int
    capability: AcsBits
    control: AcsBits
    control32: int


@dataclass(frozen=True)
class ConfigSpace:
    """What could be read of one function's configuration space.

    ``express``: True/False, or None where the capability list could not be read. ``acs_known`` says whether
    ``acs`` None means "there is no ACS capability" (True) or "could not be read" (False).
    """

    vendor: int
    device: int
    class_code: int
    header_type: int
    multifunction_bit: bool
    express: bool | None
    port_type: PortType | None
    acs: Acs | None
    acs_known: bool
    capabilities: tuple[int, ...]
    extended: tuple[int, ...]
    resizable_bar: bool | None


def _conventional(data: bytes) -> tuple[tuple[tuple[int, int], ...], bool]:
    """(id, offset) of each capability, and whether the list was read to its end."""
    if not struct.unpack_from("<H", data, 6)[0] & _STATUS_HAS_LIST:
        return (), True
    found: list[tuple[int, int]] = []
    seen: set[int] = set()
    offset = data[0x34] & 0xFC
    while offset:
        if offset in seen or offset < HEADER:
            return tuple(found), False
        if offset + 2 > len(data):
            return tuple(found), False
        seen.add(offset)
        number = data[offset]
        if number == 0xFF:
            return tuple(found), False
        found.append((number, offset))
        offset = data[offset + 1] & 0xFC
    return tuple(found), True


def _extended(data: bytes) -> tuple[tuple[tuple[int, int], ...], bool]:
    """(id, offset) of each extended capability, and whether the list was read to its end.

    A space of exactly 256 bytes has no extended part that the kernel can reach, so it sees none either.
    """
    if len(data) == CONVENTIONAL:
        return (), True
    found: list[tuple[int, int]] = []
    seen: set[int] = set()
    offset = CONVENTIONAL
    while offset:
        if offset in seen or offset < CONVENTIONAL or offset + 4 > len(data):
            return tuple(found), False
        seen.add(offset)
        header = struct.unpack_from("<I", data, offset)[0]
        if header in (0, 0xFFFFFFFF):
            # all zero: an empty list, only at its start; all ones: nothing answers there
            return tuple(found), header == 0 and offset == CONVENTIONAL
        found.append((header & 0xFFFF, offset))
        offset = header >> 20 & 0xFFC
    return tuple(found), True


def _acs(data: bytes, offset: int) -> Acs | None:
    if offset + 8 > len(data):
        return None
    capability, control = struct.unpack_from("<HH", data, offset + 4)
    control32 = struct.unpack_from("<I", data, offset + 8)[0] if offset + 12 <= len(data) else 0
    return Acs(offset, AcsBits(capability & 0x7F), AcsBits(control & 0x7F), control32)


def parse(data: bytes) -> ConfigSpace | None:
    """Read a configuration space; None where not even a header answered (too short, or all ones)."""
    if len(data) < HEADER or data[:4] == b"\xff\xff\xff\xff":
        return None
    vendor, device = struct.unpack_from("<HH", data, 0)
    class_code = data[9] | data[10] << 8 | data[11] << 16
    listed, whole = _conventional(data)
    express_at = next((offset for number, offset in listed if number == _ID_EXPRESS), None)
    express: bool | None = express_at is not None or (None if not whole else False)
    port_type: PortType | None = None
    if express_at is not None:
        try:
            port_type = PortType(data[express_at + 2] >> 4)
        except (IndexError, ValueError):
            express = None  # a type that no standard names, or cut off: not to be judged
    extended: tuple[tuple[int, int], ...] = ()
    extended_whole = express is False
    if express:
        extended, extended_whole = _extended(data) if len(data) >= CONVENTIONAL else ((), False)
    at = next((offset for number, offset in extended if number == _EXT_ACS), None)
    acs = None if at is None else _acs(data, at)
    rebar = any(number == _EXT_REBAR for number, _ in extended)
    return ConfigSpace(
        vendor=vendor,
        device=device,
        class_code=class_code,
        header_type=data[0x0E] & 0x7F,
        multifunction_bit=bool(data[0x0E] & 0x80),
        express=express,
        port_type=port_type,
        acs=acs,
        acs_known=acs is not None or (at is None and extended_whole),
        capabilities=tuple(number for number, _ in listed),
        extended=tuple(number for number, _ in extended),
        resizable_bar=True if rebar else (False if extended_whole else None),
    )
