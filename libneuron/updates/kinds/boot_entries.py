"""What boot loaders are told to start: boot entry files (BLS) and GRUB's configuration. Pure parsers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from libneuron.system.files import Root

BOOT_PLACES = ("/boot", "/efi", "/boot/efi")


@dataclass(frozen=True)
class Entry:
    """One way to start. ``kernel`` and ``initrds`` are as the loader sees them; ``source`` names the file."""

    source: str
    title: str
    kernel: str
    initrds: tuple[str, ...]
    options: str


def parse_bls(text: str, *, source: str) -> Entry | None:
    """A Boot Loader Specification type 1 entry; None where it starts no Linux kernel itself."""
    values: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.strip().partition(" ")
        if key and not key.startswith("#"):
            values.setdefault(key, []).append(value.strip())
    if "linux" not in values:
        return None
    return Entry(
        source,
        values.get("title", [source])[0],
        values["linux"][-1],
        tuple(values.get("initrd", ())),
        " ".join(values.get("options", ())),
    )


_GRUB_LINUX = re.compile(r"^\s*linux(?:efi|16)?\s+(\S+)\s*(.*)$")
_GRUB_INITRD = re.compile(r"^\s*initrd(?:efi|16)?\s+(.+)$")
_GRUB_MENU = re.compile(r"^\s*menuentry\s+(['\"])(.*?)\1")


def parse_grub(text: str, *, source: str) -> tuple[Entry, ...]:
    """The Linux entries of a grub.cfg. Device prefixes and variables before the path are taken off."""
    found: list[Entry] = []
    title = kernel = options = ""
    for line in text.splitlines():
        if menu := _GRUB_MENU.match(line):
            title, kernel = menu[2], ""
        elif linux := _GRUB_LINUX.match(line):
            if kernel:
                found.append(Entry(source, title, kernel, (), options))
            kernel, options = _grub_path(linux[1]), linux[2].strip()
        elif (initrd := _GRUB_INITRD.match(line)) and kernel:
            images = tuple(_grub_path(word) for word in initrd[1].split())
            found.append(Entry(source, title, kernel, images, options))
            kernel = ""
        elif line.strip() == "}" and kernel:
            found.append(Entry(source, title, kernel, (), options))
            kernel = ""
    return tuple(found)


def _grub_path(word: str) -> str:
    return re.sub(r"^(?:\([^)]*\)|\$\w+|\$\{\w+\})+", "", word)


def boot_entries(root: Root) -> tuple[Entry, ...]:
    """Every entry found below the usual boot places."""
    found: list[Entry] = []
    seen: set[str] = set()
    for place in BOOT_PLACES:
        for name in root.names(f"{place}/loader/entries"):
            path = f"{place}/loader/entries/{name}"
            if name.endswith(".conf") and name not in seen and (text := root.text(path)) is not None:
                seen.add(name)
                entry = parse_bls(text, source=path)
                found += [entry] if entry is not None else []
        for relative in ("grub/grub.cfg", "grub2/grub.cfg"):
            path = f"{place}/{relative}"
            if (text := root.text(path, limit=4 << 20)) is not None:
                found += parse_grub(text, source=path)
    return tuple(found)


def boot_file(root: Root, loader_path: str) -> str | None:
    """Where a loader's path lies in the running system, or None where it lies nowhere.

    A loader sees the boot partition (or, with GRUB, a btrfs top level with ``/@/boot/…``) from its own root.
    """
    path = loader_path if loader_path.startswith("/") else f"/{loader_path}"
    candidates = [path, *(f"{place}{path}" for place in BOOT_PLACES)]
    if "/boot/" in path[1:]:  # "/@/boot/vmlinuz" and the like: the part below the subvolume
        candidates.append(path[path.index("/boot/") :])
    for candidate in candidates:
        if root.path(candidate).is_file():
            return candidate
    return None
