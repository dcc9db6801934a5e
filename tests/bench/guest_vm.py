"""The channel in a real virtual machine, beside the raw port, plain ``ssl`` over a port, and qemu-ga.

Each peer has a port of its own in one guest, so that all are measured in turn, a piece of each at a time.
Emulated encryption is slow in such a guest: the fair ceiling of a throughput is the lower of the raw port's
and the guest's own encryption. The guest's processor is the one an emulated machine has unless told otherwise
(libvirt's ``type='qemu'`` without ``<cpu>``). ``NEURON_BENCH_CPU=max`` gives it AES instructions, on which
copying, which an emulated machine does a byte at a time, costs relatively more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import sys
import tempfile
import time
from pathlib import Path
from typing import Protocol

from libneuron.guest import bundle
from libneuron.guest.client import GuestClient, VmKeys
from libneuron.guest.keys import KeyStore, new_pair
from libneuron.guest.permissions import DEFAULT
from libneuron.guest.transport import UnixSocketEndpoint
from libneuron.guest.wire.content import ENROLMENT_FILE
from libneuron.guest.wire.mux import ZeroSource
from tests.bench.awake import awake
from tests.bench.guest_vm_peer import CHUNK
from tests.bench.table import Gate, percentile, show, timed, verdict
from tests.system.lab.image import build
from tests.system.lab.machine import CHANNEL, Machine
from tests.system.lab.recipes import GUEST

MIB = 1 << 20
RAW, TLS = "bench.raw.0", "bench.tls.0"
RAW_BULK, BULK, FILE = 32 * MIB, 16 * MIB, 4 * MIB
ROUNDS, PINGS = 4, 60
_RUN = ("/usr/bin/python3", "-I", "-S", "/root/bench/peer.py")
_PEER = str(Path(__file__).with_name("guest_vm_peer.py"))


class Stream(Protocol):
    """A peer's port."""

    def send(self, data: bytes) -> None:
        """All of ``data``."""

    def receive(self, size: int) -> int:
        """How many bytes came, at most ``size``."""


class RawPort:
    """The unix socket of a port."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        self.socket.connect(str(path))
        self._buffer = bytearray(256 * 1024)

    def send(self, data: bytes) -> None:
        """See :class:`Stream`."""
        self.socket.sendall(data)

    def receive(self, size: int) -> int:
        """See :class:`Stream`."""
        return self.socket.recv_into(self._buffer, min(size, len(self._buffer)))


class TlsPort:
    """Plain ``ssl`` over a port."""

    def __init__(self, path: Path, certificate: Path) -> None:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname = False
        made.load_verify_locations(certificate)
        self._socket = made.wrap_socket(RawPort(path).socket)

    def send(self, data: bytes) -> None:
        """See :class:`Stream`."""
        self._socket.sendall(data)

    def receive(self, size: int) -> int:
        """See :class:`Stream`."""
        return len(self._socket.recv(size))


def _echo(stream: Stream) -> None:
    stream.send(b"e" + (64).to_bytes(8, "big") + bytes(64))
    _take(stream, 64)


def _take(stream: Stream, size: int) -> None:
    while size:
        size -= stream.receive(size)


def _push(stream: Stream, size: int) -> None:
    stream.send(b"s" + size.to_bytes(8, "big"))
    piece = bytes(CHUNK)
    for _ in range(size // CHUNK):
        stream.send(piece)
    _take(stream, 1)


def _pull(stream: Stream, size: int) -> None:
    stream.send(b"g" + size.to_bytes(8, "big"))
    _take(stream, size)


class Ours:
    """The channel, with NeuronGuest running as it does in every guest."""

    def __init__(self, machine: Machine, folder: Path, runner: asyncio.Runner) -> None:
        self._run = runner.run
        self._shell = machine.shell
        store = KeyStore(folder / "keys")
        hand_over = store.begin_enrolment("bench", "bench")
        machine.shell.write("/opt/neuron-guest.pyz", bundle.build())
        machine.shell.sh("mkdir -m 700 -p /var/lib/neuron-guest")
        machine.shell.write(f"/var/lib/neuron-guest/{ENROLMENT_FILE}", hand_over.encode(), mode=0o600)
        serve = "/usr/bin/python3 -I -S /opt/neuron-guest.pyz serve"
        machine.shell.sh(f"systemd-run --quiet --unit=neuron-guest {serve}")

        async def begin() -> GuestClient:
            endpoint = UnixSocketEndpoint(machine.port(CHANNEL), "bench")
            client = GuestClient(endpoint, VmKeys(store, "bench"), permissions=lambda: DEFAULT)
            client.start()
            await client.wait_ready(60)
            return client

        self.client = self._run(begin())

    async def _ping(self) -> float:
        began = time.perf_counter()
        await self.client.request("ping")
        return time.perf_counter() - began

    def pings(self, count: int) -> list[float]:
        """Seconds each of ``count`` pings took."""

        async def go() -> list[float]:
            return [await self._ping() for _ in range(count)]

        return self._run(go())

    def push(self) -> None:
        """Bulk to the guest."""
        self._run(self.client.request("measure", body=ZeroSource(BULK), timeout=120))

    def pull(self) -> None:
        """Bulk to the host."""
        self._run(self.client.request("measure", {"size": BULK}, sink=lambda _: None, timeout=120))

    def during(self, size: int) -> list[float]:
        """Pings while bulk flows: to the guest, or with ``size`` to the host."""

        async def go() -> list[float]:
            body = None if size else ZeroSource(3 * BULK)
            work = self.client.request("measure", {"size": size}, body=body, sink=lambda _: None, timeout=240)
            bulk = asyncio.create_task(work)
            found = []
            while not bulk.done():
                found.append(await self._ping())
            await bulk
            return found

        return self._run(go())

    def idle(self) -> tuple[float, float]:
        """MiB resident, and wake-ups a second, of the agent left alone."""
        pid = self._shell.sh("systemctl show -p MainPID --value neuron-guest")
        resident = self._shell.sh(f"grep VmRSS /proc/{pid}/status").split()[1]
        counting = f"cat /proc/{pid}/task/*/status | awk '/^voluntary/ {{ n += $2 }} END {{ print n }}'"
        before = int(self._shell.sh(counting))
        time.sleep(10)
        return int(resident) / 1024, (int(self._shell.sh(counting)) - before) / 10


def _aead(machine: Machine) -> tuple[float, float]:
    """Bytes a second that the guest encrypts and decrypts."""
    spoken = machine.shell.run(*_RUN, "aead", "-", "/root/bench", timeout=120).text.split()
    return float(spoken[0]), float(spoken[1])


def _peers(machine: Machine, folder: Path) -> tuple[RawPort, TlsPort]:
    pair = new_pair("bench")
    (folder / "guest.pem").write_text(pair.certificate)
    machine.shell.write("/root/bench/guest.pem", pair.certificate.encode())
    machine.shell.write("/root/bench/guest.key", pair.key.encode())
    machine.shell.write("/root/bench/peer.py", Path(_PEER).read_bytes())
    raw = RawPort(machine.port(RAW))
    machine.shell.start(*_RUN, "raw", f"/dev/virtio-ports/{RAW}", "-")
    machine.shell.start(*_RUN, "tls", f"/dev/virtio-ports/{TLS}", "/root/bench")
    return raw, TlsPort(machine.port(TLS), folder / "guest.pem")


def _measure(machine: Machine, folder: Path, runner: asyncio.Runner) -> dict[str, float]:
    raw, tls = _peers(machine, folder)
    ours = Ours(machine, folder, runner)
    machine.shell.sh(f"dd if=/dev/zero of=/root/bench/file bs=1M count={FILE // MIB} status=none")
    pings: dict[str, list[float]] = {"raw": [], "tls": [], "ours": [], "qga": []}
    speeds: dict[str, list[float]] = {
        name: []
        for name in (
            *("encrypts", "decrypts", "raw push", "raw pull"),
            *("tls push", "tls pull", "push", "pull", "qga pull"),
        )
    }
    for _ in range(ROUNDS):
        pings["raw"] += [timed(lambda: _echo(raw)) for _ in range(PINGS)]
        pings["tls"] += [timed(lambda: _echo(tls)) for _ in range(PINGS)]
        pings["ours"] += ours.pings(PINGS)
        pings["qga"] += [timed(machine.shell.ping) for _ in range(PINGS)]
        for name, speed in zip(("encrypts", "decrypts"), _aead(machine), strict=True):
            speeds[name].append(speed)
        speeds["raw push"].append(RAW_BULK / timed(lambda: _push(raw, RAW_BULK)))
        speeds["raw pull"].append(RAW_BULK / timed(lambda: _pull(raw, RAW_BULK)))
        speeds["tls push"].append(BULK / timed(lambda: _push(tls, BULK)))
        speeds["push"].append(BULK / timed(ours.push))
        speeds["tls pull"].append(BULK / timed(lambda: _pull(tls, BULK)))
        speeds["pull"].append(BULK / timed(ours.pull))
        speeds["qga pull"].append(FILE / timed(lambda: machine.shell.read("/root/bench/file")))
    found = {name: percentile(values, 0.5) for name, values in speeds.items()}
    for name, values in pings.items():
        found[f"{name} 50"], found[f"{name} 99"] = percentile(values, 0.5), percentile(values, 0.99)
    found["busy push"] = percentile(ours.during(0), 0.99)
    found["busy pull"] = percentile(ours.during(3 * BULK), 0.99)
    found["rss"], found["wakeups"] = ours.idle()
    runner.run(ours.client.stop())
    return found


def main() -> int:
    """Measure and print; 0 if all ratios hold."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        runner = stack.enter_context(asyncio.Runner())
        cpu = os.environ.get("NEURON_BENCH_CPU", "qemu64")
        machine = stack.enter_context(Machine(build(GUEST), cpu=cpu, ports=(CHANNEL, RAW, TLS)))
        machine.wait_ready()
        machine.shell.sh("systemctl is-system-running --wait || true", timeout=240)
        stack.enter_context(
            awake()
        )  # the machine's threads, its main loop and we wait for each other all the time
        found = _measure(machine, folder, runner)

    def row(title: str, names: tuple[str, ...], factor: float, digits: int = 1) -> list[str]:
        return [title, *(f"{found[name] * factor:.{digits}f}" if name else "" for name in names)]

    show(
        "Guest channel in a virtual machine under emulation (this machine)",
        ("", "raw port", "guest's AEAD", "plain ssl", "qemu-ga", "ours"),
        [
            row("ping p50, ms", ("raw 50", "", "tls 50", "qga 50", "ours 50"), 1e3, 2),
            row("ping p99, ms", ("raw 99", "", "tls 99", "qga 99", "ours 99"), 1e3, 2),
            row("host → guest, MiB/s", ("raw push", "decrypts", "tls push", "", "push"), 1 / MIB),
            row("guest → host, MiB/s", ("raw pull", "encrypts", "tls pull", "qga pull", "pull"), 1 / MIB),
            row("ping p99 during host → guest, ms", ("", "", "", "", "busy push"), 1e3),
            row("ping p99 during guest → host, ms", ("", "", "", "", "busy pull"), 1e3),
            row("agent resident, MiB", ("", "", "", "", "rss"), 1),
            row("agent wake-ups a second, idle", ("", "", "", "", "wakeups"), 1),
        ],
    )
    ceiling_push = min(found["raw push"], found["decrypts"])
    ceiling_pull = min(found["raw pull"], found["encrypts"])
    return verdict(
        [
            Gate(
                "ping p50 / plain ssl echo over a port", found["ours 50"] / found["tls 50"], 4, at_least=False
            ),
            Gate("ping p50 / qemu-ga's", found["ours 50"] / found["qga 50"], 1, at_least=False),
            Gate("host → guest / lower of port and AEAD", found["push"] / ceiling_push, 0.8, at_least=True),
            Gate("guest → host / lower of port and AEAD", found["pull"] / ceiling_pull, 0.8, at_least=True),
            Gate("host → guest / qemu-ga's file read", found["push"] / found["qga pull"], 1, at_least=True),
            Gate("guest → host / qemu-ga's file read", found["pull"] / found["qga pull"], 1, at_least=True),
            Gate("ping p99 during bulk to guest, ms", found["busy push"] * 1e3, 50, at_least=False),
            Gate("ping p99 during bulk to host, ms", found["busy pull"] * 1e3, 50, at_least=False),
            Gate("agent resident, MiB", found["rss"], 30, at_least=False),
            Gate("agent wake-ups a second, idle", found["wakeups"], 1, at_least=False),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
