"""Requests that move content between the two clipboards when somebody pastes: promises and supplies.

The host promises a copy (``clipboard_promise``); when a program in the guest pastes, the guest tells of it
(event ``clipboard_wanted {serial, wanted, mime}``) and the host answers with ``clipboard_supply``. An agent
of protocol version 1 does not know these verbs; one whose desktop cannot promise answers "unsupported". Both
get the whole copy by ``clipboard_set`` instead.

Files are sent in pieces into a batch (``files_begin``, ``file_write``, ``files_finish``). Those that were
copied in the guest are listed and read in pieces (``files_list``, ``file_read``), by number, never by path.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from libneuron.guest.wire.errors import FieldError
from libneuron.guest.wire.fields import Fields
from libneuron.guest.wire.names import DEEPEST, LONGEST, UnsafeNameError, components

WANTED = "clipboard_wanted"
"""The guest's event: a program there pastes what the host has promised."""
MOST_FILES = 10_000
"""Files and folders of one copy."""
PIECE = 4 * 1024 * 1024
"""Bytes of a file that travel in one request."""
_SERIAL = (1 << 53) - 1  # the largest number that every JSON reader keeps exactly


@dataclass(frozen=True)
class ClipboardPromise:
    """A copy without its content, richest format first. No formats: the promise is taken back."""

    serial: int
    formats: tuple[str, ...]
    secret: bool

    @classmethod
    def parse(cls, fields: Fields) -> ClipboardPromise:
        """Raises: FieldError."""
        return cls(
            fields.integer("serial", 0, _SERIAL),
            fields.texts("formats", count=10, limit=128),
            fields.flag("secret", default=False),
        )


@dataclass(frozen=True)
class ClipboardSupply:
    """The answer to ``wanted``: the body, or, with ``problem``, why there is none."""

    wanted: int
    problem: str

    @classmethod
    def parse(cls, fields: Fields) -> ClipboardSupply:
        """Raises: FieldError."""
        return cls(fields.integer("wanted", 0, _SERIAL), fields.line("problem", "", limit=128))


@dataclass(frozen=True)
class FilesBegin:
    """Files are coming, ``size`` bytes in all; the answer names the ``batch``."""

    size: int

    @classmethod
    def parse(cls, fields: Fields) -> FilesBegin:
        """Raises: FieldError."""
        return cls(fields.integer("size", 0, 1 << 40))


@dataclass(frozen=True)
class FileWrite:
    """A piece of a file of a batch (the body), or a folder."""

    batch: int
    path: str
    offset: int
    directory: bool

    @classmethod
    def parse(cls, fields: Fields) -> FileWrite:
        """Raises: FieldError, also for a path that is not safe (``names``)."""
        path = fields.line("path", limit=LONGEST * DEEPEST)
        try:
            components(path)
        except UnsafeNameError as error:
            raise FieldError("data.path", error.problem) from error
        return cls(
            fields.integer("batch", 0, _SERIAL),
            path,
            fields.integer("offset", 0, 1 << 40),
            fields.flag("directory", default=False),
        )


class Place(Enum):
    """Where a complete batch goes: ready to be pasted, or into the person's folder of downloads."""

    CLIPBOARD = "clipboard"
    DOWNLOADS = "downloads"


@dataclass(frozen=True)
class FilesFinish:
    """The batch is complete; the answer has the files' addresses (``uris``) in the guest."""

    batch: int
    place: Place

    @classmethod
    def parse(cls, fields: Fields) -> FilesFinish:
        """Raises: FieldError."""
        name = fields.line("place", "clipboard", limit=32)
        known = {place.value: place for place in Place}
        if name not in known:
            raise FieldError("data.place", "must be clipboard or downloads")
        return cls(fields.integer("batch", 0, _SERIAL), known[name])


@dataclass(frozen=True)
class FilesDiscard:
    """The batch is not wanted any more."""

    batch: int

    @classmethod
    def parse(cls, fields: Fields) -> FilesDiscard:
        """Raises: FieldError."""
        return cls(fields.integer("batch", 0, _SERIAL))


@dataclass(frozen=True)
class FileRead:
    """A piece of file number ``node`` of a listed copy (``files_list``)."""

    batch: int
    node: int
    offset: int
    count: int

    @classmethod
    def parse(cls, fields: Fields) -> FileRead:
        """Raises: FieldError."""
        return cls(
            fields.integer("batch", 0, _SERIAL),
            fields.integer("node", 0, MOST_FILES),
            fields.integer("offset", 0, 1 << 40),
            fields.integer("count", 0, PIECE),
        )
