"""The Hardware Advisor at a terminal: what each verb does, from parsed options to a reply."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from libneuron.cli import Reply, add_json, parser
from libneuron.errors import QT_TRANSLATE_NOOP, english
from libneuron.hardware import acs, advice, bundle, compare, findings, isolation, names, report
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.edits import BootPlan
from libneuron.hardware.boot.plan import plan as plan_boot
from libneuron.hardware.capture import capture
from libneuron.hardware.errors import HardwareError
from libneuron.hardware.machine import Device, Machine, parse_address
from libneuron.system.files import Root
from libneuron.system.trees import ReplayTree, Tree
from neuron_hardware_advisor import wished
from neuron_hardware_advisor.boot_commands import add_verbs

_TEXTS = {
    "saved": QT_TRANSLATE_NOOP("advisor", "Saved {path}: {devices} devices, no personal data."),
    "alone": QT_TRANSLATE_NOOP("advisor", "alone"),
    "shared": QT_TRANSLATE_NOOP("advisor", "shared"),
    "unknown": QT_TRANSLATE_NOOP("advisor", "unknown"),
    "culprit": QT_TRANSLATE_NOOP("advisor", "because of {address}"),
    "no-groups": QT_TRANSLATE_NOOP("advisor", "There are no groups: device protection (IOMMU) is not on."),
    "group": QT_TRANSLATE_NOOP("advisor", "Group {number}: {answer}"),
    "no-group": QT_TRANSLATE_NOOP("advisor", "in no group"),
    "keeps-apart": QT_TRANSLATE_NOOP("advisor", "keeps devices apart: {answer}"),
    "nothing-to-change": QT_TRANSLATE_NOOP("advisor", "No start option needs to be changed."),
    "then-run": QT_TRANSLATE_NOOP("advisor", "Then, as administrator: {command}"),
    "not-applied": QT_TRANSLATE_NOOP("advisor", "Nothing was changed. After the change, restart the PC."),
    "no-difference": QT_TRANSLATE_NOOP("advisor", "Nothing that matters here differs."),
    "missing": QT_TRANSLATE_NOOP("advisor", "missing: {bits}"),
}


def _tree(options: argparse.Namespace) -> Tree:
    if options.bundle is not None:
        return ReplayTree(bundle.open_file(options.bundle))
    root = Root(options.root)
    if not root.exists("/sys/bus/pci"):
        raise HardwareError("hardware.no-machine", path=options.root)
    return root


def read(options: argparse.Namespace) -> Machine:
    """The machine that the options name: this one, a recorded tree, or a bundle.

    Raises: HardwareError bundle-unreadable, no-machine.
    """
    tree = _tree(options)
    live = isinstance(tree, Root) and tree.live
    return capture(tree, names.of_this_machine() if live else names.from_file())


def scan(options: argparse.Namespace) -> Reply:
    """Everything that is known and advised."""
    judged = report.judge(read(options))
    return Reply(report.as_json(judged), report.as_text(judged))


def _say(key: str, **words: object) -> str:
    return english(*_TEXTS[key]).format_map(words)


def groups(options: argparse.Namespace) -> Reply:
    """The live groups."""
    judged = report.judge(read(options))
    lines = [] if judged.groups else [_say("no-groups")]
    for verdict in judged.groups:
        answer = {True: "alone", False: "shared", None: "unknown"}[verdict.isolated]
        line = _say("group", number=verdict.group.number, answer=_say(answer))
        if verdict.culprit is not None:
            line += ", " + _say("culprit", address=verdict.culprit.address)
        lines.append(line)
        for address in verdict.group.devices:
            device = judged.machine.by_address.get(address)
            lines.append(f"  {address}  {device.name if device else ''}")
    return Reply({"groups": report.groups_json(judged)}, "\n".join(lines))


def _chosen(machine: Machine, text: str) -> Device:
    address = parse_address(text)
    device = None if address is None else machine.by_address.get(address)
    if device is None:
        raise HardwareError("hardware.no-device", address=text)
    return device


def _hop(machine: Machine, device: Device) -> dict[str, Any]:
    settings = replace(
        acs.Settings(), kernel_enables=not machine.groups, override=isolation.in_force(machine)
    )
    verdict = acs.judge(machine, device, settings)
    port = device.config.port_type if device.config else None
    return {
        "address": str(device.address),
        "name": device.name,
        "port": port.name.lower().replace("_", "-") if port is not None else None,
        "keeps_apart": verdict.passed,
        "reason": verdict.reason.value,
        "missing": findings.bits_text(verdict.missing).split(", ") if verdict.missing else [],
    }


def explain(options: argparse.Namespace) -> Reply:
    """One device: its group, and every port between it and the root complex."""
    machine = read(options)
    device = _chosen(machine, options.address)
    slot = report.slot_json(isolation.judge_slot(machine, device))
    hops = [_hop(machine, hop) for hop in (device, *machine.path(device))]
    group = next((one for one in machine.groups if device.address in one.devices), None)
    data = {
        "address": str(device.address),
        "name": device.name,
        "driver": device.driver,
        "group": None if group is None else group.number,
        "group_devices": [] if group is None else [str(address) for address in group.devices],
        **slot,
        "path": hops,
    }
    lines = [f"{device.name}  [{device.address}]"]
    if group is None:
        lines.append("  " + _say("no-group"))
    else:
        answer = {True: "alone", False: "shared", None: "unknown"}[slot["slot_isolated"]]
        lines.append("  " + _say("group", number=group.number, answer=_say(answer)))
    if slot["culprit"]:
        lines.append("  " + _say("culprit", address=slot["culprit"]))
    for hop in hops[1:]:
        lines.append(f"  ↑ {hop['name']}  [{hop['address']}]  {hop['port'] or ''}")
        told = report.answer_text(answer=hop["keeps_apart"])
        lines.append("      " + _say("keeps-apart", answer=told))
        if hop["missing"]:
            lines.append("      " + _say("missing", bits=", ".join(hop["missing"])))
    return Reply(data, "\n".join(lines))


def _wish(options: argparse.Namespace, tree: Tree) -> Wish:
    """What was asked for, else what would help."""
    asked = wished.asked(options)
    if asked != Wish():
        return asked
    return advice.wanted(report.judge(capture(tree, names.Numbers())).findings)


def plan(options: argparse.Namespace) -> Reply:
    """The change of start options that would help (or that was asked for), as a diff. Changes nothing."""
    tree = _tree(options)
    wish = _wish(options, tree)
    made = plan_boot(tree, wish) if wish != Wish() else BootPlan("", None, (), ())
    commands = [list(command) for command in made.commands]
    data = {
        **wished.as_json(wish),
        "edits": [{"path": edit.path, "diff": edit.diff()} for edit in made.edits],
        "commands": commands,
        "undo_commands": commands,
    }
    if not made.edits:
        return Reply(data, _say("nothing-to-change"))
    lines = [edit.diff() for edit in made.edits]
    lines += [_say("then-run", command=shlex.join(command)) for command in made.commands]
    return Reply(data, "\n".join([*lines, _say("not-applied")]))


def bundle_save(options: argparse.Namespace) -> Reply:
    """Write what was read to a file that names nobody."""
    recording = bundle.record(_tree(options), names.Numbers())
    bundle.save(recording, options.file)
    count = len(recording.names.get("/sys/bus/pci/devices", ()))
    data = {"path": str(options.file), "devices": count, "files": len(recording.files)}
    return Reply(data, _say("saved", path=options.file, devices=count))


def bundle_open(options: argparse.Namespace) -> Reply:
    """The scan of a bundle."""
    options.bundle = options.file
    return scan(options)


def bundle_compare(options: argparse.Namespace) -> Reply:
    """What differs between two bundles, such as before and after a change of the firmware."""
    old, new = (
        report.judge(bundle.machine(bundle.open_file(path), names.from_file()))
        for path in (options.before, options.after)
    )
    found = compare.compare(old, new)
    lines = [f"{one.title()}: {one.before or '–'} → {one.after or '–'}" for one in found]
    data = {"differences": [one.as_json() for one in found]}
    return Reply(data, "\n".join(lines) or _say("no-difference"))


def _from_elsewhere(verb: argparse.ArgumentParser) -> None:
    source = verb.add_mutually_exclusive_group()
    source.add_argument("--root", type=Path, default=Path("/"), metavar="DIR", help="a recorded tree")
    source.add_argument("--bundle", type=Path, metavar="FILE", help="a saved bundle")
    add_json(verb)


def build() -> argparse.ArgumentParser:
    """The parser with all verbs."""
    made = parser("neuron-hardware-advisor", "Can this PC give a graphics card to a Windows VM?")
    verbs = made.add_subparsers(metavar="VERB", required=True)
    verb = verbs.add_parser("scan", help="everything that is known and advised")
    _from_elsewhere(verb)
    verb.set_defaults(verb=scan)
    verb = verbs.add_parser("explain", help="one device, and each port above it")
    verb.add_argument("address", metavar="ADDRESS", help="such as 0000:01:00.0")
    _from_elsewhere(verb)
    verb.set_defaults(verb=explain)
    verb = verbs.add_parser("groups", help="the groups that the kernel made")
    _from_elsewhere(verb)
    verb.set_defaults(verb=groups)
    verb = verbs.add_parser("plan", help="show how the start options would change; changes nothing")
    wished.add_arguments(verb)
    _from_elsewhere(verb)
    verb.set_defaults(verb=plan)
    add_verbs(verbs)
    inside = verbs.add_parser("bundle", help="save this PC to a file, or open one").add_subparsers(
        metavar="save|open|compare", required=True
    )
    verb = inside.add_parser("save", help="write an anonymous bundle")
    verb.add_argument("file", type=Path, metavar="FILE")
    _from_elsewhere(verb)
    verb.set_defaults(verb=bundle_save)
    verb = inside.add_parser("open", help="scan a bundle")
    verb.add_argument("file", type=Path, metavar="FILE")
    add_json(verb)
    verb.set_defaults(verb=bundle_open)
    verb = inside.add_parser("compare", help="what differs between two bundles")
    verb.add_argument("before", type=Path, metavar="BEFORE")
    verb.add_argument("after", type=Path, metavar="AFTER")
    add_json(verb)
    verb.set_defaults(verb=bundle_compare)
    return made
