"""One small table on standard output: what was measured, beside what it is measured against."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Gate:
    """A ratio that must hold; only ratios gate, because machines differ (decision 11)."""

    name: str
    value: float
    limit: float
    at_least: bool

    @property
    def ok(self) -> bool:
        """Whether it holds."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{'ok  ' if self.ok else 'FAIL'} {self.name}: {self.value:.3g} ({sign} {self.limit:g})"


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; the first column is text, the others are figures."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    print(f"\n{title}")
    for row in (head, *rows):
        print(
            "  "
            + "  ".join(
                c.ljust(w) if not i else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
            )
        )


def verdict(gates: Sequence[Gate]) -> int:
    """Print the gates; returns the exit status."""
    for gate in gates:
        print(f"  {gate}")
    return 0 if all(gate.ok for gate in gates) else 1


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which ``part`` (0–1) of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def timed(work: Callable[[], object]) -> float:
    """Seconds ``work`` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
