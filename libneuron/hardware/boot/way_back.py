"""How a boot change is taken back from files that have lived on since: what became of each, and what goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

from libneuron.hardware.boot import formats, initramfs, loaders
from libneuron.hardware.boot.assignments import NotSimple, OpenQuote
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.edits import FileEdit
from libneuron.hardware.boot.errors import BootError
from libneuron.hardware.boot.formats import Swap
from libneuron.hardware.boot.record import Change
from libneuron.system.files import Root
from libneuron.system.mounts import mounts

_LIMIT = 1 << 24


def edits(root: Root, change: Change) -> tuple[FileEdit, ...]:
    """All that takes ``change`` back, the last file first.

    Raises: BootError file-changed, undo-by-hand, quote-open, out-of-reach.
    """
    back = [of_file(root, edit, change.wish) for edit in reversed(change.plan.edits)]
    found = [edit for edit in back if edit is not None]
    return (*found, *_since(root, change))


def of_file(root: Root, edit: FileEdit, wish: Wish) -> FileEdit | None:
    """What takes ``edit`` back from the file as it is now; None where there is nothing of ours in it."""
    now = root.bytes(edit.path, limit=_LIMIT)
    if now == edit.before:
        return None
    if now is None and edit.after is not None:
        _require_gone(root, edit.path)
        return None
    back = edit.before if now == edit.after else _without_ours(edit, now, wish)
    return None if back == now else FileEdit(edit.path, now, back)


def _without_ours(edit: FileEdit, now: bytes | None, wish: Wish) -> bytes:
    """What others made of a file since, less what we had put into it."""
    if now is None or edit.before is None or edit.after is None:
        raise BootError("hardware.file-changed", path=edit.path)
    modules = initramfs.take_back(edit.path, edit.before, edit.after, now)
    if modules is not None:
        return modules
    form, (before, after) = formats.format_of(edit.path), (_text(edit.before), _text(edit.after))
    return _swapped(edit.path, now, wish, partial(formats.take_back, form, before, after))


def _since(root: Root, change: Change) -> Iterator[FileEdit]:
    """The boot files that came since: a new kernel's entry is made from our command line, our words in it.

    What was there when the change was made, and had these words already, has them from the person.
    """
    if change.left_alone is None:
        return
    swaps = [swap for edit in change.plan.edits if (swap := _swap(edit)) is not None]
    swap = Swap.joined(swaps)
    known = {*change.left_alone, *(edit.path for edit in change.plan.edits)}
    for path in loaders.files(root):
        now = root.bytes(path, limit=_LIMIT)
        if path in known or now is None or not any(word in _text(now) for word in swap.given):
            continue
        form = formats.format_of(path)
        back = _swapped(path, now, change.wish, partial(formats.swap, form, change=swap))
        if back != now:
            yield FileEdit(path, now, back)


def _swap(edit: FileEdit) -> Swap | None:
    """The words that ``edit`` brought and took; None for what is no file of kernel words."""
    if edit.before is None or edit.after is None or not formats.is_known(edit.path):
        return None
    return formats.swap_of(formats.format_of(edit.path), _text(edit.before), _text(edit.after))


def _swapped(path: str, now: bytes, wish: Wish, change: Callable[[str], str]) -> bytes:
    try:
        return change(_text(now)).encode("utf-8", "surrogateescape")
    except OpenQuote as error:
        raise BootError("hardware.quote-open", value=str(error)) from error
    except NotSimple as error:
        words = " ".join(wish.set)
        raise BootError("hardware.undo-by-hand", path=path, value=str(error), words=words) from error


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


# Gone, or only out of reach


def _require_gone(root: Root, path: str) -> None:
    """Return if the file is no more. Raises: BootError out-of-reach where it may only be hidden.

    An EFI partition that is not mounted shows no files: taken for gone, its entries would keep our words.
    """
    try:
        os.lstat(root.path(path))
    except (FileNotFoundError, NotADirectoryError):
        if not _hidden(root, path):
            return
    except OSError as error:
        raise BootError("hardware.out-of-reach", path=path, details=str(error)) from error
    raise BootError("hardware.out-of-reach", path=path)


def _hidden(root: Root, path: str) -> bool:
    """Whether a file system that belongs above ``path`` is not there."""
    folder = path.rpartition("/")[0]
    if path.startswith(tuple(f"{esp}/" for esp in formats.ESPS)) and not root.names(folder):
        return True
    mounted = {mount.point for mount in mounts(root)}
    lines = (line.split() for line in (root.text("/etc/fstab") or "").splitlines())
    points = {words[1] for words in lines if len(words) > 1 and not words[0].startswith("#")}
    return bool(mounted) and any(
        point != "/" and path.startswith(f"{point}/") and point not in mounted for point in points
    )
