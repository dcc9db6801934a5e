"""What the host may ask: one frozen dataclass and one validator per verb.

Names and first fields are those of the original protocol (decision 4). A field a newer host adds is ignored
by an older guest; a verb it does not know is answered with ``unknown-command``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from libneuron.guest.wire.errors import FieldError
from libneuron.guest.wire.fields import Fields
from libneuron.guest.wire.transfers import (
    ClipboardPromise,
    ClipboardSupply,
    FileRead,
    FilesBegin,
    FilesDiscard,
    FilesFinish,
    FileWrite,
)

PROTOCOL = (1, 2)
"""Oldest and newest protocol version this code speaks. 2: copies are promised, files cross."""
MAX_BODY_IN_MEMORY = 64 * 1024 * 1024
"""Bytes of a clipboard or screenshot body."""


class Permission(Enum):
    """What a person may switch off for a VM; enforced by the host and told to the guest."""

    CLIPBOARD_IN = "clipboard_in"  # host → VM
    CLIPBOARD_OUT = "clipboard_out"  # VM → host
    LAUNCH = "launch"
    SCREENSHOT = "screenshot"
    POWER = "power"
    FILES = "files"
    SECRETS = "secrets"  # copies that a password manager marked


@dataclass(frozen=True)
class Nothing:
    """A request without fields."""

    @classmethod
    def parse(cls, _fields: Fields) -> Nothing:
        """Nothing to check."""
        return cls()


@dataclass(frozen=True)
class Measure:
    """How fast is the channel: the request's body is thrown away, the answer's has ``size`` zeros."""

    size: int

    @classmethod
    def parse(cls, fields: Fields) -> Measure:
        """Raises: FieldError."""
        return cls(fields.integer("size", 0, 1 << 32, 0))


@dataclass(frozen=True)
class SetResolution:
    """Pixels; ``refresh`` in Hz, 0 for the driver's choice."""

    width: int
    height: int
    refresh: int = 0

    @classmethod
    def parse(cls, fields: Fields) -> SetResolution:
        """Raises: FieldError."""
        return cls(
            fields.integer("width", 320, 16384),
            fields.integer("height", 200, 16384),
            fields.integer("refresh", 0, 1000, 0),
        )


@dataclass(frozen=True)
class LaunchApp:
    """A program by path (or id from ``list_apps``) and its arguments, never a command line."""

    path: str
    args: tuple[str, ...] = ()

    @classmethod
    def parse(cls, fields: Fields) -> LaunchApp:
        """Raises: FieldError; also for paths on the network, which would send the person's hash there."""
        return cls(_local(fields, "path"), fields.texts("args", count=256))


@dataclass(frozen=True)
class OpenTarget:
    """A local file or an http(s) address."""

    target: str

    @classmethod
    def file(cls, fields: Fields) -> OpenTarget:
        """``open_file {path}``. Raises: FieldError."""
        return cls(_local(fields, "path"))

    @classmethod
    def url(cls, fields: Fields) -> OpenTarget:
        """``open_url {url}``. Raises: FieldError."""
        value = fields.line("url", limit=8192)
        if not value.lower().startswith(("http://", "https://")):
            raise FieldError("data.url", "must begin with http:// or https://")
        return cls(value)


@dataclass(frozen=True)
class ClipboardGet:
    """``mime`` empty: text in the answer's ``text``; else that format in the answer's body."""

    mime: str

    @classmethod
    def parse(cls, fields: Fields) -> ClipboardGet:
        """Raises: FieldError."""
        return cls(fields.line("mime", "", limit=128))


@dataclass(frozen=True)
class ClipboardSet:
    """``text``, or formats whose bytes follow one another in the body."""

    text: str | None
    formats: tuple[tuple[str, int], ...]
    secret: bool

    @classmethod
    def parse(cls, fields: Fields) -> ClipboardSet:
        """Raises: FieldError."""
        text = fields.text("text") if fields.has("text") else None
        formats = tuple(
            (item.line("mime", limit=128), item.integer("size", 0, MAX_BODY_IN_MEMORY))
            for item in fields.objects("formats", count=10)
        )
        if text is None and not formats:
            raise FieldError("data.text", "is missing")
        if sum(size for _, size in formats) > MAX_BODY_IN_MEMORY:
            raise FieldError("data.formats", f"hold more than {MAX_BODY_IN_MEMORY} bytes")
        return cls(text, formats, fields.flag("secret", default=False))


@dataclass(frozen=True)
class ListApps:
    """``icons``: with the icons' PNG, base64."""

    icons: bool

    @classmethod
    def parse(cls, fields: Fields) -> ListApps:
        """Raises: FieldError."""
        return cls(fields.flag("icons", default=False))


@dataclass(frozen=True)
class OneWindow:
    """A window by its number from ``list_windows``."""

    window: int

    @classmethod
    def parse(cls, fields: Fields) -> OneWindow:
        """Raises: FieldError."""
        return cls(fields.integer("window", 0, 2**63 - 1))


@dataclass(frozen=True)
class Hello:
    """The host's greeting: versions it speaks and what it is allowed to do."""

    oldest: int
    newest: int
    permissions: frozenset[Permission]

    @classmethod
    def parse(cls, fields: Fields) -> Hello:
        """Raises: FieldError. Permissions this guest does not know are ignored: they allow nothing here."""
        known = {item.value: item for item in Permission}
        names = fields.texts("permissions", count=64, limit=64)
        return cls(
            fields.integer("oldest", 1, 1 << 16),
            fields.integer("newest", 1, 1 << 16),
            frozenset(known[name] for name in names if name in known),
        )


@dataclass(frozen=True)
class Enrol:
    """Fresh keys for the guest, all PEM."""

    certificate: str
    key: str
    peer: str

    @classmethod
    def parse(cls, fields: Fields) -> Enrol:
        """Raises: FieldError."""
        found = [fields.text(name, limit=16 * 1024) for name in ("certificate", "key", "peer")]
        for name, text in zip(("certificate", "key", "peer"), found, strict=True):
            if not text.startswith("-----BEGIN "):
                raise FieldError(f"data.{name}", "must be PEM")
        return cls(*found)


def _local(fields: Fields, key: str) -> str:
    value = fields.line(key)
    if not value:
        raise FieldError(f"data.{key}", "must not be empty")
    if value.replace("/", "\\").startswith("\\\\"):
        raise FieldError(f"data.{key}", "must not be on the network")
    return value


@dataclass(frozen=True)
class Verb:
    """A verb: how its ``data`` is checked and which permission it needs."""

    parse: Callable[[Fields], Any]
    permission: Permission | None = None


VERBS: Mapping[str, Verb] = {
    "ping": Verb(Nothing.parse),
    "measure": Verb(Measure.parse),
    "hello": Verb(Hello.parse),
    "enrol": Verb(Enrol.parse),
    "get_info": Verb(Nothing.parse),
    "get_metrics": Verb(Nothing.parse),
    "set_resolution": Verb(SetResolution.parse),
    "list_modes": Verb(Nothing.parse),
    "launch_app": Verb(LaunchApp.parse, Permission.LAUNCH),
    "list_apps": Verb(ListApps.parse, Permission.LAUNCH),
    "list_windows": Verb(Nothing.parse, Permission.LAUNCH),
    "focus_window": Verb(OneWindow.parse, Permission.LAUNCH),
    "close_window": Verb(OneWindow.parse, Permission.LAUNCH),
    "open_file": Verb(OpenTarget.file, Permission.LAUNCH),
    "open_url": Verb(OpenTarget.url, Permission.LAUNCH),
    "clipboard_offer": Verb(Nothing.parse, Permission.CLIPBOARD_OUT),
    "clipboard_get": Verb(ClipboardGet.parse, Permission.CLIPBOARD_OUT),
    "clipboard_set": Verb(ClipboardSet.parse, Permission.CLIPBOARD_IN),
    "clipboard_promise": Verb(ClipboardPromise.parse, Permission.CLIPBOARD_IN),
    "clipboard_supply": Verb(ClipboardSupply.parse),  # keeps a promise that was allowed
    "files_begin": Verb(FilesBegin.parse, Permission.FILES),
    "file_write": Verb(FileWrite.parse, Permission.FILES),
    "files_finish": Verb(FilesFinish.parse, Permission.FILES),
    "files_discard": Verb(FilesDiscard.parse, Permission.FILES),
    "files_list": Verb(Nothing.parse, Permission.FILES),
    "file_read": Verb(FileRead.parse, Permission.FILES),
    "screenshot": Verb(Nothing.parse, Permission.SCREENSHOT),
    "shutdown": Verb(Nothing.parse, Permission.POWER),
    "reboot": Verb(Nothing.parse, Permission.POWER),
}
