"""The states of machines and the lines of activity, in words, with the tone that goes with them."""

from __future__ import annotations

from dataclasses import dataclass

from libneuron.guest.clipboard.rules import Direction, Rival
from libneuron.guest.hypervisor.domains import ChannelState, Power
from libneuron.guest.resolution import StandBack
from libneuron.guest.state import State
from libneuron.ui.text import number, pixels, size, translate
from libneuron.ui.tone import Tone
from neuron_guest_bridge.activity import Line, Way, What
from neuron_guest_bridge.machines import Act, Machine

_QUIET = (State.STOPPED, State.NO_VM, State.CONNECTING, State.AGENT_SILENT)
"""What a machine that is starting looks like."""


@dataclass(frozen=True)
class Words:
    """A state in words; ``hint`` says what to do about it, if anything."""

    text: str
    tone: Tone
    hint: str = ""


def power(machine: Machine) -> Words:
    """Whether the machine runs."""
    return {
        Power.OFF: Words(translate("Machine", "Switched off"), Tone.MUTED),
        Power.RUNNING: Words(translate("Machine", "Running"), Tone.GOOD),
        Power.PAUSED: Words(translate("Machine", "Suspended"), Tone.WARN),
        Power.SUSPENDED: Words(translate("Machine", "Asleep"), Tone.WARN),
        Power.STOPPING: Words(translate("Machine", "Shutting down"), Tone.INFO),
        Power.CRASHED: Words(translate("Machine", "Crashed"), Tone.DANGER),
        Power.UNKNOWN: Words(translate("Machine", "State unknown"), Tone.UNKNOWN),
    }[machine.power]


def connection(machine: Machine) -> Words:
    """Whether Guest Bridge is connected, and what to do if not."""
    problem = machine.problem
    if machine.ready and machine.locked:
        return Words(
            translate("Machine", "Connected, screen locked"),
            Tone.INFO,
            translate("Machine", "While its screen is locked, no copies cross."),
        )
    if machine.ready:
        return Words(translate("Machine", "Connected"), Tone.GOOD)
    if machine.power is not Power.RUNNING:
        return Words(translate("Machine", "Not connected"), Tone.MUTED)
    if machine.channel is ChannelState.MISSING:
        return Words(
            translate("Machine", "Not set up"),
            Tone.WARN,
            translate(
                "Machine",
                "This machine is not set up for Guest Bridge yet. “Pair” does it, step by step.",
            ),
        )
    if machine.channel is ChannelState.NEEDS_RESTART:
        return Words(
            translate("Machine", "Restart needed"),
            Tone.WARN,
            translate(
                "Machine", "The channel is set up. Shut the machine down completely and start it again."
            ),
        )
    if not machine.paired:
        return Words(
            translate("Machine", "Not paired"),
            Tone.WARN,
            translate("Machine", "This machine and Guest Bridge do not know each other yet."),
        )
    if machine.state is State.IN_USE:
        return Words(
            translate("Machine", "In use by another program"),
            Tone.WARN,
            translate(
                "Machine",
                "Another program holds the channel of this machine. Close it; Guest Bridge then connects by "
                "itself.",
            ),
        )
    if machine.starting and machine.state in _QUIET:
        return Words(translate("Machine", "Starting…"), Tone.INFO)
    if machine.state in (State.CONNECTING, State.STOPPED):
        return Words(translate("Machine", "Connecting…"), Tone.INFO)
    if problem is not None:
        said = f"{problem.sentence(translate)} {problem.hint(translate)}"
        return Words(translate("Machine", "Not connected"), Tone.WARN, said)
    return Words(translate("Machine", "Not connected"), Tone.MUTED)


def brief(machine: Machine) -> str:
    """Both states in a few words: "Running, connected"."""
    parts = translate("Machine", "{power} · {connection}")
    if machine.simulated:
        parts = translate("Machine", "Simulated · {connection}")
    elif machine.power is not Power.RUNNING:
        return power(machine).text
    return parts.format(power=power(machine).text, connection=connection(machine).text)


def standing_back(machine: Machine) -> str:
    """Who shares the clipboard instead of us."""
    if Rival.LOOKING_GLASS in machine.rivals:
        return translate("Machine", "Looking Glass shares the clipboard; Guest Bridge stands back")
    return translate("Machine", "A SPICE viewer shares the clipboard; Guest Bridge stands back")


def following(machine: Machine) -> str:
    """Why the display does not (fully) follow the Looking Glass window; empty where it does."""
    if machine.ready and not machine.can_follow:
        return translate("Machine", "This desktop does not show other programs how large a window is.")
    said = machine.follow_said
    if not machine.follows or said is None or said.reason is None:
        return ""
    if said.reason in (StandBack.MEMORY, StandBack.NO_MODE) and said.mib is not None:
        return translate(
            "Machine",
            "The shared memory of the machine is too small for this size: Looking Glass needs {mib} MiB.",
        ).format(mib=number(said.mib))
    return {
        StandBack.OTHER_OWNER: translate(
            "Machine",
            "Something else changed the resolution, so Guest Bridge leaves it alone. Switch this off and on "
            "again to take it back.",
        ),
        StandBack.REFUSED: translate("Machine", "The machine refused the resolution."),
    }.get(said.reason, translate("Machine", "No resolution of the machine fits the window."))


def direction(value: Direction) -> str:
    """Which copies cross."""
    return {
        Direction.BOTH: translate("Machine", "Both ways"),
        Direction.TO_GUEST: translate("Machine", "Only from here to the machine"),
        Direction.TO_HOST: translate("Machine", "Only from the machine to here"),
        Direction.OFF: translate("Machine", "Not shared"),
    }[value]


@dataclass(frozen=True)
class ActWords:
    """A power action as a button or menu entry."""

    text: str
    tip: str
    icon: str


def act(name: str) -> ActWords:
    """The words of one of :class:`Act`."""
    return {
        Act.START: ActWords(
            translate("Machine", "&Start"), translate("Machine", "Switch the machine on"), "play"
        ),
        Act.SHUTDOWN: ActWords(
            translate("Machine", "Sh&ut down"), translate("Machine", "Ask the machine to shut down"), "power"
        ),
        Act.REBOOT: ActWords(
            translate("Machine", "&Restart"), translate("Machine", "Ask the machine to restart"), "restart"
        ),
        Act.SUSPEND: ActWords(
            translate("Machine", "Sus&pend"),
            translate("Machine", "Halt the machine where it is; Start lets it go on"),
            "pause",
        ),
        Act.SCREEN: ActWords(
            translate("Machine", "Open its scree&n"),
            translate("Machine", "Show the machine’s screen in a window of this desktop"),
            "computer",
        ),
        Act.POWER_OFF: ActWords(
            translate("Machine", "Cut the po&wer…"),
            translate("Machine", "Switch off at once; what is not saved in the machine is lost"),
            "danger",
        ),
    }[name]


def _formats(line: Line) -> str:
    names = {
        "text/plain": translate("Activity", "Text"),
        "text/html": translate("Activity", "Formatted text"),
        "text/rtf": translate("Activity", "Formatted text"),
        "image/png": translate("Activity", "Picture"),
        "text/uri-list": translate("Activity", "Files"),
    }
    found = dict.fromkeys(names.get(mime.partition(";")[0], "") for mime in line.formats)
    return ", ".join(name for name in found if name) or translate("Activity", "Copy")


def _why(code: str) -> str:
    return {
        "secret": translate("Activity", "a password manager marked it as secret"),
        "format": translate("Activity", "its format is not shared"),
        "clipboard.owner-silent": translate("Activity", "the program that holds it does not answer"),
        "clipboard.stale": translate("Activity", "something newer was copied"),
        "clipboard.too-large": translate("Activity", "it is too large"),
        "clipboard.disk-full": translate("Activity", "there is not enough free space here"),
        "guest.too-large": translate("Activity", "it is too large"),
        "guest.full": translate("Activity", "there is not enough free space in the machine"),
        "guest.file-no-room": translate("Activity", "there is not enough free space here"),
        "guest.file-name": translate("Activity", "a file’s name does not suit both systems"),
        "guest.file-too-many": translate("Activity", "it is too many files"),
        "guest.file-changed": translate("Activity", "a file changed meanwhile"),
        "guest.file-refused": translate("Activity", "a file could not be read or written"),
        "guest.file-none": translate("Activity", "it has no files of this computer"),
        "guest.disconnected": translate("Activity", "the connection was lost"),
        "guest.protocol": translate("Activity", "the machine’s answer made no sense"),
        "guest.timeout": translate("Activity", "the machine did not answer in time"),
        "cancelled": translate("Activity", "it was cancelled"),
    }.get(code, code)


def activity(line: Line) -> str:
    """One line of the activity list, without its time."""
    to_guest = line.way is Way.TO_GUEST
    values = {"what": _formats(line), "name": line.machine, "detail": line.detail, "why": _why(line.detail)}
    if line.what is What.COPY_CROSSED:
        text = (
            translate("Activity", "{what} pasted in {name}, {size}")
            if to_guest
            else translate("Activity", "{what} from {name} pasted here, {size}")
        )
        return text.format(size=size(line.size or 0), **values)
    if line.what is What.FILES_SENT:
        text = translate("Activity", "Files sent to {name}, {size}")
        return text.format(size=size(line.size or 0), **values)
    text = {
        What.COPY_OFFERED: translate("Activity", "{what} offered to {name}")
        if to_guest
        else translate("Activity", "{what} offered by {name}"),
        What.COPY_WITHHELD: translate("Activity", "{what} kept back from {name}: {why}")
        if to_guest
        else translate("Activity", "{what} of {name} kept back: {why}"),
        What.COPY_FAILED: translate("Activity", "{what} could not cross to {name}: {why}")
        if to_guest
        else translate("Activity", "{what} could not cross from {name}: {why}"),
        What.LAUNCHED: translate("Activity", "Started {detail} in {name}"),
        What.RESIZED: translate("Activity", "Resolution of {name} changed to {detail}"),
        What.POWER: translate("Activity", "{name}: {detail}"),
        What.LOCKED: translate("Activity", "The screen of {name} was locked"),
        What.UNLOCKED: translate("Activity", "The screen of {name} was unlocked"),
    }[line.what]
    if line.what is What.POWER:
        values["detail"] = act(line.detail).text.replace("&", "").rstrip("…")
    if line.what is What.RESIZED:
        width, _, height = line.detail.partition("x")
        values["detail"] = pixels(int(width), int(height))
    return text.format(**values)
