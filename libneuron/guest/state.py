"""Where the connection to a guest stands, in terms a person can be shown."""

from __future__ import annotations

from enum import Enum

from libneuron.errors import NeuronError


class State(Enum):
    """States of a :class:`~libneuron.guest.client.GuestClient`."""

    STOPPED = "stopped"
    NO_VM = "no-vm"  # not there, or not running
    NO_CHANNEL = "no-channel"  # the VM has no channel, or nobody may open it
    IN_USE = "in-use"  # another program holds the channel
    NOT_PAIRED = "not-paired"  # no keys, or the other end does not accept them
    CONNECTING = "connecting"
    AGENT_SILENT = "agent-silent"  # the channel is open, nobody answers
    READY = "ready"
    INCOMPATIBLE = "incompatible"  # the agent speaks no version we do
    FAILED = "failed"  # this computer or the agent refuses; tried again now and then


_BY_CODE = {
    "guest.no-vm": State.NO_VM,
    "guest.vm-off": State.NO_VM,
    "guest.no-libvirt": State.NO_VM,
    "guest.libvirt-forbidden": State.NO_VM,
    "guest.bad-uri": State.NO_VM,
    "guest.no-channel": State.NO_CHANNEL,
    "guest.channel-needs-restart": State.NO_CHANNEL,
    "guest.channel-forbidden": State.NO_CHANNEL,
    "guest.channel-in-use": State.IN_USE,
    "guest.not-paired": State.NOT_PAIRED,
    "guest.pairing-refused": State.NOT_PAIRED,
    "guest.keys-unreadable": State.NOT_PAIRED,
    "guest.agent-silent": State.AGENT_SILENT,
    "guest.agent-too-old": State.INCOMPATIBLE,
    "guest.agent-too-new": State.INCOMPATIBLE,
}


_PASSING = (
    "guest.channel-closed",
    "guest.disconnected",
    "guest.timeout",
    "guest.libvirt-failed",
)


def state_of(error: NeuronError) -> State:
    """The state that an error puts a client into; what passes by itself is "connecting"."""
    return State.CONNECTING if error.code in _PASSING else _BY_CODE.get(error.code, State.FAILED)
