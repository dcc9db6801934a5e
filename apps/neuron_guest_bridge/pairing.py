"""``pair``: the command line's face of :mod:`.joining`, which the window has one of too."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from time import monotonic

from libneuron.cli import Reply, translate
from libneuron.errors import NeuronError
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor import opening
from libneuron.guest.keys import GUEST_PLACES
from libneuron.guest.menu import printable
from libneuron.guest.state import State
from libneuron.guest.transport import Endpoint, UnixSocketEndpoint
from libneuron.progress import Progress
from libneuron.system.loop import LoopThread
from libneuron.system.paths import Paths
from neuron_guest_bridge import targets
from neuron_guest_bridge.handing_over import HandOver, file_of
from neuron_guest_bridge.joining import Connection, Proof, Prospect, Stage, pair
from neuron_guest_bridge.leftovers import Leftovers
from neuron_guest_bridge.reach import Direct, Through, reach
from neuron_guest_bridge.subjects import Bonds, FileSubject, VmSubject

_SOON = 1.0  # seconds for the channel's owner to listen before the person is told that it is in use
_NO_AGENT = ("guest.no-guest-agent", "guest.guest-agent-refused")


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class _Waiting:
    """A machine's connection while this command pairs it, for ``seconds`` at most."""

    def __init__(self, io: LoopThread, where: Paths, vm: str, endpoint: Endpoint, seconds: float) -> None:
        self._io = io
        self._where = where
        self._vm = vm
        self._endpoint = endpoint
        self._end = monotonic() + seconds
        self._news = threading.Event()
        self._held: Direct | Through | None = None
        self._problem: NeuronError | None = None

    def connection(self) -> Connection | None:
        """See Bonds."""
        try:
            if self._held is None:
                self._held = reach(
                    self._io, self._where, self._vm, self._endpoint, timeout=_SOON, changed=self._news.set
                )
            self._held.look()
        except GuestError as error:  # the program that owned the channel ended, or only begins
            self._problem = error
            self.close()
            return None
        self._problem = self._held.problem
        return self._held

    def reconnect(self) -> None:
        """See Bonds."""
        try:
            if self._held is not None:
                self._held.renew()
        except GuestError:
            self.close()  # as above

    def wait(self, seconds: float) -> None:
        """See Bonds. Raises: GuestError; also when the time is up."""
        held = self._held
        if held is not None and held.state is State.NO_VM and held.problem is not None:
            raise held.problem
        left = self._end - monotonic()
        if left <= 0:
            raise self._problem or GuestError("guest.agent-silent", vm=self._endpoint.label)
        self._news.wait(min(seconds, left))
        self._news.clear()

    def close(self) -> None:
        """Disconnect."""
        held, self._held = self._held, None
        if held is not None:
            held.close()


def run(options: argparse.Namespace) -> Reply:
    """The verb. Raises: GuestError."""
    if options.file is not None and options.file.exists():
        problem = translate("Bridge", "“{file}” is there already").format(file=options.file)
        raise GuestError("guest.bad-value", problem=problem)
    with ExitStack() as stack:
        subject = _subject(options, stack)
        prospect = subject.prospect()
        add_channel = prospect.adds_channel and _consent(subject.name, options)
        way = _way(options, prospect)

        def by(way: HandOver) -> Proof:
            told = _teller(way, prospect, printable(subject.name))
            return pair(subject, way, add_channel=add_channel, told=told, progress=Progress(clock=monotonic))

        try:
            proof = by(way)
        except GuestError as error:
            if options.method != "auto" or error.code not in _NO_AGENT:
                raise
            _tell(f"{error.sentence(translate)} {translate('Bridge', 'The set-up disc is used instead.')}")
            way = HandOver.DISC
            proof = by(way)
    data = {
        "vm": subject.vm,
        "paired": True,
        "method": way.value,
        "version": proof.version,
        "ms": round(proof.ms, 3),
    }
    said = translate("Bridge", "“{vm}” is paired (NeuronGuest {version}).")
    return Reply(data, said.format(vm=printable(subject.name), version=proof.version))


def _subject(options: argparse.Namespace, stack: ExitStack) -> VmSubject | FileSubject:
    where = targets.paths()
    store = targets.keys(where)
    targets.tidy(where)
    leftovers = Leftovers(where.state, store, opening.hypervisor)

    def waiting(vm: str, endpoint: Endpoint) -> _Waiting:
        made = _Waiting(stack.enter_context(LoopThread()), where, vm, endpoint, options.wait)
        stack.callback(made.close)
        return made

    if options.socket is not None:
        target = targets.find(options, where)
        bound = waiting(target.id, UnixSocketEndpoint(options.socket, target.name))
        file = options.file or file_of(where.state, target.id)
        return FileSubject(target.id, target.name, store, _bonds(bound), file=file, leftovers=leftovers)
    vms = opening.hypervisor(options.connect)
    stack.callback(vms.close)
    from libneuron.guest.hypervisor.channel import VmEndpoint

    domain = vms.domain(options.vm)
    bound = waiting(domain.uuid, VmEndpoint(vms, domain))
    return VmSubject(
        vms,
        domain,
        store,
        _bonds(bound),
        leftovers=leftovers,
        resources=where.resources,
        file=options.file or file_of(where.state, domain.uuid),
    )


def _bonds(waiting: _Waiting) -> Bonds:
    return Bonds(waiting.connection, waiting.reconnect, waiting.wait)


def _way(options: argparse.Namespace, prospect: Prospect) -> HandOver:
    if options.file is not None:
        return HandOver.FILE
    return prospect.ways[0] if options.method == "auto" else HandOver(options.method)


def _consent(name: str, options: argparse.Namespace) -> bool:
    """Ask for the channel, once. Raises: GuestError channel-consent, no-channel (the person said no)."""
    if options.yes:
        return True
    if not sys.stdin.isatty() or options.json:
        raise GuestError("guest.channel-consent", vm=name)
    question = translate("Bridge", "“{vm}” has no channel for Guest Bridge. Add it to the VM for good?")
    yes, no = translate("Bridge", "yes"), translate("Bridge", "no")
    sys.stderr.write(f"{question.format(vm=printable(name))} [{yes}/{no}] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().casefold() not in ("y", "yes", yes.casefold()):
        raise GuestError("guest.no-channel", vm=name)
    return True


def _teller(way: HandOver, prospect: Prospect, name: str) -> Callable[[Stage, NeuronError | None], None]:
    """Tells the person once what to do, and each new thing that stands in the way."""
    said = set[str]()

    def once(text: str) -> None:
        if text and text not in said:
            said.add(text)
            _tell(text)

    def told(stage: Stage, problem: NeuronError | None) -> None:
        if stage is Stage.WAITING:
            once(_todo(way, prospect, name))
            if problem is not None and problem.code not in ("guest.agent-silent", "guest.pairing-refused"):
                once(f"{problem.sentence(translate)} {problem.hint(translate)}")

    return told


def _todo(way: HandOver, prospect: Prospect, name: str) -> str:
    if way is HandOver.DISC:
        text = translate(
            "Bridge",
            "The set-up disc is in “{vm}”. If NeuronGuest is not installed there yet, install it from "
            "the disc: “sudo sh setup.sh” on Linux, “setup” in the folder “windows” on Windows.",
        )
        return text.format(vm=name)
    if way is HandOver.FILE:
        text = translate(
            "Bridge",
            "Copy {path} into the VM as {linux} (Linux) or {windows} (Windows). "
            "It works once, and is deleted here afterwards.",
        )
        return text.format(path=prospect.file, **GUEST_PLACES)
    return ""
