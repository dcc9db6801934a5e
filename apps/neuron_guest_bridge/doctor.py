"""``doctor`` on the command line: each thing that must hold, in the order in which it is needed."""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace

from libneuron.cli import Reply, translate
from libneuron.errors import Exit
from libneuron.guest.checkup import Check, Facts, Topic, judge
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor import opening
from libneuron.guest.hypervisor.domains import Power
from libneuron.guest.menu import printable
from neuron_guest_bridge import targets
from neuron_guest_bridge.examination import asked, wanted_version
from neuron_guest_bridge.machines import SIMULATED
from neuron_guest_bridge.verbs import list_machines

_log = logging.getLogger(__name__)


def doctor(options: argparse.Namespace) -> Reply:
    """``doctor``: each thing that must hold, in the order in which it is needed; of one VM or all paired."""
    found = [(options.vm, judge(_facts(options)))] if options.vm is not None else _of_all(options)
    rows = [
        {
            "vm": vm,
            "name": check.topic.value,
            "ok": check.ok is not False,
            "checked": check.ok is not None,
            "detail": check.problem.sentence(translate) if check.problem else check.result(translate),
            "hint": check.problem.hint(translate) if check.problem else "",
        }
        for vm, checks in found
        for check in checks
    ]
    ok = all(check.ok for _, checks in found for check in checks)
    signs = {True: "✓", False: "✗", None: "·"}
    lines = []
    for vm, checks in found:
        if vm and len(found) > 1:
            lines.append(f"\n{printable(vm)}")
        lines += [f"{signs[check.ok]} {check.name(translate)}: {check.result(translate)}" for check in checks]
    return Reply({"ok": ok, "checks": rows}, "\n".join(lines), Exit.DONE if ok else Exit.FAILED)


def _of_all(options: argparse.Namespace) -> list[tuple[str, tuple[Check, ...]]]:
    """libvirt, and each paired VM that runs: one that is switched off is no fault."""
    try:
        machines = list_machines(options).data["machines"]
    except GuestError as error:
        return [("", (Check(Topic.LIBVIRT, ok=False, problem=error),))]
    made: list[tuple[str, tuple[Check, ...]]] = [("", (Check(Topic.LIBVIRT, ok=True),))]
    for row in machines:
        if row["pairing"] == "paired" and row["power"] not in (Power.OFF.value, Power.CRASHED.value):
            asked_for = argparse.Namespace(**{**vars(options), "vm": row["uuid"]})
            try:
                facts = _facts(asked_for)
            except GuestError as error:  # removed since it was listed: there is nothing left to check
                _log.info("%s: %s", row["name"], error)
                continue
            made.append((row["name"], judge(facts)))
    return made


def _facts(options: argparse.Namespace) -> Facts:
    """What the command line can find out about a VM. Raises: GuestError if there is no such VM."""
    where = targets.paths()
    facts = Facts(options.vm, by_libvirt=options.socket is None and options.vm != SIMULATED)
    if facts.by_libvirt:
        try:
            vms = opening.hypervisor(options.connect)
            try:
                domain = vms.domain(options.vm)
            finally:
                vms.close()
        except GuestError as error:
            if error.code in ("guest.no-vm", "guest.no-vm-near"):
                raise
            return replace(facts, libvirt=error)
        facts = replace(facts, name=domain.name, running=domain.active, channel=domain.channel)
        vm = domain.uuid
    else:
        target = targets.find(options, where)
        target.close()
        vm = target.id
    facts = replace(facts, keys=bool(targets.keys(where).candidates(vm)) or vm == SIMULATED)
    if not all(check.ok for check in judge(facts) if check.topic is not Topic.AGENT):
        return facts
    facts = replace(facts, wanted=wanted_version())
    try:
        with targets.guest(options) as guest:
            return asked(facts, guest)
    except GuestError as error:
        return replace(facts, connection=error)
