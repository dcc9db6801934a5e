"""Which kernel words the suite may ever set: checked again inside the privileged helper.

Sources: kernel ``Documentation/admin-guide/kernel-parameters.txt``; the out-of-tree ACS override patch for
``pcie_acs_override``; vfio-pci's module parameters.
"""

from __future__ import annotations

import re

from libneuron.hardware.boot import binding
from libneuron.hardware.boot.cmdline import REPEATABLE, Wish, name

_ADDRESS = r"[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]"
_IDS = r"[0-9a-f]{4}:[0-9a-f]{4}"

_OVERRIDE = rf"downstream|multifunction|id:{_IDS}"

ALLOWED: dict[str, str] = {
    "intel_iommu": r"on|off|on,sm_off|on,igfx_off",
    "amd_iommu": r"on|off",  # "on" is no option of the kernel, but people have it and want it removed
    "iommu": r"pt|on|off|nopt",
    "pcie_acs_override": rf"({_OVERRIDE})(,({_OVERRIDE})){{0,16}}",
    # One port: the kernel would take several after ";", which ends a command in grub.cfg.
    "pci": rf"config_acs=[01x]{{1,8}}@{_ADDRESS}",
    "vfio_pci.disable_idle_d3": r"0|1",
    "vfio_pci.ids": rf"{_IDS}(,{_IDS}){{0,15}}",
}


def refused(wish: Wish) -> tuple[str, ...]:
    """The words of ``wish`` that the suite does not set or remove; empty where all is well."""
    bad = [word for word in wish.set if not _allowed(word)]
    bad += [word for word in wish.unset if not _removable(word)]
    return (*bad, *binding.refused(wish.bind))


def risky(wish: Wish) -> tuple[str, ...]:
    """The words that weaken the separation of devices: done only after the person has typed them.

    The ACS override's own words: "may allow non-IOMMU-protected peer-to-peer DMA".
    """
    return tuple(word for word in wish.set if name(word) == "pcie_acs_override")


def _removable(word: str) -> bool:
    """A word that could be set; or a name alone, unless words of that name may be the person's own."""
    return _allowed(word) or (name(word) in ALLOWED and "=" not in word and name(word) not in REPEATABLE)


def _allowed(word: str) -> bool:
    pattern = ALLOWED.get(name(word))
    return pattern is not None and re.fullmatch(pattern, word.partition("=")[2]) is not None
