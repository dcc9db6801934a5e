"""A system bus of our own with the shipped policy, an authority that answers as told, and the real helper."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from libneuron.system.bus import Bus, LoopThread
from tests.conftest import ROOT

POLICY = ROOT / "resources/dbus/system.d/org.neuronos.Helper1.conf"

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <policy user="root">
    <allow own="org.freedesktop.PolicyKit1"/>
    <allow send_destination="org.freedesktop.PolicyKit1"/>
  </policy>
  <include>{policy}</include>
</busconfig>
"""


class Answer(Enum):
    """How the authority answers."""

    YES = "yes"
    NO = "no"
    NEVER = "never"


@dataclass
class Authority:
    """Stands for polkit: answers as told, remembers who asked for what."""

    answer: Answer = Answer.YES
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    was_asked: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def receive(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        if message.member == "CancelCheckAuthorization":
            self.cancelled.set()
            return Message.new_method_return(message)
        if message.member != "CheckAuthorization":
            return None
        subject, action, _details, flags, _cancellation = message.body
        self.asked.append((subject[1]["name"].value, action, flags))
        self.was_asked.set()
        if self.answer is Answer.NEVER:
            return True
        return Message.new_method_return(message, "(bba{ss})", [[self.answer is Answer.YES, False, {}]])


@dataclass
class Lab:
    """Everything a helper needs. ``user`` runs a command as nobody."""

    address: str
    loop: LoopThread
    authority: Authority
    work: Path

    def bus(self) -> Bus:
        return self.loop.wait(Bus.open(address=self.address))

    @contextlib.contextmanager
    def helper(
        self, root: Path, *, idle: float = 30.0, patience: float = 20.0
    ) -> Iterator[subprocess.Popen[bytes]]:
        """The real helper process on this bus; it is on the bus when the block begins."""
        words = [
            "-m",
            "neuron_helper",
            "--bus",
            self.address,
            "--root",
            root,
            "--idle",
            idle,
            "--patience",
            patience,
        ]
        log = self.work / "helper.log"
        with log.open("wb") as out:
            process = subprocess.Popen([sys.executable, *map(str, words)], stdout=out, stderr=out)
        try:
            self.loop.wait(self.owned(there=True), timeout=30)
            yield process
        finally:
            process.terminate()
            process.wait(10)
            self.loop.wait(self.owned(there=False), timeout=30)

    async def owned(self, *, there: bool, name: str = "org.neuronos.Helper1") -> None:
        """Wait until ``name`` is owned, or no longer is."""
        bus = await Bus.open(address=self.address)
        changed = asyncio.Event()
        rule = f"type='signal',member='NameOwnerChanged',arg0='{name}'"
        await bus.subscribe(rule, lambda _signal: changed.set())
        daemon = "org.freedesktop.DBus"
        while True:
            changed.clear()
            answer = await bus.call(daemon, "/org/freedesktop/DBus", daemon, "NameHasOwner", "s", (name,))
            if answer[0] is there:
                break
            await changed.wait()
        await bus.close()

    def as_nobody(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program as an unprivileged user."""
        given = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *words]
        return subprocess.run(given, capture_output=True, text=True, check=False, timeout=60)


@contextlib.contextmanager
def system_bus(work: Path) -> Iterator[str]:
    """A bus below ``work`` with the shipped policy, open to every user; its address."""
    work.chmod(0o755)  # other users must reach the bus
    socket = work / "bus"
    (work / "bus.conf").write_text(CONFIG.format(socket=socket, policy=POLICY))
    read, write = os.pipe()
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={work / 'bus.conf'}", "--nofork", f"--print-address={write}"],
        pass_fds=[write],
    )
    os.close(write)
    try:
        os.read(read, 4096)  # the address comes when the bus listens
        socket.chmod(0o666)
        yield f"unix:path={socket}"
    finally:
        os.close(read)
        daemon.terminate()
        daemon.wait(10)


@contextlib.contextmanager
def lab(work: Path) -> Iterator[Lab]:
    """Start bus and authority below ``work``."""
    with system_bus(work) as address, LoopThread() as loop:
        authority = Authority()
        connection = loop.wait(_own(address, authority))
        yield Lab(address, loop, authority, work)
        loop.loop.call_soon_threadsafe(connection.disconnect)


async def _own(address: str, authority: Authority) -> MessageBus:
    connection = await MessageBus(bus_address=address).connect()
    connection.add_message_handler(authority.receive)
    await connection.request_name("org.freedesktop.PolicyKit1")
    return connection
