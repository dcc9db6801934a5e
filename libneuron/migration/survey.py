"""Looking at a source without a home in mind: who is there, and what each of them has."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from libneuron.migration import discover, report
from libneuron.migration.home import Home
from libneuron.migration.plan import Planner
from libneuron.migration.rules import Rule
from libneuron.migration.scan import Source
from libneuron.progress import Progress
from libneuron.system.files import Root


def survey(source: Source, rules: tuple[Rule, ...], progress: Progress) -> dict[str, Any]:
    """Everybody in the source with their items and sums, ready for JSON.

    Raises: MigrationError not-windows, source-gone; Cancelled.
    """
    people = []
    for person in discover.people(source):
        with tempfile.TemporaryDirectory(prefix="neuron-scan-") as folder:
            nowhere = Home(Path(folder) / "home", Root(Path(folder)))
            with Planner(source, nowhere, rules, progress).write(
                Path(folder) / "scan.db", person.name
            ) as journal:
                made = report.data(journal, None)
                folders = discover.profile(source, person).folders
                people.append(
                    {
                        "name": person.name,
                        "path": person.path,
                        "folders": {one.id: one.windows for one in folders if one.path is not None},
                        "size": sum(size for _count, size in journal.item_sizes().values()),
                        "totals": made["totals"],
                        "items": made["items"],
                    }
                )
    return {"source": str(source.origin), "ntfs": source.is_ntfs, "people": people}
