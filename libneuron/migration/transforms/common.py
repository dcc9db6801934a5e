"""What every transform gets and gives. Transforms are pure: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from libneuron.migration.windowspath import PathMap

LIMIT = 64 << 20
"""Bytes: a longer file is copied as it is. Settings are smaller by far."""


@dataclass(frozen=True)
class Context:
    """What a transform may know. ``params`` come from the item's layout."""

    destination: str
    """Absolute path the result will have."""
    paths: PathMap
    params: Mapping[str, object] = field(default_factory=dict)
    existing: bytes | None = None
    """For merges: the file that was in the home before the run."""
    siblings: Mapping[str, str] = field(default_factory=dict)
    """For merges: files of the same folder that came under another name, by the name they had."""

    def mapping(self, key: str) -> dict[str, str]:
        """A parameter that maps names to names; empty where it is absent."""
        value = self.params.get(key)
        return {str(name): str(to) for name, to in value.items()} if isinstance(value, dict) else {}

    def names(self, key: str) -> list[str]:
        """A parameter that lists names; empty where it is absent."""
        value = self.params.get(key)
        return [str(name) for name in value] if isinstance(value, list) else []

    def text(self, key: str) -> str:
        """A text parameter; empty where it is absent."""
        return str(self.params.get(key, ""))


@dataclass(frozen=True)
class Result:
    """The new bytes, or None where nothing of the file should come (``reason`` says why)."""

    data: bytes | None
    notes: tuple[tuple[str, dict[str, str]], ...] = ()
    mode: int | None = None
    reason: str = ""


class NotUnderstood(ValueError):  # noqa: N818 — an answer about the file, handled by copying it
    """The file is not what its name promises; it is copied as it is and the person is told."""


@dataclass(frozen=True)
class Transform:
    """A transform as rules name it. ``merges`` means that an existing file is added to, not kept beside."""

    run: Callable[[bytes, Context], Result]
    merges: bool = False


def decode(data: bytes) -> str:
    """Text of a settings file: UTF-8 with or without its mark, or UTF-16 as Windows' editors write it.

    Raises: NotUnderstood.
    """
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotUnderstood(str(error)) from error


def unix_lines(text: str) -> str:
    """``text`` with Unix line ends, and one at the end unless it is empty."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if not text or text.endswith("\n") else text + "\n"


def lines(data: bytes, _context: Context) -> Result:
    """The same lines with Unix line ends."""
    return Result(unix_lines(decode(data)).encode())
