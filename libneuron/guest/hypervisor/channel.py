"""Our channel in a domain: adding it, and the endpoint that finds the way to it anew at each connect."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import libvirt

from libneuron.guest.hypervisor import devices
from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.hypervisor.domains import ChannelState, Domain
from libneuron.guest.hypervisor.errors import HypervisorError
from libneuron.guest.hypervisor.stream import open_stream
from libneuron.guest.transport import Link, Transport, UnixSocketEndpoint
from libneuron.system.files import Root


@dataclass(frozen=True)
class Added:
    """What adding the channel came to. ``restart_needed``: it is there after the VM's next start."""

    changed: bool
    restart_needed: bool
    details: str = ""


def add_channel(hypervisor: Hypervisor, domain: Domain) -> Added:
    """Add our channel for good, and to the running machine where that is possible. Asks nobody: the face did.

    Raises: HypervisorError vm-unchangeable, and as :meth:`Hypervisor.run`.
    """

    def work(connection: libvirt.virConnect) -> Added:
        handle = connection.lookupByUUIDString(domain.uuid)
        text = devices.channel()
        changed, why = False, ""
        # A transient machine has no description to keep: it gets the channel for as long as it runs.
        if handle.isPersistent() and not devices.has_channel(handle.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)):
            _attach(handle, text, libvirt.VIR_DOMAIN_AFFECT_CONFIG, domain)
            changed = True
        restart = False
        if handle.isActive() and not devices.has_channel(handle.XMLDesc(0)):
            try:
                handle.attachDeviceFlags(text, libvirt.VIR_DOMAIN_AFFECT_LIVE)
                changed = True
            except libvirt.libvirtError as error:
                if not handle.isPersistent():
                    raise
                restart, why = True, str(error)
        return Added(changed, restart, why)

    return hypervisor.run(work, vm=domain.name)


def _attach(handle: libvirt.virDomain, text: str, flags: int, domain: Domain) -> None:
    try:
        handle.attachDeviceFlags(text, flags)
    except libvirt.libvirtError as error:
        raise HypervisorError(
            "guest.vm-unchangeable", vm=domain.name, problem=str(error), details=text
        ) from error


_LINE = re.compile(r"^\S+ \S+ \S+ \S+ \S+ (?P<state>[0-9A-F]{2}) +\d+ (?P<path>.+)$")
_CONNECTED = "03"


def somebody_is_connected(table: str, path: Path) -> bool:
    """Whether a client holds the socket ``path``, from the text of /proc/net/unix.

    QEMU serves one client; the next one's connect succeeds and then hangs in the listener's queue, so that
    only this table tells. Columns: proc(5), "/proc/net/unix"; state 03 is SS_CONNECTED.
    """
    return any(
        match["path"] == str(path) and match["state"] == _CONNECTED
        for line in table.splitlines()
        if (match := _LINE.match(line))
    )


class VmEndpoint:
    """The channel of one VM, wherever it is now: the socket where we may open it, else through libvirt.

    A restart gives the socket a new path, so each connect asks libvirt afresh.
    """

    def __init__(self, hypervisor: Hypervisor, domain: Domain, *, root: Root | None = None) -> None:
        self._hypervisor = hypervisor
        self._uuid = domain.uuid
        self._root = root or Root()
        self.label = domain.name

    async def connect(self, link: Link) -> Transport:
        """Open the channel.

        Raises: HypervisorError vm-off, no-channel, channel-needs-restart, channel-in-use, no-vm,
        no-libvirt, libvirt-forbidden, libvirt-hangs; GuestError as the unix socket's endpoint.
        """
        domain = await self._hypervisor.describe_async(self._uuid, vm=self.label)
        self.label = domain.name
        if not domain.active:
            raise HypervisorError("guest.vm-off", vm=domain.name)
        if domain.channel is ChannelState.MISSING:
            raise HypervisorError("guest.no-channel", vm=domain.name)
        if domain.channel is ChannelState.NEEDS_RESTART:
            raise HypervisorError("guest.channel-needs-restart", vm=domain.name)
        path = domain.channel_path
        if path is not None and self._hypervisor.local:
            if somebody_is_connected(self._root.text("/proc/net/unix", limit=64 << 20) or "", path):
                raise HypervisorError("guest.channel-in-use", vm=domain.name, details=str(path))
            if os.access(path, os.R_OK | os.W_OK):
                return await UnixSocketEndpoint(path, domain.name).connect(link)
        return await open_stream(self._hypervisor.uri, self._uuid, link, vm=domain.name)
