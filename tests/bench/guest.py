"""The channel beside plain Python ``ssl``, each between two processes over a unix socket, in one run.

The two processes have a processor each.

The part inside a virtual machine is :mod:`tests.bench.guest_vm`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from libneuron.guest.client import GuestClient
from libneuron.guest.keys import new_pair
from libneuron.guest.permissions import DEFAULT
from libneuron.guest.wire.mux import ZeroSource
from neuron_guest_bridge.simulation import Simulation
from tests.bench.awake import awake
from tests.bench.guest_peers import CHUNK
from tests.bench.table import Gate, percentile, show, timed, verdict

MIB = 1 << 20
BULK = 48 * MIB
_PROCESSORS = sorted(os.sched_getaffinity(0))


def _place(peer: int) -> None:
    """This process on one processor and ``peer`` on another, as a host's program and a guest's processor are.

    Where the scheduler puts processes that take turns decides more than their code, and changes often.
    """
    os.sched_setaffinity(0, _PROCESSORS[:1])
    for task in Path(f"/proc/{peer}/task").iterdir():
        os.sched_setaffinity(int(task.name), _PROCESSORS[-1:])


@contextmanager
def _plain(kind: str, folder: Path) -> Iterator[ssl.SSLSocket]:
    path = folder / kind
    peer = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.guest_peers", kind, str(path), str(folder)],
        stdout=subprocess.PIPE,
    )
    assert peer.stdout is not None
    peer.stdout.readline()
    raw = socket.socket(socket.AF_UNIX)
    raw.connect(str(path))
    _place(peer.pid)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.load_verify_locations(folder / "guest.pem")
    with made.wrap_socket(raw) as stream:
        yield stream
    peer.wait(10)
    peer.stdout.close()


def _echoes(stream: ssl.SSLSocket, count: int) -> list[float]:
    piece = bytes(64)

    def once() -> None:
        stream.sendall(piece)
        left = 64
        while left:
            left -= len(stream.recv(left))

    return [timed(once) for _ in range(count)]


def _push(stream: ssl.SSLSocket, size: int) -> None:
    stream.sendall(size.to_bytes(8, "big"))
    piece = bytes(CHUNK)
    for _ in range(size // CHUNK):
        stream.sendall(piece)
    stream.recv(4)


def _pull(stream: ssl.SSLSocket, size: int) -> None:
    stream.sendall(size.to_bytes(8, "big"))
    buffer = bytearray(CHUNK)
    left = size
    while left:
        left -= stream.recv_into(buffer, min(left, CHUNK))


def resident(pid: int) -> float:
    """MiB of memory a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def wakeups(pid: int) -> int:
    """How often a process's threads gave up the processor of their own accord."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total


def _drop(_piece: memoryview) -> None:
    """A sink."""


class _Ours:
    """The channel's side: a client on an asyncio loop of its own in this process."""

    def __init__(self, simulation: Simulation, runner: asyncio.Runner) -> None:
        self._run = runner.run
        self._pid = simulation.pid
        _place(self._pid)

        async def begin() -> GuestClient:
            client = GuestClient(simulation.endpoint(), simulation.keys(), permissions=lambda: DEFAULT)
            client.start()
            await client.wait_ready(20)
            return client

        self.client = self._run(begin())

    async def _ping(self) -> float:
        began = time.perf_counter()
        await self.client.request("ping")
        return time.perf_counter() - began

    def pings(self, count: int) -> list[float]:
        async def go() -> list[float]:
            return [await self._ping() for _ in range(count)]

        return self._run(go())

    def push(self) -> None:
        self._run(self.client.request("measure", body=ZeroSource(BULK), timeout=60))

    def pull(self) -> None:
        self._run(self.client.request("measure", {"size": BULK}, sink=_drop, timeout=60))

    def during(self, size: int) -> list[float]:
        """Pings while bulk flows: to the guest, or with ``size`` to the host."""

        async def go() -> list[float]:
            body = None if size else ZeroSource(4 * BULK)
            work = self.client.request("measure", {"size": size}, body=body, sink=_drop, timeout=120)
            bulk = asyncio.create_task(work)
            found = []
            while not bulk.done():
                found.append(await self._ping())
            await bulk
            return found

        return self._run(go())

    def idle(self) -> tuple[float, float]:
        """MiB resident, and wake-ups a second, of the agent left alone."""
        before = wakeups(self._pid)
        time.sleep(3)
        return resident(self._pid), (wakeups(self._pid) - before) / 3


def _measure(folder: Path, simulation: Simulation, runner: asyncio.Runner) -> dict[str, float]:
    """Both sides in turn, a piece of each at a time, so that a busy machine hurts both alike."""
    ours = _Ours(simulation, runner)
    echoes: list[float] = []
    pings: list[float] = []
    times: dict[str, list[float]] = {"sink": [], "source": [], "push": [], "pull": []}
    with (
        _plain("echo", folder) as echo,
        _plain("sink", folder) as sink,
        _plain("source", folder) as source,
    ):
        with awake():
            for _ in range(10):
                echoes += _echoes(echo, 300)
                pings += ours.pings(300)
        for _ in range(20):
            times["sink"].append(timed(lambda: _push(sink, BULK)))
            times["push"].append(timed(ours.push))
            times["source"].append(timed(lambda: _pull(source, BULK)))
            times["pull"].append(timed(ours.pull))
    found = {name: BULK / percentile(values, 0.5) for name, values in times.items()}
    found["plain50"], found["plain99"] = percentile(echoes, 0.5), percentile(echoes, 0.99)
    found["p50"], found["p99"] = percentile(pings, 0.5), percentile(pings, 0.99)
    found["busy_push"] = percentile(ours.during(0), 0.99)
    found["busy_pull"] = percentile(ours.during(4 * BULK), 0.99)
    found["rss"], found["wakeups"] = ours.idle()
    runner.run(ours.client.stop())
    return found


def main() -> int:
    """Measure and print; 0 if all ratios hold."""
    with (
        tempfile.TemporaryDirectory() as name,
        Simulation() as simulation,
        asyncio.Runner() as runner,
    ):
        folder = Path(name)
        pair = new_pair("bench")
        (folder / "guest.pem").write_text(pair.certificate)
        (folder / "guest.key").write_text(pair.key)
        simulation.hand_over()
        simulation.start()
        found = _measure(folder, simulation, runner)
    show(
        "Guest channel, two processes over a unix socket (this machine)",
        ("", "plain ssl", "ours"),
        [
            ("ping p50, µs", f"{found['plain50'] * 1e6:.0f}", f"{found['p50'] * 1e6:.0f}"),
            ("ping p99, µs", f"{found['plain99'] * 1e6:.0f}", f"{found['p99'] * 1e6:.0f}"),
            ("host → guest, MiB/s", f"{found['sink'] / MIB:.0f}", f"{found['push'] / MIB:.0f}"),
            ("guest → host, MiB/s", f"{found['source'] / MIB:.0f}", f"{found['pull'] / MIB:.0f}"),
            ("ping p99 during host → guest, ms", "", f"{found['busy_push'] * 1e3:.1f}"),
            ("ping p99 during guest → host, ms", "", f"{found['busy_pull'] * 1e3:.1f}"),
            ("agent resident, MiB", "", f"{found['rss']:.1f}"),
            ("agent wake-ups a second, idle", "", f"{found['wakeups']:.1f}"),
        ],
    )
    return verdict(
        [
            Gate("ping p50 / plain ssl echo", found["p50"] / found["plain50"], 4, at_least=False),
            Gate("host → guest / plain ssl", found["push"] / found["sink"], 0.7, at_least=True),
            Gate("guest → host / plain ssl", found["pull"] / found["source"], 0.7, at_least=True),
            Gate("ping p99 during bulk to guest, ms", found["busy_push"] * 1e3, 50, at_least=False),
            Gate("ping p99 during bulk to host, ms", found["busy_pull"] * 1e3, 50, at_least=False),
            Gate("agent resident, MiB", found["rss"], 30, at_least=False),
            Gate("agent wake-ups a second, idle", found["wakeups"], 1, at_least=False),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
