"""``pair``: make keys, hand them over in the way that asks least of the person, wait until they work."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time

from libneuron.cli import Reply, translate
from libneuron.errors import Exit
from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.channel import VmEndpoint, add_channel
from libneuron.guest.hypervisor.connection import Hypervisor
from libneuron.guest.hypervisor.domains import ChannelState, Domain
from libneuron.guest.keys import KeyStore
from libneuron.guest.menu import printable
from libneuron.guest.owner import KICK, STATE, OwnerClient, acquire, relayed
from libneuron.guest.permissions import PermissionStore
from libneuron.guest.state import State
from libneuron.system.loop import LoopThread
from neuron_guest_bridge import targets
from neuron_guest_bridge.handing_over import on_disc, through_agent


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def run(options: argparse.Namespace) -> Reply:
    """The verb. Raises: GuestError."""
    hypervisor = Hypervisor(options.connect)
    try:
        domain = hypervisor.domain(options.vm)
        if not domain.active:
            raise GuestError("guest.vm-off", vm=domain.name)
        if domain.channel in (ChannelState.MISSING, ChannelState.NEEDS_RESTART):
            pending = _channel(hypervisor, domain, options)
            if pending is not None:
                return pending
        store = targets.keys(targets.paths())
        before = "paired" in store.candidates(domain.uuid)
        try:
            return _pair(hypervisor, domain, options, store)
        except BaseException:  # also when the person cancels
            store.give_up_enrolment(domain.uuid, paired_before=before)
            raise
    finally:
        hypervisor.close()


def _channel(hypervisor: Hypervisor, domain: Domain, options: argparse.Namespace) -> Reply | None:
    """Add the channel if the person agrees; a reply where pairing cannot go on before a restart."""
    if domain.channel is ChannelState.MISSING and not options.yes:
        question = translate("Bridge", "“{vm}” has no channel for Guest Bridge. Add it to the VM for good?")
        yes, no = translate("Bridge", "yes"), translate("Bridge", "no")
        if not sys.stdin.isatty() or options.json:
            raise GuestError("guest.channel-consent", vm=domain.name)
        sys.stderr.write(f"{question.format(vm=printable(domain.name))} [{yes}/{no}] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().casefold() not in ("y", "yes", yes.casefold()):
            raise GuestError("guest.no-channel", vm=domain.name)
    added = add_channel(hypervisor, domain)
    if not added.restart_needed:
        return None
    text = translate(
        "Bridge", "The channel is set up. Shut “{vm}” down completely, start it, and pair again."
    ).format(vm=domain.name)
    data = {"vm": domain.uuid, "restart_needed": True, "paired": False, "details": added.details}
    return Reply(data, text, Exit.FAILED)


def _pair(hypervisor: Hypervisor, domain: Domain, options: argparse.Namespace, store: KeyStore) -> Reply:
    where = targets.paths()
    text = store.begin_enrolment(domain.uuid, domain.name)
    allowed = PermissionStore(where.config / "guest")
    with contextlib.ExitStack() as stack:
        method = _hand_over(stack, hypervisor, domain, text, options.method)
        io = stack.enter_context(LoopThread())
        lock = acquire(where.runtime, domain.uuid)
        if lock is None:
            owner = OwnerClient(where.runtime, domain.uuid, domain.name)
            io.wait(owner.open())
            stack.callback(lambda: io.wait(owner.close()))
            version = _wait_for_owner(io, owner, store, domain, options.wait)
        else:
            stack.enter_context(lock)
            client = GuestClient(
                VmEndpoint(hypervisor, domain),
                VmKeys(store, domain.uuid),
                permissions=lambda: allowed.get(domain.uuid),
            )
            guest = BlockingGuest(io, client)
            stack.callback(guest.close)
            _wait(guest, options.wait)
            version = targets.version_of(client.hello)
    data = {"vm": domain.uuid, "paired": True, "method": method, "version": version}
    return Reply(
        data,
        translate("Bridge", "“{vm}” is paired (NeuronGuest {version}).").format(
            vm=domain.name, version=version
        ),
    )


def _hand_over(
    stack: contextlib.ExitStack, hypervisor: Hypervisor, domain: Domain, text: str, method: str
) -> str:
    """Hand ``text`` over; what that leaves behind is undone with ``stack``. Returns the way taken."""
    if method in ("auto", "agent") and (domain.guest_agent_connected or method == "agent"):
        try:
            through_agent(hypervisor, domain, text)
        except GuestError as error:
            if method == "agent":
                raise
            _tell(f"{error.sentence(translate)} {translate('Bridge', 'The set-up disc is used instead.')}")
        else:
            return "agent"
    stack.enter_context(
        on_disc(hypervisor, domain, text, resources=targets.paths().resources, stuck=_tell_stuck)
    )
    _tell(
        translate(
            "Bridge",
            "The set-up disc is in “{vm}”. If NeuronGuest is not installed there yet, install it from "
            "the disc: “sudo sh setup.sh” on Linux, “setup” in the folder “windows” on Windows.",
        ).format(vm=printable(domain.name))
    )
    return "disc"


def _wait(guest: BlockingGuest, seconds: float) -> None:
    """Until the keys work. An agent with other keys refuses ours until it has seen the hand-over."""
    end = time.monotonic() + seconds
    while True:
        try:
            guest.wait_ready(max(0.0, end - time.monotonic()))
        except GuestError as error:
            if error.code != "guest.pairing-refused" or time.monotonic() >= end:
                raise
            time.sleep(1)
            guest.retry()
        else:
            return


def _wait_for_owner(
    io: LoopThread, owner: OwnerClient, store: KeyStore, domain: Domain, seconds: float
) -> str:
    """Until the program that owns the channel (the tray) has used the new keys."""
    end = time.monotonic() + seconds
    while True:
        io.wait(owner.request(KICK))
        found = io.wait(owner.request(STATE)).data
        if store.candidates(domain.uuid) == ("paired",):
            hello = found.get("hello")
            return targets.version_of(hello) if isinstance(hello, dict) else "?"
        if found.get("state") == State.READY.value:  # with the old keys: it will not look for others
            raise GuestError("guest.channel-in-use", vm=domain.name)
        problem = found.get("problem")
        if found.get("state") == State.FAILED.value and problem is not None:
            raise relayed(problem)
        if time.monotonic() >= end:
            raise GuestError("guest.agent-silent", vm=domain.name)
        time.sleep(1)


def _tell_stuck(error: GuestError) -> None:
    _tell(f"{error.sentence(translate)} {error.hint(translate)}")
