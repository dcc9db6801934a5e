"""What this machine can do for its person, and what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from libneuron.errors import QT_TRANSLATE_NOOP, NeuronError, Translate, english
from libneuron.updates import hooks
from libneuron.updates.bootfiles import damaged
from libneuron.updates.store import capability, open_store

if TYPE_CHECKING:
    from libneuron.updates.machine import Machine

_TEXTS = {
    "rollback": QT_TRANSLATE_NOOP("doctor", "This machine can be rolled back."),
    "hooks": QT_TRANSLATE_NOOP("doctor", "Hooks are in place for {names}."),
    "no-hooks": QT_TRANSLATE_NOOP(
        "doctor", "No hook is in place for {names}: updates start without a way back."
    ),
    "journal": QT_TRANSLATE_NOOP("doctor", "The journal is readable ({count} records)."),
    "journal-damaged": QT_TRANSLATE_NOOP(
        "doctor", "{count} records of the journal are damaged and were passed over."
    ),
    "bootfiles": QT_TRANSLATE_NOOP("doctor", "Kept boot files of update {id} are damaged: {names}."),
    "checks": QT_TRANSLATE_NOOP("doctor", "{count} checks are set up."),
    "private": QT_TRANSLATE_NOOP("doctor", "The journal can only be read by the administrator."),
}
_HINTS = {
    "no-hooks": QT_TRANSLATE_NOOP(
        "doctor", "Put them in place with “neuron-update-guardian hooks install”, as the administrator."
    ),
}


@dataclass(frozen=True)
class Advice:
    """One finding. ``hint`` says what to do about it, "" where nothing is to be done."""

    code: str
    good: bool
    sentence: str
    hint: str = ""

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"code": self.code, "good": self.good, "message": self.sentence, "hint": self.hint}


def examine_machine(machine: Machine, translate: Translate = english) -> tuple[Advice, ...]:
    """Look at layout, hooks, checks and the journal."""

    def say(code: str, *, good: bool, **params: object) -> Advice:
        hint = translate(*_HINTS[code]) if code in _HINTS else ""
        return Advice(code, good, translate(*_TEXTS[code]).format_map(params), hint)

    def trouble(error: NeuronError) -> Advice:
        return Advice(error.code, good=False, sentence=error.sentence(translate), hint=error.hint(translate))

    found = []
    obstacle = capability(machine.root)[1]
    found.append(say("rollback", good=True) if obstacle is None else trouble(obstacle))
    there, placed = hooks.present(machine.root), hooks.installed_hooks(machine.root)
    missing = [name for name in there if name not in placed]
    if missing:
        found.append(say("no-hooks", good=False, names=", ".join(missing)))
    elif placed:
        found.append(say("hooks", good=True, names=", ".join(placed)))
    try:
        found.append(say("checks", good=True, count=len(machine.checks())))
    except NeuronError as error:
        found.append(trouble(error))
    try:
        with open_store(machine.root, machine.clock) as store:
            read = store.journal.read()
            found.append(say("journal", good=True, count=len(read.events)))
            if read.damaged:
                found.append(say("journal-damaged", good=False, count=read.damaged))
            for item in store.history().updates:
                wrong = damaged(store.folder(item.id) / "boot") if item.point and not item.removed else ()
                if wrong:
                    found.append(say("bootfiles", good=False, id=item.id, names=", ".join(wrong)))
    except NeuronError as error:
        found.append(say("private", good=True) if error.code == "updates.not-root" else trouble(error))
    return tuple(found)
