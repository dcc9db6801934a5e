"""Untrusted JSON objects read by hand: exact types, limits, and the wrong field named."""

from __future__ import annotations

from collections.abc import Mapping

from libneuron.guest.wire.errors import FieldError

MAX_TEXT = 16 * 1024 * 1024


class Fields:
    """A JSON object under inspection; ``where`` is its name in complaints."""

    def __init__(self, values: object, where: str = "data") -> None:
        if values is None:
            values = {}
        if not isinstance(values, dict):
            raise FieldError(where, "must be an object")
        self._values: Mapping[str, object] = values
        self._where = where

    def _name(self, key: str) -> str:
        return f"{self._where}.{key}"

    def has(self, key: str) -> bool:
        """Whether the field is there and not null."""
        return self._values.get(key) is not None

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self._values.get(key, default)
        if type(value) is not int:
            raise FieldError(self._name(key), "must be a whole number")
        if not low <= value <= high:
            raise FieldError(self._name(key), f"must be from {low} to {high}")
        return value

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """True or false."""
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise FieldError(self._name(key), "must be true or false")
        return value

    def text(self, key: str, default: str | None = None, *, limit: int = MAX_TEXT) -> str:
        """Text that UTF-8 can carry, without NUL, at most ``limit`` characters."""
        return self._text(self._values.get(key, default), self._name(key), limit)

    @staticmethod
    def _text(value: object, name: str, limit: int) -> str:
        if not isinstance(value, str):
            raise FieldError(name, "must be text")
        if len(value) > limit:
            raise FieldError(name, f"must have at most {limit} characters")
        if "\0" in value:
            raise FieldError(name, "must not contain NUL")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise FieldError(name, "is not valid Unicode") from None
        return value

    def line(self, key: str, default: str | None = None, *, limit: int = 4096) -> str:
        """Text of one line: no control characters at all."""
        value = self.text(key, default, limit=limit)
        if any(ord(char) < 32 or ord(char) == 127 for char in value):
            raise FieldError(self._name(key), "must not contain control characters")
        return value

    def texts(self, key: str, *, count: int, limit: int = 32 * 1024) -> tuple[str, ...]:
        """A list of texts; absent means empty."""
        value = self._values.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > count:
            raise FieldError(self._name(key), f"must be a list of at most {count} texts")
        return tuple(
            self._text(item, f"{self._name(key)}[{index}]", limit) for index, item in enumerate(value)
        )

    def object(self, key: str) -> Fields:
        """An object; absent means empty."""
        return Fields(self._values.get(key), self._name(key))

    def objects(self, key: str, *, count: int) -> tuple[Fields, ...]:
        """A list of objects; absent means empty."""
        value = self._values.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > count:
            raise FieldError(self._name(key), f"must be a list of at most {count} objects")
        return tuple(Fields(item, f"{self._name(key)}[{index}]") for index, item in enumerate(value))
