"""What the soak measures with: when the port was there, what this computer itself took, and the verdict."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from libneuron.guest.hypervisor.domains import CHANNEL
from tests.system.lab.domain import Domain

BOUND = 2.0
"""Seconds from the port being there to the first answer."""


class Port:
    """When the guest last opened and closed our port, by QEMU's event and at QEMU's time.

    libvirt has the channel's state "connected" from the same event (qemuProcessHandleSerialChanged).
    """

    def __init__(self, guest: Domain) -> None:
        (self._alias,) = [
            channel.find("alias").get("name")  # type: ignore[union-attr]  # a running machine's always has one
            for channel in guest.live().iter("channel")
            if channel.find("target").get("name") == CHANNEL  # type: ignore[union-attr]  # so has it a target
        ]
        self._stalls = Stalls(guest)
        self._changed = threading.Condition()
        self._opened = self._closed = 0.0
        self._waited = Waits()

    def told(self, *event: object) -> None:
        """libvirt's callback: connection, domain, name, seconds, microseconds, details, opaque."""
        details = json.loads(str(event[5]))
        if details["id"] != self._alias:
            return
        ago = time.time() - (int(str(event[3])) + int(str(event[4])) / 1e6)
        with self._changed:
            if details["open"]:
                self._opened, self._waited = time.monotonic() - ago, self._stalls.now()
            else:
                self._closed = time.monotonic() - ago
            self._changed.notify_all()

    def wait_gone(self, since: float, timeout: float) -> float:
        """When the guest closed the port, after ``since`` (monotonic seconds). Raises: TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed > since, timeout):
                raise TimeoutError("the agent does not go")
            return self._closed

    def wait_there(self, since: float, timeout: float) -> Moment:
        """When the guest opened the port, after ``since``. Raises: TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._opened > since, timeout):
                raise TimeoutError("the agent does not come")
            return Moment(self._opened, self._waited)


Waits = dict[tuple[int, str], float]
"""Seconds that threads, by process and thread, were ready to run and this computer ran something else."""


@dataclass(frozen=True)
class Moment:
    """A time (monotonic seconds), and what the computer had withheld until then."""

    at: float
    waits: Waits


class Stalls:
    """How long this computer let the VM or ourselves wait for a processor: it may have other work.

    The kernel counts it for each thread (proc(5), schedstat: run_delay). QEMU's threads and ours work in turn
    on a recovery, and which of their waits lay on the way is not known: what counts is the longest wait of
    any single thread, not the sum.
    """

    def __init__(self, guest: Domain) -> None:
        self._machine = _process(guest.handle.UUIDString())

    def now(self) -> Waits:
        """The counts."""
        found: Waits = {}
        for process in (self._machine, os.getpid()):
            for thread in Path(f"/proc/{process}/task").iterdir():
                try:
                    _, waited, _ = (thread / "schedstat").read_text().split()
                except OSError:
                    continue  # it ended, or this kernel does not count: then nothing is subtracted
                found[process, thread.name] = int(waited) / 1e9
        return found

    def since(self, before: Waits) -> float:
        """Seconds withheld since ``before``."""
        return max((waited - before.get(thread, 0.0) for thread, waited in self.now().items()), default=0.0)

    def moment(self) -> Moment:
        """Now."""
        return Moment(time.monotonic(), self.now())


def _process(uuid: str) -> int:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"-uuid" in words and uuid.encode() in words:
            return int(entry.name)
    raise LookupError(f"no QEMU runs {uuid}")


@dataclass
class Record:
    """What the repetitions of one interruption came to; shown and judged when a ``with`` ends well."""

    what: str
    series: dict[str, list[float]] = field(default_factory=dict)

    def add(self, there: Moment, ready: float, stall: float, **more: float) -> None:
        """One recovery: usable at ``ready``; of the time since ``there`` the computer withheld ``stall``."""
        took = ready - there.at
        figures = {"usable": took, "withheld_by_this_computer": stall, "to_be_judged": took - stall, **more}
        for name, value in figures.items():
            self.series.setdefault(name, []).append(value)
        shown = ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in figures.items())
        print(f"\n{self.what} {len(self.series['usable'])}: {shown}", end="", flush=True)

    def show(self) -> None:
        """Print what was counted."""
        for name, values in self.series.items():
            ranked = sorted(values)
            within = sum(value <= BOUND for value in ranked)
            print(
                f"\n{self.what}, {len(ranked)} times, {name.replace('_', ' ')}: median"
                f" {ranked[len(ranked) // 2]:.2f} s, longest {ranked[-1]:.2f} s, {within} within {BOUND:g} s",
                flush=True,
            )

    def late(self) -> list[str]:
        """The recoveries that took too long, by their numbers."""
        judged = self.series["to_be_judged"]
        return [f"{number}: {value:.2f} s" for number, value in enumerate(judged, 1) if value > BOUND]


@contextmanager
def judged(what: str) -> Iterator[Record]:
    """Every one of the recoveries within the bound; the figures are shown whatever ends it."""
    record = Record(what)
    try:
        yield record
    finally:
        record.show()
    late = ", ".join(record.late())
    assert not late, f"{what}: not usable within {BOUND:g} s of the port being there: {late}"
