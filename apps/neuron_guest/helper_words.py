"""What a helper in the person's session answers to the service, checked: it runs as an ordinary person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from libneuron.guest.wire.errors import FieldError
from libneuron.guest.wire.fields import Fields
from neuron_guest.backend import App, BackendError, Mode, Offer, Window

_Result = TypeVar("_Result")
_MOST_PARTS = 500_000


def too_many_parts(text: bytes) -> bool:
    """Whether this JSON holds more than any helper has to say: decoded, it could take thirty times its size.

    Every part but the first has a comma before it; bytes, which make a message large, hold none as base64.
    """
    return text.count(b",") > _MOST_PARTS


def checked(read: Callable[[], _Result]) -> _Result:
    """What ``read`` makes of an answer. Raises: BackendError failed for one that makes no sense."""
    try:
        return read()
    except FieldError as error:
        raise BackendError("failed", f"the session's helper answered nonsense: {error}") from error


def binary(value: object) -> bytes:
    """Bytes. Raises: FieldError, as all below."""
    if not isinstance(value, bytes):
        raise FieldError("value", "must be bytes")
    return value


def offer(value: object) -> Offer:
    """What a copy offers."""
    fields = Fields(value, "offer")
    formats = fields.texts("formats", count=64, limit=256)
    return Offer(formats, secret=fields.flag("secret"), own=fields.flag("own"))


def mode(value: object) -> Mode:
    """A display mode."""
    return _mode(Fields(value, "mode"))


def modes(value: object) -> Sequence[Mode]:
    """Display modes."""
    return [_mode(fields) for fields in _several(value)]


def _mode(fields: Fields) -> Mode:
    low, high = 1, 1 << 16
    width, height = (fields.integer(side, low, high) for side in ("width", "height"))
    return Mode(width, height, fields.integer("refresh", 0, 10_000))


def windows(value: object) -> Sequence[Window]:
    """Windows."""
    return [
        Window(
            fields.integer("id", 1, (1 << 63) - 1),
            fields.text("title", limit=65536),
            fields.text("app", limit=32768),
            focused=fields.flag("focused"),
        )
        for fields in _several(value)
    ]


def apps(value: object) -> Sequence[App]:
    """Applications."""
    listed = _several(value)  # first: what is no list of objects is refused here
    assert isinstance(value, list)
    icons = [each.get("icon") for each in value]
    return [
        App(
            fields.line("id"),
            fields.text("name", limit=1024),
            fields.text("path", limit=32768),
            fields.texts("args", count=256),
            icon if isinstance(icon, bytes) else b"",
        )
        for fields, icon in zip(listed, icons, strict=True)
    ]


def process(value: object) -> int:
    """A process id."""
    return Fields({"pid": value}).integer("pid", 0, 0xFFFFFFFF)


def _several(value: object) -> Sequence[Fields]:
    if not isinstance(value, list):
        raise FieldError("value", "must be a list")
    return Fields({"value": value}, "answer").objects("value", count=10_000)
