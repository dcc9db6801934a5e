"""How each boot loader is told a kernel parameter: one row a loader, the first that fits the machine wins.

Each row reads the machine through a ``Tree`` and answers with edits and commands.
Sources: GRUB manual "Simple configuration handling" (/etc/default/grub), the Boot Loader Specification
(type 1 entries), kernel-install(8), Limine's CONFIG.md (v8 ``cmdline:``; before that ``CMDLINE=``).

grubby is not run: it changes the same entry files that are edited here, but could neither be shown as a diff
beforehand nor be undone exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from libneuron.hardware.boot import formats
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.edits import FileEdit
from libneuron.system.trees import Tree

Commands = tuple[tuple[str, ...], ...]
_LIMIT = 1 << 20


@dataclass(frozen=True)
class LoaderPlan:
    """What telling one loader takes."""

    edits: tuple[FileEdit, ...]
    commands: Commands


@dataclass(frozen=True)
class Loader:
    """One boot loader: ``detect`` says whether the machine boots with it, ``plan`` how to tell it a wish."""

    id: str
    detect: Callable[[Tree], bool]
    plan: Callable[[Tree, Wish], LoaderPlan]


def _edit(tree: Tree, path: str, wish: Wish) -> FileEdit | None:
    before = tree.bytes(path, limit=_LIMIT)
    if before is None:
        return None
    form = formats.format_of(path)
    after = formats.change(before.decode("utf-8", "surrogateescape"), form, wish)
    data = after.encode("utf-8", "surrogateescape")
    return FileEdit(path, before, data) if data != before else None


def _edits(*edits: FileEdit | None) -> tuple[FileEdit, ...]:
    return tuple(edit for edit in edits if edit is not None)


# GRUB

_GRUB_CONFIGS = ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg")


def _program(tree: Tree, *names: str) -> str | None:
    for name in names:
        if any(tree.exists(f"{folder}/{name}") for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin")):
            return name
    return None


def _distribution(tree: Tree) -> frozenset[str]:
    """The names in ID and ID_LIKE of os-release(5)."""
    lines = (line.partition("=") for line in (tree.text("/etc/os-release") or "").splitlines())
    return frozenset(
        name for key, _, value in lines if key in ("ID", "ID_LIKE") for name in value.strip("\"'").split()
    )


def _grub_commands(tree: Tree) -> Commands:
    """What makes grub.cfg anew; the distribution decides where no program can be seen."""
    family = _distribution(tree)
    if _program(tree, "update-grub"):
        return (("update-grub",),)
    maker = _program(tree, "grub-mkconfig", "grub2-mkconfig")
    config = next((path for path in _GRUB_CONFIGS if tree.exists(path)), None)
    if maker is None and config is None and family & {"debian", "ubuntu"}:
        return (("update-grub",),)
    second = bool(family & {"suse", "opensuse", "fedora", "rhel"})
    maker = maker or ("grub2-mkconfig" if second else "grub-mkconfig")
    return ((maker, "-o", config or _GRUB_CONFIGS[maker == "grub2-mkconfig"]),)


def _plan_grub(tree: Tree, wish: Wish) -> LoaderPlan:
    """New words go where the last of GRUB's files sets them: what is set before that is overruled."""
    drop_ins = [
        f"{formats.GRUB_MORE}/{name}" for name in tree.names(formats.GRUB_MORE) if name.endswith(".cfg")
    ]
    paths = [path for path in (formats.GRUB, *drop_ins) if tree.exists(path)]
    setting = [path for path in paths if formats.grub_sets(_text(tree, path))]
    target = next(iter(setting[-1:] or paths), None)
    edits = [_edit(tree, path, wish if path == target else Wish(unset=wish.unset)) for path in paths]
    return LoaderPlan(_edits(*edits), _grub_commands(tree) if any(edits) else ())


def _text(tree: Tree, path: str) -> str:
    return (tree.bytes(path, limit=_LIMIT) or b"").decode("utf-8", "surrogateescape")


def _is_grub_bls(tree: Tree) -> bool:
    """Fedora and its kin: GRUB reads entry files, grubby and kernel-install write them."""
    ours = _program(tree, "grubby") is not None or bool(_distribution(tree) & {"fedora", "rhel"})
    return ours and tree.exists(formats.GRUB) and bool(_entries(tree))


def _plan_grub_bls(tree: Tree, wish: Wish) -> LoaderPlan:
    """The entries that are there, and both templates for the next kernels; GRUB reads entries as they are."""
    return LoaderPlan(_plan_grub(tree, wish).edits + _plan_systemd_boot(tree, wish).edits, ())


def files(tree: Tree) -> tuple[str, ...]:
    """Every file with kernel words that this machine has, whichever loader reads it."""
    more = [f"{formats.GRUB_MORE}/{name}" for name in tree.names(formats.GRUB_MORE) if name.endswith(".cfg")]
    single = (formats.GRUB, formats.CMDLINE, *formats.LIMINE, formats.LIMINE_ENTRY_TOOL)
    return (*(path for path in single if tree.exists(path)), *more, *_entries(tree))


# systemd-boot and kernel-install


def _entries(tree: Tree) -> list[str]:
    return [
        f"{folder}/{name}"
        for folder in formats.ENTRY_FOLDERS
        for name in tree.names(folder)
        if name.endswith(".conf")
    ]


def _is_systemd_boot(tree: Tree) -> bool:
    names = ("/EFI/systemd/systemd-bootx64.efi", "/EFI/systemd/systemd-bootaa64.efi", "/loader/loader.conf")
    return any(tree.exists(esp + name) for esp in formats.ESPS for name in names)


def _plan_systemd_boot(tree: Tree, wish: Wish) -> LoaderPlan:
    """The entries that are there, and the template from which kernel-install makes the next ones."""
    edits = [_edit(tree, path, wish) for path in _entries(tree)]
    template = _edit(tree, formats.CMDLINE, wish)
    return LoaderPlan(_edits(*edits, template), _unified(tree) if template else ())


def _has_unified_images(tree: Tree) -> bool:
    return any(name.endswith(".efi") for esp in formats.ESPS for name in tree.names(f"{esp}/EFI/Linux"))


def _unified(tree: Tree) -> Commands:
    """A unified kernel image carries its command line inside: it must be built again."""
    if not _has_unified_images(tree):
        return ()
    if _program(tree, "mkinitcpio"):
        return (("mkinitcpio", "-P"),)
    if _program(tree, "dracut"):
        return (("dracut", "--regenerate-all", "--force"),)
    return (("kernel-install", "add-all"),)


def _is_unified(tree: Tree) -> bool:
    return tree.exists(formats.CMDLINE) and _has_unified_images(tree)


# Limine


def _plan_limine(tree: Tree, wish: Wish) -> LoaderPlan:
    """limine-entry-tool's defaults where it is installed (it writes limine.conf), else the entries."""
    if tree.exists(formats.LIMINE_ENTRY_TOOL):
        edit = _edit(tree, formats.LIMINE_ENTRY_TOOL, wish)
        tool = _program(tree, "limine-update", "limine-mkinitcpio") or "limine-update"
        return LoaderPlan(_edits(edit), ((tool,),) if edit else ())
    return LoaderPlan(_edits(*(_edit(tree, path, wish) for path in formats.LIMINE)), ())


LOADERS: tuple[Loader, ...] = (
    Loader("limine", lambda tree: any(tree.exists(path) for path in formats.LIMINE), _plan_limine),
    Loader("grub-bls", _is_grub_bls, _plan_grub_bls),
    Loader("systemd-boot", lambda tree: _is_systemd_boot(tree) and not _grub_too(tree), _plan_systemd_boot),
    Loader("grub", lambda tree: tree.exists(formats.GRUB), _plan_grub),
    Loader("unified-image", _is_unified, _plan_systemd_boot),
)

_LOADER_INFO = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"


def _grub_too(tree: Tree) -> bool:
    """A GRUB machine may have an empty ESP folder of systemd-boot, but then it has no entries."""
    return tree.exists(formats.GRUB) and not _entries(tree)


def detect(tree: Tree) -> Loader | None:
    """The loader that this machine boots with, or None where it is not one we know.

    Of several that fit, the one that says it started this system (Boot Loader Interface, LoaderInfo).
    """
    fitting = [loader for loader in LOADERS if loader.detect(tree)]
    info = (tree.bytes(_LOADER_INFO) or b"")[4:].decode("utf-16-le", "replace").lower()
    told = [loader for loader in fitting if loader.id.removesuffix("-bls") in info]
    return next(iter(told or fitting), None)
