"""Finds out about a machine what :mod:`libneuron.guest.checkup` judges; blocks, but never for long."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from libneuron.errors import NeuronError
from libneuron.guest import bundle
from libneuron.guest.api import GuestApi
from libneuron.guest.checkup import Facts
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.domains import Power
from neuron_guest_bridge.joining import Connection
from neuron_guest_bridge.machines import Machine

_PATIENCE = 5.0  # seconds for an answer
_POSSIBLE = {"cpu": 1.0, "memory_used": 2.0**60, "memory_total": 2.0**60, "uptime": 1e10}


@dataclass(frozen=True)
class Health:
    """A machine at one moment: ``ms`` of a round trip, ``cpu`` 0–1, memory in bytes, ``uptime`` in seconds.

    None: the machine does not tell.
    """

    ms: float
    cpu: float | None = None
    memory_used: float | None = None
    memory_total: float | None = None
    uptime: float | None = None


def wanted_version() -> str:
    """NeuronGuest's version that belongs to this program; empty where the agent is not installed here."""
    try:
        return bundle.version()
    except FileNotFoundError:
        return ""


async def round_trip(api: GuestApi) -> float:
    """Milliseconds there and back. Raises: GuestError."""
    began = time.perf_counter()
    await api.ping(timeout=_PATIENCE)
    return (time.perf_counter() - began) * 1000


async def health(api: GuestApi) -> Health:
    """How the machine is. Raises: GuestError."""
    ms = await round_trip(api)
    try:
        found: Mapping[str, float] = await api.metrics()
    except GuestError:
        found = {}
    told = {name: found[name] for name, most in _POSSIBLE.items() if 0 <= found.get(name, -1) <= most}
    return Health(ms, **told)


def asked(facts: Facts, connection: Connection) -> Facts:
    """``facts`` with what the agent itself says."""
    try:
        ms = connection.ask(round_trip)
        info = connection.ask(lambda api: api.info())
    except GuestError as error:
        return replace(facts, connection=error)
    session = info.get("session")
    return replace(
        facts,
        milliseconds=ms,
        version=connection.version,
        session=session if isinstance(session, str) else "",
    )


def of_machine(machine: Machine, libvirt: NeuronError | None, connection: Connection | None) -> Facts:
    """What is found about a machine that the window shows."""
    facts = Facts(
        machine.name,
        libvirt=libvirt,
        by_libvirt=not machine.simulated,
        running=machine.power not in (Power.OFF, Power.CRASHED),
        channel=machine.channel,
        keys=machine.paired,
        wanted=wanted_version(),
        sharing=machine.sharing and not machine.manual,
        rival=machine.standing_back,
        can_follow=machine.can_follow,
    )
    if connection is None:
        return replace(facts, connection=GuestError("guest.agent-silent", vm=machine.name))
    return asked(facts, connection)
