"""Windows registry hives, read with regipy, which is optional and only loaded here.

A damaged hive is an answer, not a crash: :class:`MigrationError` ``hive-broken``.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

from libneuron.migration.errors import MigrationError

SHELL_FOLDERS = "\\Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\User Shell Folders"
CURRENT_VERSION = "\\Microsoft\\Windows NT\\CurrentVersion"
LIMIT = 512 << 20
"""Bytes; a SOFTWARE hive has 60–200 MB."""
_MANY = 20_000
"""Keys or values in one place that are looked at: a forged list may name one key without end."""


UNINSTALL = (
    "\\Microsoft\\Windows\\CurrentVersion\\Uninstall",
    "\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall",
)
"""Where SOFTWARE lists installed programs; NTUSER.DAT has the first below ``\\Software``."""


@contextmanager
def opened(data: bytes, *, name: str) -> Iterator[Any]:
    """The hive in ``data``, ``name`` being its path for the message; trouble inside is hive-broken.

    Raises: MigrationError reader-missing, hive-broken.
    """
    try:
        from regipy.registry import RegistryHive
    except ImportError as error:
        raise MigrationError("migration.reader-missing", details=str(error)) from error
    # The library warns about every oddity of a hive; what matters comes back as an exception.
    logging.getLogger("regipy").setLevel(logging.CRITICAL)
    with tempfile.NamedTemporaryFile(prefix="neuron-hive-") as copy:
        copy.write(data)
        copy.flush()
        try:
            yield RegistryHive(copy.name)  # type: ignore[no-untyped-call]
        except Exception as error:  # damaged bytes make the parser trip over anything
            raise MigrationError("migration.hive-broken", path=name, details=repr(error)) from error


def _some(found: Iterable[Any]) -> Iterator[Any]:
    return islice(found, _MANY)


def _key(hive: Any, path: str) -> Any | None:
    from regipy.exceptions import RegistryKeyNotFoundException

    try:
        return hive.get_key(path)
    except RegistryKeyNotFoundException:
        return None


def values(data: bytes, key: str, *, name: str) -> Mapping[str, str]:
    """The text values below ``key`` of the hive in ``data``; empty where the key is absent.

    ``name`` is the hive's path, for the message. Raises: MigrationError reader-missing, hive-broken.
    """
    with opened(data, name=name) as hive:
        found = _key(hive, key)
        if found is None:
            return {}
        return {
            value.name: str(value.value) for value in _some(found.iter_values()) if value.value is not None
        }


def below(data: bytes, key: str, *, name: str) -> Mapping[str, Mapping[str, str]]:
    """The values of each key right below ``key``, numbers as decimal text; empty where it is absent.

    Raises: MigrationError reader-missing, hive-broken.
    """
    with opened(data, name=name) as hive:
        found = _key(hive, key)
        return {
            one.name: {value.name: str(value.value) for value in _some(one.iter_values())}
            for one in (_some(found.iter_subkeys()) if found is not None else ())
        }


def programs(data: bytes, keys: Iterable[str], *, name: str) -> tuple[str, ...]:
    """Display names of the programs listed below ``keys``, without parts and updates of others.

    Source: Microsoft, "Uninstall Registry Key" (DisplayName, SystemComponent, ParentKeyName).
    Raises: MigrationError reader-missing, hive-broken.
    """
    names = []
    with opened(data, name=name) as hive:
        for path in keys:
            found = _key(hive, path)
            for one in _some(found.iter_subkeys()) if found is not None else ():
                told = {value.name: value.value for value in _some(one.iter_values())}
                if (
                    told.get("DisplayName")
                    and not told.get("SystemComponent")
                    and not told.get("ParentKeyName")
                ):
                    names.append(str(told["DisplayName"]))
    return tuple(sorted(set(names)))
