"""Windows registry hives, read with regipy, which is optional and only loaded here.

A damaged hive is an answer, not a crash: :class:`MigrationError` ``hive-broken``.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping

from libneuron.migration.errors import MigrationError

SHELL_FOLDERS = "\\Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\User Shell Folders"
CURRENT_VERSION = "\\Microsoft\\Windows NT\\CurrentVersion"
LIMIT = 512 << 20
"""Bytes; a SOFTWARE hive has 60–200 MB."""


def values(data: bytes, key: str, *, name: str) -> Mapping[str, str]:
    """The text values below ``key`` of the hive in ``data``; empty where the key is absent.

    ``name`` is the hive's path, for the message. Raises: MigrationError reader-missing, hive-broken.
    """
    try:
        from regipy.exceptions import RegistryKeyNotFoundException
        from regipy.registry import RegistryHive
    except ImportError as error:
        raise MigrationError("migration.reader-missing", details=str(error)) from error
    # The library warns about every oddity of a hive; what matters comes back as an exception.
    logging.getLogger("regipy").setLevel(logging.CRITICAL)
    with tempfile.NamedTemporaryFile(prefix="neuron-hive-") as copy:
        copy.write(data)
        copy.flush()
        try:
            found = RegistryHive(copy.name).get_key(key)  # type: ignore[no-untyped-call]
            return {value.name: str(value.value) for value in found.iter_values() if value.value is not None}
        except RegistryKeyNotFoundException:
            return {}
        except Exception as error:  # damaged bytes make the parser trip over anything
            raise MigrationError("migration.hive-broken", path=name, details=repr(error)) from error
