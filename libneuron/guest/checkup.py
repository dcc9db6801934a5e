"""What must hold for a machine to be part of the desktop, judged from what was found. Pure.

Each check comes after those it needs: where one fails, the later ones say that they were not made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from libneuron.errors import QT_TRANSLATE_NOOP, NeuronError, Translate, english
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.domains import ChannelState


class Topic(Enum):
    """What is checked, in this order."""

    LIBVIRT = "libvirt"
    RUNNING = "machine"
    CHANNEL = "channel"
    KEYS = "keys"
    AGENT = "agent"
    VERSION = "version"
    SESSION = "session"
    CLIPBOARD = "clipboard"
    DISPLAY = "display"


class Remedy(Enum):
    """What a face can offer to do about it."""

    LOOK = "look"
    START = "start"
    PAIR = "pair"
    SHARE = "share"


@dataclass(frozen=True)
class Facts:
    """What was found. None: not known, or not looked at; such checks are left out where nothing needs them.

    ``connection`` is why the agent could not be asked, ``milliseconds`` a round trip to it, ``wanted`` the
    version that belongs to this program, ``rival`` that another program shares the clipboard instead.
    """

    name: str
    libvirt: NeuronError | None = None
    by_libvirt: bool = True
    running: bool | None = None
    channel: ChannelState | None = None
    keys: bool | None = None
    connection: NeuronError | None = None
    milliseconds: float | None = None
    version: str = ""
    wanted: str = ""
    session: str | None = None
    sharing: bool | None = None
    rival: bool = False
    can_follow: bool | None = None


@dataclass(frozen=True)
class Check:
    """One result. ``ok`` None: not made, because something before it is missing."""

    topic: Topic
    ok: bool | None
    problem: NeuronError | None = None
    remedy: Remedy | None = None
    values: dict[str, str] = field(default_factory=dict)

    def name(self, translate: Translate = english) -> str:
        """What was checked."""
        return translate(*_NAMES[self.topic])

    def result(self, translate: Translate = english) -> str:
        """What came out, and what to do."""
        if self.ok is None:
            return translate(*_NOT_MADE)
        if self.problem is not None:
            return f"{self.problem.sentence(translate)} {self.problem.hint(translate)}"
        return translate(*_GOOD[self.topic]).format_map(self.values)


_NOT_MADE = QT_TRANSLATE_NOOP("checkup", "Not checked: something above is missing.")
_NAMES = {
    Topic.LIBVIRT: QT_TRANSLATE_NOOP("checkup", "Virtual machine manager"),
    Topic.RUNNING: QT_TRANSLATE_NOOP("checkup", "Machine"),
    Topic.CHANNEL: QT_TRANSLATE_NOOP("checkup", "Channel"),
    Topic.KEYS: QT_TRANSLATE_NOOP("checkup", "Keys"),
    Topic.AGENT: QT_TRANSLATE_NOOP("checkup", "NeuronGuest"),
    Topic.VERSION: QT_TRANSLATE_NOOP("checkup", "Version"),
    Topic.SESSION: QT_TRANSLATE_NOOP("checkup", "Person"),
    Topic.CLIPBOARD: QT_TRANSLATE_NOOP("checkup", "Clipboard"),
    Topic.DISPLAY: QT_TRANSLATE_NOOP("checkup", "Display"),
}
_GOOD = {
    Topic.LIBVIRT: QT_TRANSLATE_NOOP("checkup", "It answers."),
    Topic.RUNNING: QT_TRANSLATE_NOOP("checkup", "It is running."),
    Topic.CHANNEL: QT_TRANSLATE_NOOP("checkup", "It is there."),
    Topic.KEYS: QT_TRANSLATE_NOOP("checkup", "The machine is paired with this computer."),
    Topic.AGENT: QT_TRANSLATE_NOOP("checkup", "It answered within {ms} ms."),
    Topic.VERSION: QT_TRANSLATE_NOOP("checkup", "{version}, which belongs to this program."),
    Topic.SESSION: QT_TRANSLATE_NOOP("checkup", "Somebody is signed in to the machine."),
    Topic.CLIPBOARD: QT_TRANSLATE_NOOP("checkup", "Guest Bridge shares it."),
    Topic.DISPLAY: QT_TRANSLATE_NOOP("checkup", "It can follow the Looking Glass window."),
}


def judge(facts: Facts) -> tuple[Check, ...]:
    """The checks that ``facts`` allow, in order."""
    checks: list[Check] = []

    def holds() -> bool:
        return all(check.ok for check in checks)

    def add(topic: Topic, problem: NeuronError | None, remedy: Remedy | None = None, **values: str) -> None:
        if holds():
            checks.append(
                Check(topic, problem is None, problem, remedy if problem is not None else None, values)
            )
        else:
            checks.append(Check(topic, None))

    vm = facts.name
    if facts.by_libvirt:
        add(Topic.LIBVIRT, facts.libvirt, Remedy.LOOK)
    if facts.running is not None:
        off = None if facts.running else GuestError("guest.vm-off", vm=vm)
        add(Topic.RUNNING, off, Remedy.START)
    if facts.channel is not None:
        add(Topic.CHANNEL, _channel(facts), Remedy.PAIR if facts.channel is ChannelState.MISSING else None)
    if facts.keys is not None:
        add(Topic.KEYS, None if facts.keys else GuestError("guest.not-paired", vm=vm), Remedy.PAIR)
    refused = facts.connection is not None and facts.connection.code in _PAIR
    add(
        Topic.AGENT,
        facts.connection
        or (None if facts.milliseconds is not None else GuestError("guest.agent-silent", vm=vm)),
        Remedy.PAIR if refused else Remedy.LOOK,
        ms=f"{facts.milliseconds or 0:.1f}",
    )
    answered = holds()
    after = _after_the_agent(facts)
    checks.extend(check if answered else Check(check.topic, None) for check in after)
    return tuple(checks)


_PAIR = ("guest.pairing-refused", "guest.not-paired", "guest.keys-unreadable")


def _channel(facts: Facts) -> NeuronError | None:
    if facts.channel is ChannelState.MISSING:
        return GuestError("guest.no-channel", vm=facts.name)
    if facts.channel is ChannelState.NEEDS_RESTART:
        return GuestError("guest.channel-waits", vm=facts.name)
    return None


def _version(facts: Facts) -> NeuronError | None:
    if _number(facts.version) >= _number(facts.wanted):
        return None
    return GuestError("guest.agent-older", vm=facts.name, version=facts.version, wanted=facts.wanted)


def _number(version: str) -> tuple[int, ...]:
    """ "0.10.1" as numbers; what is no number counts as 0."""
    return tuple(int(part) if part.isdecimal() and part.isascii() else 0 for part in version.split("."))


def _after_the_agent(facts: Facts) -> list[Check]:
    """What needs an agent that answers, and nothing else: each stands for itself."""
    made: list[Check] = []

    def add(topic: Topic, problem: NeuronError | None, remedy: Remedy | None = None, **values: str) -> None:
        made.append(Check(topic, problem is None, problem, remedy if problem is not None else None, values))

    vm = facts.name
    if facts.wanted:
        add(Topic.VERSION, _version(facts), Remedy.PAIR, version=facts.version)
    if facts.session is not None or facts.connection is not None:
        away = None if facts.session == "active" else GuestError("guest.no-session", vm=vm)
        add(Topic.SESSION, away)
    if facts.sharing is not None:
        if facts.rival:
            add(Topic.CLIPBOARD, GuestError("guest.clipboard-rival", vm=vm), Remedy.SHARE)
        else:
            add(Topic.CLIPBOARD, None if facts.sharing else GuestError("guest.clipboard-none"))
    if facts.can_follow is not None:
        add(Topic.DISPLAY, None if facts.can_follow else GuestError("guest.windows-unseen"))
    return made
