"""How each boot loader is told a kernel parameter: one row a loader, the first that fits the machine wins.

Each row reads the machine through a ``Root`` and answers with edits and commands.
Sources: GRUB manual "Simple configuration handling" (/etc/default/grub), the Boot Loader Specification
(type 1 entries), kernel-install(8), Limine's CONFIG.md (v8 ``cmdline:``; before that ``CMDLINE=``).

grubby is not run: it changes the same entry files that are edited here, but could neither be shown as a diff
beforehand nor be undone exactly.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from libneuron.hardware.boot import assignments, cmdline
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.edits import FileEdit
from libneuron.system.files import Root

Commands = tuple[tuple[str, ...], ...]
_LIMIT = 1 << 20
_ESPS = ("/efi", "/boot/efi", "/boot")


@dataclass(frozen=True)
class LoaderPlan:
    """What telling one loader takes."""

    edits: tuple[FileEdit, ...]
    commands: Commands


@dataclass(frozen=True)
class Loader:
    """One boot loader: ``detect`` says whether the machine boots with it, ``plan`` how to tell it a wish."""

    id: str
    detect: Callable[[Root], bool]
    plan: Callable[[Root, Wish], LoaderPlan]


def _edit(root: Root, path: str, change: Callable[[str], str]) -> FileEdit | None:
    before = root.bytes(path, limit=_LIMIT)
    if before is None:
        return None
    after = change(before.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    return FileEdit(path, before, after) if after != before else None


def _line(line: str, wish: Wish) -> str:
    words = cmdline.split(line)
    changed = cmdline.apply(words, wish)
    return line if changed == words else " ".join(changed)


def _edits(*edits: FileEdit | None) -> tuple[FileEdit, ...]:
    return tuple(edit for edit in edits if edit is not None)


# GRUB

_GRUB = "/etc/default/grub"
_GRUB_CONFIGS = ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg")


def _program(root: Root, *names: str) -> str | None:
    for name in names:
        if any(root.exists(f"{folder}/{name}") for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin")):
            return name
    return None


def _grub_commands(root: Root) -> Commands:
    if _program(root, "update-grub"):
        return (("update-grub",),)
    maker = _program(root, "grub-mkconfig", "grub2-mkconfig") or "grub-mkconfig"
    config = next((path for path in _GRUB_CONFIGS if root.exists(path)), _GRUB_CONFIGS[0])
    return ((maker, "-o", config),)


def _plan_grub(root: Root, wish: Wish) -> LoaderPlan:
    name = "GRUB_CMDLINE_LINUX_DEFAULT"
    edit = _edit(root, _GRUB, lambda text: assignments.change(text, name, lambda line: _line(line, wish)))
    return LoaderPlan(_edits(edit), _grub_commands(root) if edit else ())


def _is_grub_bls(root: Root) -> bool:
    """Fedora and its kin: GRUB reads entry files, grubby and kernel-install write them."""
    return _program(root, "grubby") is not None and bool(_entries(root))


def _plan_grub_bls(root: Root, wish: Wish) -> LoaderPlan:
    """The entries that are there, and both templates for the next kernels; GRUB reads entries as they are."""
    return LoaderPlan(_plan_grub(root, wish).edits + _plan_systemd_boot(root, wish).edits, ())


# systemd-boot and kernel-install


def _entries(root: Root) -> list[str]:
    return [
        f"{esp}/loader/entries/{name}"
        for esp in _ESPS
        for name in root.names(f"{esp}/loader/entries")
        if name.endswith(".conf")
    ]


def _is_systemd_boot(root: Root) -> bool:
    names = ("/EFI/systemd/systemd-bootx64.efi", "/EFI/systemd/systemd-bootaa64.efi", "/loader/loader.conf")
    return any(root.exists(esp + name) for esp in _ESPS for name in names)


def _entry(text: str, wish: Wish) -> str:
    """A type-1 entry with its options changed; several ``options`` lines add up, new words join the last."""
    lines = text.split("\n")
    at = [index for index, line in enumerate(lines) if re.match(r"options[ \t]", line)]
    if not at:
        return text.rstrip("\n") + "\noptions " + " ".join(wish.set) + "\n" if wish.set else text
    whole = [word for index in at for word in cmdline.split(lines[index])[1:]]
    changed = cmdline.apply(whole, wish)
    if changed == whole:
        return text
    lines[at[0]] = re.match(r"options[ \t]+", lines[at[0]]).group() + " ".join(changed)  # type: ignore[union-attr]  # matched above
    return "\n".join(line for index, line in enumerate(lines) if index not in at[1:])


def _plan_systemd_boot(root: Root, wish: Wish) -> LoaderPlan:
    """The entries that are there, and the template from which kernel-install makes the next ones."""
    edits = [_edit(root, path, lambda text: _entry(text, wish)) for path in _entries(root)]
    template = _edit(root, "/etc/kernel/cmdline", lambda text: _kernel_cmdline(text, wish))
    return LoaderPlan(_edits(*edits, template), _unified(root) if template else ())


def _kernel_cmdline(text: str, wish: Wish) -> str:
    """/etc/kernel/cmdline: words over any number of lines; comments are mkinitcpio's."""
    lines = text.split("\n")
    at = [index for index, line in enumerate(lines) if line.strip() and not line.startswith("#")]
    whole = [word for index in at for word in cmdline.split(lines[index])]
    changed = cmdline.apply(whole, wish)
    if changed == whole:
        return text
    if not at:
        return text + " ".join(changed) + "\n"
    lines[at[0]] = " ".join(changed)
    return "\n".join(line for index, line in enumerate(lines) if index not in at[1:])


def _has_unified_images(root: Root) -> bool:
    return any(name.endswith(".efi") for esp in _ESPS for name in root.names(f"{esp}/EFI/Linux"))


def _unified(root: Root) -> Commands:
    """A unified kernel image carries its command line inside: it must be built again."""
    if not _has_unified_images(root):
        return ()
    if _program(root, "mkinitcpio"):
        return (("mkinitcpio", "-P"),)
    if _program(root, "dracut"):
        return (("dracut", "--regenerate-all", "--force"),)
    return (("kernel-install", "add-all"),)


def _is_unified(root: Root) -> bool:
    return root.exists("/etc/kernel/cmdline") and _has_unified_images(root)


# Limine

_LIMINE = (
    "/boot/limine.conf",
    "/boot/limine/limine.conf",
    "/boot/EFI/limine/limine.conf",
    "/boot/limine.cfg",
)
_LIMINE_ENTRY_TOOL = "/etc/default/limine"
_LIMINE_LINE = re.compile(
    r"^(?P<head>[ \t]*(?:(?i:kernel_)?(?i:cmdline))[ \t]*[:=][ \t]*)(?P<line>.*)$", re.MULTILINE
)


def _plan_limine(root: Root, wish: Wish) -> LoaderPlan:
    """limine-entry-tool's defaults where it is installed (it writes limine.conf), else the entries."""
    if root.exists(_LIMINE_ENTRY_TOOL):
        key = "KERNEL_CMDLINE[default]"
        edit = _edit(
            root,
            _LIMINE_ENTRY_TOOL,
            lambda text: assignments.change(text, key, lambda line: _line(line, wish)),
        )
        tool = _program(root, "limine-update", "limine-mkinitcpio") or "limine-update"
        return LoaderPlan(_edits(edit), ((tool,),) if edit else ())

    def change(text: str) -> str:
        return _LIMINE_LINE.sub(lambda found: found["head"] + _line(found["line"], wish), text)

    return LoaderPlan(_edits(*(_edit(root, path, change) for path in _LIMINE)), ())


LOADERS: tuple[Loader, ...] = (
    Loader("limine", lambda root: any(root.exists(path) for path in _LIMINE), _plan_limine),
    Loader("grub-bls", _is_grub_bls, _plan_grub_bls),
    Loader("systemd-boot", lambda root: _is_systemd_boot(root) and not _grub_too(root), _plan_systemd_boot),
    Loader("grub", lambda root: root.exists(_GRUB), _plan_grub),
    Loader("unified-image", _is_unified, _plan_systemd_boot),
)


def _grub_too(root: Root) -> bool:
    """A GRUB machine may have an empty ESP folder of systemd-boot, but then it has no entries."""
    return root.exists(_GRUB) and not _entries(root)


def detect(root: Root) -> Loader | None:
    """The loader that this machine boots with, or None where it is not one we know."""
    return next((loader for loader in LOADERS if loader.detect(root)), None)
