"""A source from what the person named: a folder as it is, a disk image through its partition."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from libneuron.migration import images
from libneuron.migration.scan import Source
from libneuron.system.runner import Runner


@contextlib.contextmanager
def opened(path: Path, runner: Runner, recovery_key: str = "") -> Iterator[Source]:
    """The source at ``path``. Raises: MigrationError source-missing and those of :func:`images.mounted`."""
    if path.is_file():
        with images.mounted(path, runner, recovery_key) as place, Source(place, origin=path) as source:
            yield source
    else:
        with Source(path) as source:
            yield source
