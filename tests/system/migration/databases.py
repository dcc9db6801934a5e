"""A browser's database as it lies on the disk while the browser runs: large, and partly in its log."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def running_over_100_mb(path: Path) -> Iterator[sqlite3.Connection]:
    """``path`` grows by 110 MB; what is done through the connection stays in its ``-wal`` alone."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA wal_autocheckpoint=0")
        database.execute("CREATE TABLE neuron_padding (data BLOB)")
        database.execute("INSERT INTO neuron_padding VALUES (zeroblob(110000000))")
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield database
        database.commit()
        for ending in ("", "-wal"):  # closing would work the log into the database
            shutil.copyfile(f"{path}{ending}", f"{path}{ending}.kept")
    for ending in ("", "-wal"):
        Path(f"{path}{ending}.kept").replace(f"{path}{ending}")
    assert path.stat().st_size > 100_000_000
    assert path.with_name(f"{path.name}-wal").stat().st_size
