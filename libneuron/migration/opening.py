"""A source by its path: a folder as it is, a disk image or a partition mounted read-only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from libneuron.migration import images, partitions
from libneuron.migration.scan import Source
from libneuron.system.bus import LoopThread
from libneuron.system.calls import BlockingBus
from libneuron.system.runner import Runner
from libneuron.system.udisks import PATIENCE, Udisks


@contextlib.contextmanager
def udisks(*, patience: float = PATIENCE) -> Iterator[Udisks]:
    """The service on the system bus; nothing is connected before its first call."""
    with LoopThread() as loop:
        bus = BlockingBus(loop)
        try:
            yield Udisks(bus, patience=patience)
        finally:
            bus.close()


@contextlib.contextmanager
def opened(path: Path, runner: Runner, recovery_key: str = "") -> Iterator[Source]:
    """The source at ``path``.

    Raises: MigrationError source-missing and those of :func:`images.mounted` and :func:`partitions.mounted`.
    """
    with contextlib.ExitStack() as stack:
        place = path
        if path.is_block_device():
            service = stack.enter_context(udisks())
            place = stack.enter_context(partitions.mounted(path, service, recovery_key))
        elif path.is_file():
            place = stack.enter_context(images.mounted(path, runner, recovery_key))
        yield stack.enter_context(Source(place, origin=path))
