"""Lists of files become lists of files on the other machine, with the files themselves."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from libneuron.guest.clipboard.verbs import FileVerbs
from libneuron.guest.errors import GuestError
from libneuron.guest.wire.transfers import Place
from libneuron.progress import Progress
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.spool import MIB, Content, SpoolLimits
from libneuron.system.clipboard.targets import local_paths, uri_list


async def fetch_files(
    files: FileVerbs, current: Callable[[], bool], limits: SpoolLimits, progress: Progress
) -> Content:
    """The files on the guest's clipboard, brought here: a ``text/uri-list`` of this machine.

    Raises: GuestError, Cancelled; ClipboardError stale unless ``current``: somebody copied meanwhile.
    """
    found = await files.copied()
    if not current():
        raise ClipboardError("clipboard.stale")
    tops = await files.fetch(found, most=limits.most, progress=progress)
    return Content.of(uri_list(os.fsencode(top) for top in tops))


async def place_files(
    files: FileVerbs | None, found: Content, limits: SpoolLimits, progress: Progress
) -> Content:
    """The files that ``found`` lists, brought to the guest: a ``text/uri-list`` of that machine.

    Raises: GuestError, Cancelled.
    """
    paths = local_paths(found.whole()) if found.size <= MIB else []
    if files is None or not paths:
        raise GuestError("guest.file-none")
    addresses = await files.send(
        [Path(os.fsdecode(path)) for path in paths], Place.CLIPBOARD, most=limits.most, progress=progress
    )
    return Content.of("".join(f"{address}\r\n" for address in addresses).encode())
