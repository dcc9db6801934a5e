"""Sums over a journal."""

from __future__ import annotations

from libneuron.migration.journal_file import JournalFile
from libneuron.migration.model import FINAL, State, Totals


class Sums(JournalFile):
    """A journal that can be counted."""

    def totals(self) -> Totals:
        """How many entries ended where."""
        return _totals(self.database.execute("SELECT state, count(*) FROM entry GROUP BY state").fetchall())

    def totals_by_item(self) -> dict[str, Totals]:
        """The same for each item."""
        counts: dict[str, list[tuple[int, int]]] = {}
        for item, state, count in self.database.execute(
            "SELECT item, state, count(*) FROM entry GROUP BY item, state"
        ):
            counts.setdefault(item, []).append((state, count))
        return {item: _totals(found) for item, found in counts.items()}

    def already_there(self) -> dict[str, int]:
        """Per item: files that needed no copy, because the home had the same ones."""
        return dict(
            self.database.execute(
                "SELECT item, count(*) FROM entry WHERE kind = 'file' AND state IN (10, 11) AND created = 0"
                " AND kept IS NULL AND hash IS NOT NULL GROUP BY item"
            ).fetchall()
        )

    def waiting_bytes(self) -> int:
        """Bytes still to be written for what is selected."""
        (size,) = self.database.execute(
            "SELECT coalesce(sum(entry.size), 0) FROM entry JOIN item ON item.id = entry.item"
            " WHERE state = 0 AND selected = 1"
        ).fetchone()
        return int(size)

    def item_sizes(self) -> dict[str, tuple[int, int]]:
        """Per item: entries that come over, and their bytes."""
        return {
            name: (count, size)
            for name, count, size in self.database.execute(
                "SELECT item, count(*), coalesce(sum(size), 0) FROM entry"
                " WHERE state < 10 OR state IN (10, 11, 13) GROUP BY item"
            )
        }


def _totals(found: list[tuple[int, int]]) -> Totals:
    counts: dict[State, int] = dict.fromkeys(FINAL, 0)
    waiting = 0
    for state, count in found:
        if state >= State.COPIED:
            counts[State(state)] = count
        else:
            waiting += count
    return Totals(
        copied=counts[State.COPIED],
        transformed=counts[State.TRANSFORMED],
        excluded=counts[State.EXCLUDED],
        kept_both=counts[State.KEPT_BOTH],
        unavailable=counts[State.UNAVAILABLE],
        failed=counts[State.FAILED],
        waiting=waiting,
    )
