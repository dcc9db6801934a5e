"""TOML tables read with the offending key named in the error; typed access to what is inside."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from libneuron.system.errors import SystemAccessError

_T = TypeVar("_T")


class Table:
    """One TOML table and where it stands, so that every complaint names file and key.

    Reading a key marks it as known; :meth:`done` refuses keys that nobody read (typing errors).
    """

    def __init__(self, values: Mapping[str, object], *, file: str, where: str = "") -> None:
        self._values = values
        self._file = file
        self._where = where
        self._read: set[str] = set()

    def _name(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key

    def fail(self, key: str, problem: str) -> SystemAccessError:
        """An error that names this table's file and ``key``; the caller raises it."""
        return SystemAccessError(
            "system.table-invalid", file=self._file, problem=f"{self._name(key)} {problem}"
        )

    def get(self, key: str, kind: type[_T], default: _T | None = None) -> _T:
        """The value at ``key`` of exactly ``kind``; required unless ``default`` is given."""
        self._read.add(key)
        value = self._values.get(key, default)
        if value is None:
            raise self.fail(key, "is missing")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.fail(key, f"must be {kind.__name__}, not {type(value).__name__}")
        return value

    def optional(self, key: str, kind: type[_T]) -> _T | None:
        """The value at ``key``, or None where it is absent."""
        self._read.add(key)
        return self.get(key, kind) if key in self._values else None

    def items(self, key: str, kind: type[_T]) -> tuple[_T, ...]:
        """The array at ``key``, every element of ``kind``; absent means empty."""
        values = self.get(key, list, [])
        for index, value in enumerate(values):
            if not isinstance(value, kind):
                raise self.fail(f"{key}[{index}]", f"must be {kind.__name__}")
        return tuple(values)

    def tables(self, key: str) -> tuple[Table, ...]:
        """The array of tables at ``key``; absent means empty."""
        return tuple(
            Table(value, file=self._file, where=f"{self._name(key)}[{index}]")
            for index, value in enumerate(self.items(key, dict))
        )

    def table(self, key: str) -> Table:
        """The table at ``key``; absent means empty."""
        return Table(self.get(key, dict, {}), file=self._file, where=self._name(key))

    def done(self) -> None:
        """Refuse keys that nobody read."""
        for key in self._values:
            if key not in self._read:
                raise self.fail(key, "is not a known key")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)


def parse(text: str, *, file: str) -> Table:
    """A whole TOML document. Raises: SystemAccessError table-invalid."""
    try:
        return Table(tomllib.loads(text), file=file)
    except tomllib.TOMLDecodeError as error:
        raise SystemAccessError("system.table-invalid", file=file, problem=str(error)) from error


def load(path: Path) -> Table:
    """The TOML file at ``path``. Raises: SystemAccessError table-invalid; OSError."""
    try:
        return parse(path.read_text("utf-8"), file=path.name)
    except UnicodeDecodeError as error:
        raise SystemAccessError("system.table-invalid", file=path.name, problem="it is not UTF-8") from error
