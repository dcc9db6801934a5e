"""What libvirt's refusals mean to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import libvirt

from libneuron.errors import QT_TRANSLATE_NOOP, Exit, Message
from libneuron.guest.errors import GuestError

_TEXTS = {
    "guest.no-vm-near": Message(
        QT_TRANSLATE_NOOP("guest", "There is no virtual machine “{vm}”."),
        QT_TRANSLATE_NOOP("guest", "Did you mean {near}?"),
        Exit.USAGE,
    ),
    "guest.libvirt-hangs": Message(
        QT_TRANSLATE_NOOP("guest", "The virtual machine manager at {uri} does not answer."),
        QT_TRANSLATE_NOOP("guest", "Try again; if it stays silent, “systemctl restart libvirtd” helps."),
    ),
    "guest.bad-uri": Message(
        QT_TRANSLATE_NOOP("guest", "“{uri}” is no address of a virtual machine manager."),
        QT_TRANSLATE_NOOP("guest", "Use “qemu:///system”, “qemu:///session” or “qemu+ssh://host/system”."),
        Exit.USAGE,
    ),
    "guest.channel-needs-restart": Message(
        QT_TRANSLATE_NOOP("guest", "The channel of “{vm}” is set up, but only starts with the VM."),
        QT_TRANSLATE_NOOP("guest", "Shut the VM down completely and start it again."),
    ),
    "guest.vm-unchangeable": Message(
        QT_TRANSLATE_NOOP("guest", "“{vm}” could not be changed: {problem}."),
        QT_TRANSLATE_NOOP("guest", "Shut the VM down and try again; the details show the whole answer."),
    ),
    "guest.vm-running": Message(
        QT_TRANSLATE_NOOP("guest", "“{vm}” is already running."),
        QT_TRANSLATE_NOOP("guest", "There is nothing to do."),
    ),
    "guest.no-guest-agent": Message(
        QT_TRANSLATE_NOOP("guest", "The QEMU guest agent does not answer in “{vm}”."),
        QT_TRANSLATE_NOOP("guest", "Use the set-up disc or a copied file to pair this VM."),
    ),
    "guest.guest-agent-refused": Message(
        QT_TRANSLATE_NOOP("guest", "The QEMU guest agent in “{vm}” refused: {problem}."),
        QT_TRANSLATE_NOOP("guest", "Use the set-up disc or a copied file to pair this VM."),
    ),
    "guest.disc-unreadable": Message(
        QT_TRANSLATE_NOOP("guest", "The virtual machine manager cannot read “{path}”."),
        QT_TRANSLATE_NOOP(
            "guest", "Choose a folder that every user may enter, such as one below /var/tmp, and try again."
        ),
    ),
    "guest.disc-elsewhere": Message(
        QT_TRANSLATE_NOOP("guest", "The set-up disc cannot be put into a VM on another computer ({uri})."),
        QT_TRANSLATE_NOOP("guest", "Pair through the QEMU guest agent, or copy a file: “pair --file”."),
    ),
    "guest.no-disc-drive": Message(
        QT_TRANSLATE_NOOP("guest", "“{vm}” has no drive for the set-up disc, and none could be added."),
        QT_TRANSLATE_NOOP("guest", "Shut the VM down, add a CD-ROM drive, start it and try again."),
    ),
}


class HypervisorError(GuestError):
    """libvirt, or a VM it manages, did not do what was asked."""

    texts: ClassVar[Mapping[str, Message]] = {**GuestError.texts, **_TEXTS}


_FORBIDDEN = (
    libvirt.VIR_ERR_AUTH_FAILED,
    libvirt.VIR_ERR_AUTH_CANCELLED,
    libvirt.VIR_ERR_AUTH_UNAVAILABLE,
    libvirt.VIR_ERR_ACCESS_DENIED,
    libvirt.VIR_ERR_OPERATION_DENIED,
)
_AGENT = (
    libvirt.VIR_ERR_AGENT_UNRESPONSIVE,
    libvirt.VIR_ERR_AGENT_UNSYNCED,
)
_LOST = (
    libvirt.VIR_ERR_SYSTEM_ERROR,
    libvirt.VIR_ERR_NO_CONNECT,
    libvirt.VIR_ERR_RPC,
    libvirt.VIR_ERR_INVALID_CONN,
)


_LONGEST = 500  # characters of a problem
_LONGEST_DETAILS = 4000


def told(error: libvirt.libvirtError) -> str:
    """What libvirt says, for details. Some of it a guest may have said, at any length."""
    return str(error)[:_LONGEST_DETAILS]


def problem(error: libvirt.libvirtError) -> str:
    """The same as a part of a sentence: short, and without what could steer a terminal or a line."""
    return "".join(char for char in told(error) if char.isprintable())[:_LONGEST]


def opening(error: libvirt.libvirtError, uri: str) -> HypervisorError:
    """Why a connection to ``uri`` could not be opened."""
    text = str(error)
    # polkit's refusals and a socket's permission bits come under different codes of libvirt.
    if error.get_error_code() in _FORBIDDEN or "Permission denied" in text:
        return HypervisorError("guest.libvirt-forbidden", uri=uri, details=text)
    if error.get_error_code() in (libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_ERR_INVALID_ARG):
        return HypervisorError("guest.bad-uri", uri=uri, details=text)
    return HypervisorError("guest.no-libvirt", uri=uri, details=text)


def refused(error: libvirt.libvirtError, *, vm: str, uri: str) -> HypervisorError:
    """Why a call about ``vm`` failed."""
    code, text = error.get_error_code(), told(error)
    if code == libvirt.VIR_ERR_NO_DOMAIN:
        return HypervisorError("guest.no-vm", vm=vm, details=text)
    if code in _FORBIDDEN:
        return HypervisorError("guest.libvirt-forbidden", uri=uri, details=text)
    if code in _AGENT:
        return HypervisorError("guest.no-guest-agent", vm=vm, details=text)
    return HypervisorError(
        "guest.libvirt-failed", problem=problem(error), details=f"{vm} at {uri}: code {code}"
    )


def is_lost(error: libvirt.libvirtError) -> bool:
    """Whether the connection itself is gone, so that opening it again may help."""
    return error.get_error_domain() == libvirt.VIR_FROM_RPC or error.get_error_code() in _LOST
