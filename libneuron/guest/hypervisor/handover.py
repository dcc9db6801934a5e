"""A file into the guest through qemu-ga, which runs as the administrator there.

qemu-ga makes new files readable by everybody (``qga/commands-posix.c``, DEFAULT_NEW_FILE_MODE), so a secret
may only go into a folder that keeps others out: the agent's own, which its installer made.
"""

from __future__ import annotations

import base64
import contextlib
import json
from dataclasses import dataclass
from typing import Any

import libvirt
import libvirt_qemu

from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.hypervisor.domains import Domain
from libneuron.guest.hypervisor.errors import HypervisorError, problem, refused, told

_CHUNK = 48 * 1024  # through libvirt, a command of 350 KB never arrived; of 130 KB did
_SECONDS = 10


@dataclass(frozen=True)
class GuestSystem:
    """What qemu-ga says about the guest: ``family`` "windows" or "linux"; ``name`` for people."""

    family: str
    name: str


def ask(hypervisor: Hypervisor, domain: Domain, command: str, **arguments: Any) -> Any:
    """Run one command of qemu-ga and return its answer.

    Raises: HypervisorError vm-off, no-guest-agent, guest-agent-refused, as :meth:`Hypervisor.run`.
    """
    words: dict[str, Any] = {"execute": command}
    if arguments:
        words["arguments"] = {name.replace("_", "-"): value for name, value in arguments.items()}

    def work(connection: libvirt.virConnect) -> Any:
        handle = connection.lookupByUUIDString(domain.uuid)
        if not handle.isActive():
            raise HypervisorError("guest.vm-off", vm=domain.name)
        try:
            answer = libvirt_qemu.qemuAgentCommand(handle, json.dumps(words), _SECONDS, 0)
        except libvirt.libvirtError as error:
            raise _why(error, domain, hypervisor.uri) from error
        return json.loads(answer).get("return")

    return hypervisor.run(work, vm=domain.name, patience=_SECONDS + 10)


def _why(error: libvirt.libvirtError, domain: Domain, uri: str) -> HypervisorError:
    if error.get_error_code() in (
        libvirt.VIR_ERR_AGENT_UNRESPONSIVE,
        libvirt.VIR_ERR_AGENT_UNSYNCED,
        libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,  # "QEMU guest agent is not configured"
        libvirt.VIR_ERR_OPERATION_TIMEOUT,
    ):
        return HypervisorError("guest.no-guest-agent", vm=domain.name, details=told(error))
    if (
        error.get_error_domain() == libvirt.VIR_FROM_QEMU
        and error.get_error_code() == libvirt.VIR_ERR_INTERNAL_ERROR
    ):
        return HypervisorError(
            "guest.guest-agent-refused", vm=domain.name, problem=problem(error), details=told(error)
        )
    return refused(error, vm=domain.name, uri=uri)


def system(hypervisor: Hypervisor, domain: Domain) -> GuestSystem:
    """Which system runs in the guest. Raises: as :func:`ask`."""
    info = ask(hypervisor, domain, "guest-get-osinfo")
    fields = info if isinstance(info, dict) else {}
    family = "windows" if fields.get("id") == "mswindows" else "linux"
    return GuestSystem(family, str(fields.get("pretty-name", ""))[:200])


def write_file(hypervisor: Hypervisor, domain: Domain, path: str, data: bytes) -> None:
    """Write ``data`` to ``path`` in the guest; the folder must exist. Raises: as :func:`ask`."""
    handle = ask(hypervisor, domain, "guest-file-open", path=path, mode="w")
    try:
        view = memoryview(data)
        while view:
            part = view[:_CHUNK]
            text = base64.b64encode(part).decode()
            answer = ask(hypervisor, domain, "guest-file-write", handle=handle, buf_b64=text)
            view = view[_written(answer, len(part), domain) :]
        ask(hypervisor, domain, "guest-file-flush", handle=handle)
    except BaseException:
        with contextlib.suppress(HypervisorError):  # what came first is what the person is to read
            ask(hypervisor, domain, "guest-file-close", handle=handle)
        raise
    ask(hypervisor, domain, "guest-file-close", handle=handle)


def _written(answer: Any, size: int, domain: Domain) -> int:
    """How much of ``size`` bytes the guest took: at least one, or it would hold us for ever."""
    count = answer.get("count") if isinstance(answer, dict) else None
    if type(count) is not int or not 1 <= count <= size:
        what = "it answered a write with nonsense"
        details = f"guest-file-write of {size} bytes: {str(answer)[:200]}"
        raise HypervisorError("guest.guest-agent-refused", vm=domain.name, problem=what, details=details)
    return count
