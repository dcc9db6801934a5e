"""The channel beside plain Python ``ssl``, each between two processes over a unix socket, in one run.

The part inside a virtual machine is :mod:`tests.bench.guest_vm`.
"""

from __future__ import annotations

import asyncio
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
from neuron_guest_bridge.simulation import Simulation
from tests.bench.guest_peers import CHUNK
from tests.bench.table import Gate, percentile, show, timed, verdict

MIB = 1 << 20
BULK = 48 * MIB
MIME = "application/octet-stream"


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


async def _ours(simulation: Simulation) -> dict[str, float]:
    client = GuestClient(simulation.endpoint(), simulation.keys(), permissions=lambda: DEFAULT)
    client.start()
    await client.wait_ready(20)
    found: dict[str, float] = {}

    async def ping() -> float:
        began = time.perf_counter()
        await client.request("ping")
        return time.perf_counter() - began

    pings = [await ping() for _ in range(4000)][200:]
    found["p50"], found["p99"] = percentile(pings, 0.5), percentile(pings, 0.99)
    await asyncio.sleep(0.2)
    idle = resident(simulation.pid), wakeups(simulation.pid)
    await asyncio.sleep(3)
    found["rss"], found["wakeups"] = idle[0], (wakeups(simulation.pid) - idle[1]) / 3

    data = bytes(BULK)
    formats = [{"mime": MIME, "size": BULK}]
    times = []
    for _ in range(4):
        began = time.perf_counter()
        await client.request("clipboard_set", {"formats": formats}, body=data, timeout=60)
        times.append(time.perf_counter() - began)
    found["to_guest"] = BULK / min(times)
    times = []
    for _ in range(4):
        began = time.perf_counter()
        await client.request("clipboard_get", {"mime": MIME}, timeout=60)
        times.append(time.perf_counter() - began)
    found["to_host"] = BULK / min(times)

    for name, verb, fields, body in (
        ("busy_to_guest", "clipboard_set", {"formats": formats}, data),
        ("busy_to_host", "clipboard_get", {"mime": MIME}, None),
    ):
        during: list[float] = []
        for _ in range(6):
            bulk = asyncio.create_task(client.request(verb, fields, body=body, timeout=60))
            while not bulk.done():
                during.append(await ping())
            await bulk
        found[name] = percentile(during, 0.99)
    await client.stop()
    return found


def main() -> int:
    """Measure and print; 0 if all ratios hold."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pair = new_pair("bench")
        (folder / "guest.pem").write_text(pair.certificate)
        (folder / "guest.key").write_text(pair.key)
        with _plain("echo", folder) as stream:
            echoes = _echoes(stream, 4000)[200:]
        with _plain("sink", folder) as stream:
            sink = BULK / min(timed(lambda: _push(stream, BULK)) for _ in range(4))
        with _plain("source", folder) as stream:
            source = BULK / min(timed(lambda: _pull(stream, BULK)) for _ in range(4))
    with Simulation() as simulation:
        simulation.hand_over()
        simulation.start()
        ours = asyncio.run(_ours(simulation))
    plain50, plain99 = percentile(echoes, 0.5), percentile(echoes, 0.99)
    show(
        "Guest channel, two processes over a unix socket (this machine)",
        ("", "plain ssl", "ours"),
        [
            ("ping p50, µs", f"{plain50 * 1e6:.0f}", f"{ours['p50'] * 1e6:.0f}"),
            ("ping p99, µs", f"{plain99 * 1e6:.0f}", f"{ours['p99'] * 1e6:.0f}"),
            ("host → guest, MiB/s", f"{sink / MIB:.0f}", f"{ours['to_guest'] / MIB:.0f}"),
            ("guest → host, MiB/s", f"{source / MIB:.0f}", f"{ours['to_host'] / MIB:.0f}"),
            ("ping p99 during host → guest, ms", "", f"{ours['busy_to_guest'] * 1e3:.1f}"),
            ("ping p99 during guest → host, ms", "", f"{ours['busy_to_host'] * 1e3:.1f}"),
            ("agent resident, MiB", "", f"{ours['rss']:.1f}"),
            ("agent wake-ups a second, idle", "", f"{ours['wakeups']:.1f}"),
        ],
    )
    return verdict(
        [
            Gate("ping p50 / plain ssl echo", ours["p50"] / plain50, 4, at_least=False),
            Gate("host → guest / plain ssl", ours["to_guest"] / sink, 0.7, at_least=True),
            Gate("guest → host / plain ssl", ours["to_host"] / source, 0.7, at_least=True),
            Gate("ping p99 during bulk to guest, ms", ours["busy_to_guest"] * 1e3, 50, at_least=False),
            Gate("ping p99 during bulk to host, ms", ours["busy_to_host"] * 1e3, 50, at_least=False),
            Gate("agent resident, MiB", ours["rss"], 30, at_least=False),
            Gate("agent wake-ups a second, idle", ours["wakeups"], 1, at_least=False),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
