"""Device names: udev's hardware database through pyudev on this machine, else the pci.ids file."""

from __future__ import annotations

import re
from functools import cache
from typing import Protocol

from libneuron.system.files import Root

_FILES = ("/usr/share/hwdata/pci.ids", "/usr/share/misc/pci.ids")
_NEXT_VENDOR = re.compile(r"\n(?=[0-9a-f]{4}  |C )|\Z")


class Names(Protocol):
    """Knows what devices are called."""

    def name(self, vendor: int, device: int) -> str:
        """ "Vendor Device", or the two numbers where nothing is known."""


def numbers(vendor: int, device: int) -> str:
    """The name of a device that nobody knows."""
    return f"{vendor:04x}:{device:04x}"


class Numbers:
    """Names nothing: for tests whose outcome must not depend on the database installed."""

    def name(self, vendor: int, device: int) -> str:
        """See :class:`Names`."""
        return numbers(vendor, device)


def short_vendor(name: str) -> str:
    """A vendor's everyday name: "Advanced Micro Devices, Inc. [AMD/ATI]" → "AMD/ATI"."""
    if "[" in name and name.endswith("]"):
        return name[name.rindex("[") + 1 : -1]
    for ending in (" Corporation", " Corp.", ", Inc.", " Inc.", " Co., Ltd.", " Electronics", " Technology"):
        name = name.removesuffix(ending)
    return name


class PciIds:
    """Looks up the text database without reading all of it."""

    def __init__(self, text: str) -> None:
        self._text = "\n" + text + "\n"
        self._sections: dict[int, str] = {}

    def _section(self, vendor: int) -> str:
        if vendor not in self._sections:
            start = self._text.find(f"\n{vendor:04x}  ")
            end = _NEXT_VENDOR.search(self._text, start + 1)
            self._sections[vendor] = "" if start < 0 or end is None else self._text[start : end.start() + 1]
        return self._sections[vendor]

    def name(self, vendor: int, device: int) -> str:
        """See :class:`Names`."""
        section = self._section(vendor)
        if not section:
            return numbers(vendor, device)
        start = section.find(f"\n\t{device:04x}  ")
        model = f"[{device:04x}]" if start < 0 else section[start + 8 :].partition("\n")[0]
        return f"{short_vendor(section[7:].partition(chr(10))[0])} {model}"


class Udev:
    """Asks udev, which knows the hardware of this machine; the file answers for the rest."""

    def __init__(self, fallback: Names) -> None:
        import pyudev

        self._fallback = fallback
        self._known: dict[tuple[int, int], str] = {}
        for device in pyudev.Context().list_devices(subsystem="pci"):
            vendor = device.properties.get("ID_VENDOR_FROM_DATABASE")
            model = device.properties.get("ID_MODEL_FROM_DATABASE")
            numbers_text = device.properties.get("PCI_ID", "")
            if vendor and model and ":" in numbers_text:
                left, _, right = numbers_text.partition(":")
                self._known[int(left, 16), int(right, 16)] = f"{short_vendor(vendor)} {model}"

    def name(self, vendor: int, device: int) -> str:
        """See :class:`Names`."""
        return self._known.get((vendor, device)) or self._fallback.name(vendor, device)


@cache
def from_file() -> Names:
    """The text database of this machine, where there is one."""
    here = Root()
    for path in _FILES:
        text = here.text(path, limit=16 << 20)
        if text:
            return PciIds(text)
    return Numbers()


def of_this_machine() -> Names:
    """The best names for the live machine; pyudev is optional (rescue shell, installer)."""
    try:
        return Udev(from_file())
    except ImportError:
        return from_file()
