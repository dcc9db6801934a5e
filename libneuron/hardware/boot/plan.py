"""From a wish to a plan: the loader's and the initramfs tool's parts put together, refused where unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from libneuron.errors import QT_TRANSLATE_NOOP, Exit, Message, NeuronError
from libneuron.hardware.boot import initramfs, loaders
from libneuron.hardware.boot.assignments import NotSimple
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.edits import BootPlan, FileEdit
from libneuron.system.files import Root

_TEXTS = {
    "hardware.loader-unknown": Message(
        QT_TRANSLATE_NOOP("hardware", "This computer starts with a boot loader that is not known here."),
        QT_TRANSLATE_NOOP("hardware", "Add these words to the kernel's command line yourself: {words}."),
        Exit.CANNOT,
    ),
    "hardware.initramfs-unknown": Message(
        QT_TRANSLATE_NOOP(
            "hardware", "This computer builds its initramfs with a tool that is not known here."
        ),
        QT_TRANSLATE_NOOP("hardware", "Add these modules to the initramfs yourself: {words}."),
        Exit.CANNOT,
    ),
    "hardware.loader-by-hand": Message(
        QT_TRANSLATE_NOOP(
            "hardware", "The boot configuration computes the value “{value}”; it was not touched."
        ),
        QT_TRANSLATE_NOOP("hardware", "Add these words to the kernel's command line yourself: {words}."),
        Exit.CANNOT,
    ),
    "hardware.file-changed": Message(
        QT_TRANSLATE_NOOP("hardware", "The file “{path}” has changed in the meantime; nothing was touched."),
        QT_TRANSLATE_NOOP("hardware", "Look at the changes again, then decide."),
    ),
    "hardware.record-broken": Message(
        QT_TRANSLATE_NOOP("hardware", "The record of a boot change, “{path}”, cannot be read."),
        QT_TRANSLATE_NOOP("hardware", "Move the file away; the changes in it can only be undone by hand."),
    ),
}


class BootError(NeuronError):
    """The boot configuration of this machine cannot be changed safely."""

    texts: ClassVar[Mapping[str, Message]] = _TEXTS


def plan(root: Root, wish: Wish, *, modules: Sequence[str] = (), files: Sequence[FileEdit] = ()) -> BootPlan:
    """What it takes to boot with ``wish``, with ``modules`` in the initramfs, and with ``files`` beside.

    Raises: BootError loader-unknown, initramfs-unknown, loader-by-hand; nothing has been touched then.
    """
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
    except NotSimple as error:
        raise BootError("hardware.loader-by-hand", value=str(error), words=words) from error
    edits += told.edits
    commands += [command for command in told.commands if command not in commands]
    return BootPlan(loader.id, tool.id if tool else None, tuple(edits), tuple(commands) if edits else ())
