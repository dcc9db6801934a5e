"""From a wish to a plan: the loader's and the initramfs tool's parts put together, refused where unknown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from libneuron.hardware.boot import initramfs, loaders
from libneuron.hardware.boot.assignments import NotSimple, OpenQuote
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.edits import BootPlan, FileEdit
from libneuron.hardware.boot.errors import BootError
from libneuron.system.trees import Tree

_WORD = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.,:=@/+-]*")
"""Words we ever write: nothing that a shell or a boot loader could read as more than a word."""


def _check(wish: Wish) -> None:
    for word in (*wish.set, *wish.unset):
        if not _WORD.fullmatch(word):
            raise BootError("hardware.argument-unsafe", argument=word)


def plan(root: Tree, wish: Wish, *, modules: Sequence[str] = (), files: Sequence[FileEdit] = ()) -> BootPlan:
    """What it takes to boot with ``wish``, with ``modules`` in the initramfs, and with ``files`` beside.

    Raises: BootError loader-unknown, initramfs-unknown, loader-by-hand, quote-open, argument-unsafe.
    Nothing has been touched then.
    """
    _check(wish)
    edits: list[FileEdit] = [edit for edit in files if edit.before != edit.after]
    commands: list[tuple[str, ...]] = []
    tool = initramfs.detect(root)
    if modules:
        if tool is None:
            raise BootError("hardware.initramfs-unknown", words=" ".join(modules))
        edit = initramfs.plan(root, tool, modules)
        if edit is not None:
            edits.append(edit)
    if tool is not None and edits:
        commands.append(tool.rebuild)
    loader = loaders.detect(root)
    words = " ".join(wish.set)
    if loader is None:
        raise BootError("hardware.loader-unknown", words=words)
    try:
        told = loader.plan(root, wish)
    except OpenQuote as error:
        raise BootError("hardware.quote-open", value=str(error)) from error
    except NotSimple as error:
        raise BootError("hardware.loader-by-hand", value=str(error), words=words) from error
    edits += told.edits
    commands += [command for command in told.commands if command not in commands]
    return BootPlan(loader.id, tool.id if tool else None, tuple(edits), tuple(commands) if edits else ())
