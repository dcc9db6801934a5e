"""The folders a run needs in the home: journalled, then made; what is in the way is left in peace."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from libneuron.migration.destination import Destination, look
from libneuron.migration.journal import Journal
from libneuron.migration.naming import others
from libneuron.migration.rows import Folder
from libneuron.migration.stopping import WHOLE_RUN
from libneuron.migration.storable import moment
from libneuron.system.errors import SystemAccessError

_REMEMBERED = 20_000
"""Folders kept in memory."""


class FolderMaker:
    """Resolves planned folders to real ones. A link or file in the way gets a neighbour with another name."""

    def __init__(self, journal: Journal, destination: Destination) -> None:
        self._journal = journal
        self._destination = destination
        self._known: dict[bytes, bytes | None] = {b"": b""}
        self._numbers: dict[int, bytes] = {}
        self._fresh: set[bytes] = set()

    def actual_of(self, number: int) -> bytes | None:
        """Where the folder with this number is; None where it could not be made."""
        if number not in self._numbers:
            if len(self._numbers) > _REMEMBERED:
                self._numbers.clear()
            self._numbers[number] = self._journal.folder(number).planned
        return self.actual(self._numbers[number])

    def actual(self, planned: bytes) -> bytes | None:
        """Where the folder planned at this path is; None where it could not be made."""
        if planned not in self._known:
            found = self._journal.folder_named(planned)
            if found is None or found.actual is None or not self._is_there(found.actual):
                return None
            self._remember(found)
        return self._known[planned]

    def is_fresh(self, actual: bytes) -> bool:
        """Whether this run made the folder, so that only its own files are expected there."""
        return actual in self._fresh

    def _remember(self, folder: Folder) -> None:
        self._known[folder.planned] = folder.actual
        if folder.existed is False and folder.actual is not None:
            self._fresh.add(folder.actual)

    def _is_there(self, actual: bytes) -> bool:
        try:
            self._destination.folder(actual)
        except (OSError, SystemAccessError):  # missing, a link, not ours to enter
            return False
        return True

    def make(self, numbers: Iterable[int]) -> None:
        """Make the folders with these numbers and everything above them; a failure leaves ``actual`` None."""
        if len(self._known) > _REMEMBERED:
            self._known = {b"": b""}
            self._fresh = set()
        wanted: dict[bytes, Folder] = {}
        for number in set(numbers):
            self._collect(self._journal.folder(number), wanted)
        todo = [wanted[name] for name in sorted(wanted, key=lambda name: (name.count(b"/"), name))]
        if not todo:
            return
        with self._journal.transaction():
            for folder in todo:
                self._settle(folder, wanted)
            self._journal.save_folders(todo)
        for folder in todo:
            self._create(folder)

    def _collect(self, folder: Folder, wanted: dict[bytes, Folder]) -> None:
        while folder.planned not in self._known and folder.planned not in wanted:
            wanted[folder.planned] = folder
            above = self._journal.folder_named(folder.planned.rpartition(b"/")[0])
            if above is None:
                return
            folder = above

    def _settle(self, folder: Folder, wanted: dict[bytes, Folder]) -> None:
        """Choose the name, before anything is made."""
        if folder.actual is not None:
            return
        above, _, name = folder.planned.rpartition(b"/")
        parent = wanted.get(above)
        base = parent.actual if parent is not None else self._known.get(above)
        if base is None:
            return
        if parent is not None and parent.existed is False and not self._is_there(base):
            folder.actual, folder.existed = _join(base, name), False
            return
        descriptor = self._destination.folder(base)
        info = look(descriptor, name)
        if info is not None and not stat.S_ISDIR(info.st_mode):
            for other in others(os.fsdecode(name)):
                name = os.fsencode(other)
                info = look(descriptor, name)
                if info is None:
                    break
        folder.actual = _join(base, name)
        folder.existed = info is not None
        folder.before = moment(info) if info is not None else None

    def _create(self, folder: Folder) -> None:
        if folder.actual is None:
            self._known[folder.planned] = None
            return
        above, _, name = folder.actual.rpartition(b"/")
        try:
            parent = self._destination.folder(above)
            try:
                os.mkdir(name, 0o700 if folder.private else 0o777, dir_fd=parent)
            except FileExistsError:
                self._destination.folder(folder.actual)
        except (OSError, SystemAccessError) as error:  # counted where its entries are accounted for
            if isinstance(error, OSError) and error.errno in WHOLE_RUN:
                raise
            self._known[folder.planned] = None
            return
        self._remember(folder)


def _join(above: bytes, name: bytes) -> bytes:
    return above + b"/" + name if above else name
