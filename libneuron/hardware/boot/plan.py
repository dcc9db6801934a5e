"""From a wish to a plan: the loader's and the initramfs tool's parts put together, refused where unknown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from libneuron.hardware.boot import binding, initramfs, loaders, sharing
from libneuron.hardware.boot.assignments import NotSimple, OpenQuote
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.edits import BootPlan, FileEdit
from libneuron.hardware.boot.errors import BootError
from libneuron.hardware.boot.initramfs import InitramfsTool
from libneuron.hardware.boot.loaders import Loader, LoaderPlan
from libneuron.system.trees import Tree

_WORD = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.,:=@/+-]*")
"""Words we ever write: nothing that a shell or a boot loader could read as more than a word."""


def _check(wish: Wish) -> None:
    for word in (*wish.set, *wish.unset):
        if not _WORD.fullmatch(word):
            raise BootError("hardware.argument-unsafe", argument=word)


def plan(root: Tree, wish: Wish, *, modules: Sequence[str] = (), files: Sequence[FileEdit] = ()) -> BootPlan:
    """What it takes to boot with ``wish``, with ``modules`` in the initramfs, and with ``files`` beside.

    Raises: BootError loader-unknown, initramfs-unknown, loader-by-hand, quote-open, argument-unsafe; those of
    :mod:`~libneuron.hardware.boot.binding` and :mod:`~libneuron.hardware.boot.sharing`.
    Nothing has been touched then.
    """
    _check(wish)
    tool = initramfs.detect(root)
    early = _early(root, tool, wish, modules, files)
    shared = sharing.edits(root, wish.share) if wish.share else ()
    rebuild = [tool.rebuild] if tool is not None and early else []
    loader = loaders.detect(root)
    words = bool(wish.set or wish.unset)
    told = _told(root, loader, wish) if words else LoaderPlan((), ())
    edits = (*early, *shared, *told.edits)
    commands = (*rebuild, *(command for command in told.commands if command not in rebuild))
    return BootPlan(loader.id if loader else "", tool.id if tool else None, edits, commands if edits else ())


def _early(
    root: Tree, tool: InitramfsTool | None, wish: Wish, modules: Sequence[str], files: Sequence[FileEdit]
) -> list[FileEdit]:
    """What the initramfs must be built again for."""
    edits = [edit for edit in files if edit.before != edit.after]
    carried: tuple[str, ...] = ()
    if wish.bind:
        release = root.text("/proc/sys/kernel/osrelease") or ""
        modules = (*modules, *initramfs.modules(_version(release)))
        carried = (binding.PATH,)
        bound = binding.edit(root, wish.bind)
        edits += [bound] if bound is not None else []
    if modules:
        if tool is None:
            raise BootError("hardware.initramfs-unknown", words=" ".join(modules))
        edit = initramfs.plan(root, tool, modules, carried)
        edits += [edit] if edit is not None else []
    return edits


def _version(release: str) -> tuple[int, int] | None:
    match = re.match(r"(\d+)\.(\d+)", release)
    return None if match is None else (int(match[1]), int(match[2]))


def _told(root: Tree, loader: Loader | None, wish: Wish) -> LoaderPlan:
    words = " ".join(wish.set)
    if loader is None:
        raise BootError("hardware.loader-unknown", words=words)
    try:
        return loader.plan(root, wish)
    except OpenQuote as error:
        raise BootError("hardware.quote-open", value=str(error)) from error
    except NotSimple as error:
        raise BootError("hardware.loader-by-hand", value=str(error), words=words) from error
