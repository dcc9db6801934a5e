"""Everything the Guardian knows, as one value to be saved and sent to somebody who can help."""

from __future__ import annotations

from typing import Any

from libneuron.errors import NeuronError, Translate, english
from libneuron.updates.doctor import examine_machine
from libneuron.updates.machine import Machine
from libneuron.updates.published import history_json
from libneuron.updates.store import Store, open_store

_MOMENTS = ("before", "end", "boot")


def report(machine: Machine, translate: Translate = english) -> dict[str, Any]:
    """Machine, settings, findings, history, check results and the journal, as JSON data.

    No names of people, no addresses, no contents of files. Raises: UpdateError not-root, busy.
    """
    findings = [item.as_json() for item in examine_machine(machine, translate)]
    with open_store(machine.root, machine.clock) as store:
        past = store.history()
        recorded = store.journal.read()
        return {
            "made": machine.clock.now().isoformat(),
            "system": _system(machine),
            "settings": machine.settings.as_json(),
            "findings": findings,
            "history": history_json(past),
            "results": {item.id: _results(store, item.id) for item in past.updates},
            "journal": [
                {"at": event.at.isoformat(), "kind": event.kind, **event.data} for event in recorded.events
            ],
            "damaged": recorded.damaged,
        }


def _results(store: Store, identity: str) -> dict[str, Any]:
    found = {moment: store.results(identity, moment) for moment in _MOMENTS}
    return {moment: [result.as_json() for result in results] for moment, results in found.items() if results}


def _system(machine: Machine) -> dict[str, Any]:
    release = machine.root.text("/etc/os-release") or machine.root.text("/usr/lib/os-release") or ""
    names = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
    try:
        checks = [check.id for check in machine.checks()]
    except NeuronError:
        checks = []
    return {
        "name": names.get("PRETTY_NAME", "").strip('"'),
        "kernel": machine.root.text("/proc/sys/kernel/osrelease") or "",
        "checks": checks,
    }
