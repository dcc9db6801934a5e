"""The door to this package for whoever must also work without Python's libvirt library, and say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from libneuron.guest.errors import GuestError

if TYPE_CHECKING:
    from libneuron.guest.hypervisor.connection import Hypervisor


def hypervisor(uri: str) -> Hypervisor:
    """The hypervisor at ``uri``; nothing is opened yet. Raises: GuestError no-libvirt-library."""
    try:
        from libneuron.guest.hypervisor.connection import Hypervisor
    except ImportError as error:
        raise GuestError("guest.no-libvirt-library", details=str(error)) from error
    return Hypervisor(uri)
