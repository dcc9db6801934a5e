"""One hypervisor: its domains, their changes as they happen, their power. Calls block, never for ever."""

from __future__ import annotations

import contextlib
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import libvirt

from libneuron.guest.hypervisor.domains import Domain, Power, describe
from libneuron.guest.hypervisor.errors import HypervisorError, is_lost, opening, refused
from libneuron.guest.hypervisor.events import ensure_loop
from libneuron.guest.hypervisor.listening import Listening
from libneuron.guest.hypervisor.worker import HungError, Worker

_T = TypeVar("_T")

# Seconds. A daemon that is silent this long (3 × 5) loses its connection by itself: calls in it come back.
_KEEP_ALIVE, _KEEP_COUNT = 5, 3

_POWER = {
    libvirt.VIR_DOMAIN_RUNNING: Power.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: Power.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: Power.PAUSED,
    libvirt.VIR_DOMAIN_SHUTDOWN: Power.STOPPING,
    libvirt.VIR_DOMAIN_SHUTOFF: Power.OFF,
    libvirt.VIR_DOMAIN_CRASHED: Power.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: Power.SUSPENDED,
}


@dataclass(frozen=True)
class Change:
    """Something happened. ``uuid`` None: the connection itself came or went, read everything again."""

    uuid: str | None


Listener = Callable[[Change], None]


class Hypervisor:
    """libvirt at one URI. Opens by itself at the first call, again after a loss or a hang.

    ``patience`` is how many seconds a call may take. Thread-safe; every method but :meth:`run_async`
    blocks its caller, so neither the asyncio loop nor the GUI thread may call it.
    """

    def __init__(self, uri: str = "qemu:///system", *, patience: float = 20.0) -> None:
        self.uri = uri
        self._patience = patience
        self._lock = threading.Lock()
        self._current: Listening | None = None
        self._lost: list[Listening] = []
        self._worker = Worker(f"neuron-libvirt {uri}", on_hung=self._forget)
        self._listeners: list[Listener] = []

    # -- calls ------------------------------------------------------------------------------------

    def run(self, work: Callable[[libvirt.virConnect], _T], *, vm: str = "", patience: float = 0) -> _T:
        """Run ``work`` with the open connection on the worker thread; ``vm`` is named in errors.

        Raises: HypervisorError no-libvirt, libvirt-forbidden, bad-uri, libvirt-hangs, no-vm, libvirt-failed.
        """
        try:
            return self._worker.call(lambda: self._try(work, vm), timeout=patience or self._patience)
        except HungError as error:
            raise HypervisorError("guest.libvirt-hangs", uri=self.uri) from error

    async def run_async(self, work: Callable[[libvirt.virConnect], _T], *, vm: str = "") -> _T:
        """The same for the asyncio loop."""
        try:
            return await self._worker.call_async(lambda: self._try(work, vm), timeout=self._patience)
        except HungError as error:
            raise HypervisorError("guest.libvirt-hangs", uri=self.uri) from error

    def _try(self, work: Callable[[libvirt.virConnect], _T], vm: str) -> _T:
        for again in (True, False):
            connection = self._open()
            try:
                return work(connection)
            except libvirt.libvirtError as error:
                if again and is_lost(error) and not connection.isAlive():
                    self._forget()
                    continue
                raise refused(error, vm=vm, uri=self.uri) from error
        raise AssertionError("unreachable")

    def _open(self) -> libvirt.virConnect:
        with self._lock:
            if self._current is not None:
                return self._current.connection
        self._release_lost()
        ensure_loop()
        try:
            made = libvirt.open(self.uri)
        except libvirt.libvirtError as error:
            raise opening(error, self.uri) from error
        with contextlib.suppress(libvirt.libvirtError):  # local drivers (test:///) have nobody to keep alive
            made.setKeepAlive(_KEEP_ALIVE, _KEEP_COUNT)
        listening = Listening(
            made, told=lambda uuid: self._tell(Change(uuid)), closed=lambda: self._closed(made)
        )
        with self._lock:
            self._current = listening
        return made

    def _forget(self) -> None:
        with self._lock:
            if self._current is not None:
                self._lost.append(self._current)
                self._current = None
        self._tell(Change(None))

    def _release_lost(self) -> None:
        """Free those that are gone; one whose daemon hangs would hang us, and dies by keep-alive."""
        with self._lock:
            gone = [item for item in self._lost if item.dead]
            self._lost = [item for item in self._lost if item not in gone]
        for item in gone:
            item.release()

    # -- changes ----------------------------------------------------------------------------------

    def watch(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` on libvirt's thread at every change; returns what ends that.

        A listener must be quick and must not call back into this object: it passes the news on.
        """
        self._listeners.append(listener)
        self.run(lambda connection: connection.isAlive())
        return lambda: self._listeners.remove(listener)

    def _closed(self, connection: libvirt.virConnect) -> None:
        with self._lock:
            if self._current is not None and self._current.connection is connection:
                self._lost.append(self._current)
                self._current = None
        self._tell(Change(None))

    def _tell(self, change: Change) -> None:
        for listener in tuple(self._listeners):
            listener(change)

    # -- domains ----------------------------------------------------------------------------------

    def domains(self) -> tuple[Domain, ...]:
        """All virtual machines, by name. Raises: HypervisorError as :meth:`run`."""
        found = self.run(lambda connection: [_describe(item) for item in connection.listAllDomains(0)])
        return tuple(sorted((item for item in found if item is not None), key=lambda item: item.name))

    def domain(self, name: str) -> Domain:
        """One virtual machine by its name or UUID.

        Raises: HypervisorError no-vm, no-vm-near (which names what it might have been), as :meth:`run`.
        """
        everything = self.domains()
        for item in everything:
            if name in (item.name, item.uuid):
                return item
        raise no_vm(name, tuple(item.name for item in everything))

    async def describe_async(self, uuid: str, *, vm: str) -> Domain:
        """One virtual machine by its UUID, for the asyncio loop. Raises: as :meth:`run`."""
        found = await self.run_async(lambda link: _describe(link.lookupByUUIDString(uuid)), vm=vm)
        if found is None:
            raise HypervisorError("guest.no-vm", vm=vm)
        return found

    @property
    def local(self) -> bool:
        """Whether the VMs run on this computer: their sockets are files here (qemu+ssh://host/… are not)."""
        parts = urllib.parse.urlsplit(self.uri)
        return not parts.netloc

    @property
    def session(self) -> bool:
        """Whether the VMs run as this person (qemu:///session), who can read what they can."""
        return urllib.parse.urlsplit(self.uri).path == "/session"

    # -- power ------------------------------------------------------------------------------------

    def start(self, domain: Domain) -> None:
        """Switch the machine on, or wake it up. Raises: HypervisorError vm-running, as :meth:`run`."""

        def work(handle: libvirt.virDomain) -> None:
            state = _POWER.get(handle.state()[0], Power.UNKNOWN)
            if state is Power.PAUSED:
                handle.resume()
            elif state is Power.SUSPENDED:
                handle.pMWakeup(0)
            elif state is Power.RUNNING:
                raise HypervisorError("guest.vm-running", vm=domain.name)
            else:
                handle.create()

        self._act(domain, work, patience=120)

    def shutdown(self, domain: Domain) -> None:
        """Ask the guest to shut down (ACPI). Raises: HypervisorError vm-off, as :meth:`run`."""
        self._act(domain, lambda handle: handle.shutdown(), running=True)

    def reboot(self, domain: Domain) -> None:
        """Ask the guest to restart. Raises: HypervisorError vm-off, as :meth:`run`."""
        self._act(domain, lambda handle: handle.reboot(0), running=True)

    def suspend(self, domain: Domain) -> None:
        """Halt the machine where it is; :meth:`start` lets it go on. Raises: HypervisorError vm-off, …"""
        self._act(domain, lambda handle: handle.suspend(), running=True)

    def power_off(self, domain: Domain) -> None:
        """Cut the power; what the guest had not written is lost. Raises: HypervisorError vm-off, …"""
        self._act(domain, lambda handle: handle.destroy(), running=True)

    def _act(
        self,
        domain: Domain,
        work: Callable[[libvirt.virDomain], Any],
        *,
        running: bool = False,
        patience: float = 0,
    ) -> None:
        def act(connection: libvirt.virConnect) -> None:
            handle = connection.lookupByUUIDString(domain.uuid)
            if running and not handle.isActive():
                raise HypervisorError("guest.vm-off", vm=domain.name)
            work(handle)

        self.run(act, vm=domain.name, patience=patience)

    def close(self) -> None:
        """Let go of the connection and its thread."""
        self._listeners.clear()
        with self._lock:
            current, self._current = self._current, None
        if current is not None:
            with contextlib.suppress(HungError):
                self._worker.call(current.release, timeout=5)
        with contextlib.suppress(HungError):
            self._worker.call(self._release_lost, timeout=5)
        self._worker.close()


def no_vm(name: str, known: tuple[str, ...]) -> HypervisorError:
    """The error for a name that no machine has; names those that are nearly the same."""
    import difflib  # for this alone, and a tray never asks by name

    folded = {item.casefold(): item for item in known}
    near = [
        folded[item] for item in difflib.get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.5)
    ]
    if near:
        quoted = ", ".join(f"“{item}”" for item in near)
        return HypervisorError("guest.no-vm-near", vm=name, near=quoted)
    return HypervisorError("guest.no-vm", vm=name)


def _describe(handle: libvirt.virDomain) -> Domain | None:
    """The value of one domain; None when it vanished between being listed and being asked."""
    try:
        power = _POWER.get(handle.state()[0], Power.UNKNOWN)
        live = handle.XMLDesc(0) if handle.isActive() else None
        config = handle.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) if handle.isPersistent() else None
        return describe(live=live, config=config, power=power)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise
