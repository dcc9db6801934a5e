"""The command line's verbs for restore points, settings and the report."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from libneuron.cli import Reply
from libneuron.errors import Exit
from libneuron.system.files import write_atomic
from libneuron.updates import guardian
from libneuron.updates.report import report as make_report
from libneuron.updates.settings import save_settings
from neuron_update_guardian.commands import machine


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"


def points(options: argparse.Namespace) -> Reply:
    """``points``: what restore points take, and the snapshots of other programs."""
    found = guardian.holdings(machine(options))
    lines = [f"{name:>4}  {_mib(size)} of its own" for name, size in found.space.items()]
    lines += [
        f"{item.id:>4}  {str(item.at or '')[:16]}  {item.tool}: {item.description or '–'}"
        for item in found.others
    ]
    if found.free:  # 0: the system lies on nothing that could hold a restore point
        lines.append(f"{_mib(found.free)} free")
    return Reply(found.as_json(), "\n".join(lines) or "There are no restore points.")


def restore(options: argparse.Namespace) -> Reply:
    """``restore``: one file back; without one, those that there are."""
    subject = machine(options)
    if options.path is None:
        files = guardian.changed_files(subject, options.id)
        return Reply({"files": list(files)}, "\n".join(files) or "Nothing differs.")
    done = guardian.restore_file(subject, options.id, options.path)
    kept = f" The one before is kept as {done.kept}." if done.kept else ""
    return Reply(done.as_json(), f"{done.path} is back.{kept}")


def pin(options: argparse.Namespace) -> Reply:
    """``pin``."""
    guardian.pin(machine(options), options.id, pinned=not options.off)
    text = "may go when it is old" if options.off else "is kept"
    return Reply({"update": options.id, "pinned": not options.off}, f"Restore point {options.id} {text}.")


def settings(options: argparse.Namespace) -> Reply:
    """``settings``: show them, or change those that are named."""
    subject = machine(options)
    now = subject.settings
    given = {
        name: getattr(options, name)
        for name in ("keep", "free_mib", "attempts")
        if getattr(options, name) is not None
    }
    skip = [name for name in now.skip if name not in options.do]
    skip += [name for name in options.skip if name not in skip]
    wished = replace(now, **given, skip=tuple(skip))
    if options.automatic is not None:
        wished = replace(wished, automatic=options.automatic == "on")
    if wished != now:
        save_settings(subject.root, wished)
    data = {**wished.as_json(), "checks": [check.id for check in subject.all_checks()]}
    lines = [f"{key}: {json.dumps(value)}" for key, value in wished.as_json().items()]
    return Reply(data, "\n".join(lines))


def report(options: argparse.Namespace) -> Reply:
    """``report``: everything known, for somebody who can help."""
    data = make_report(machine(options))
    text = json.dumps(data, ensure_ascii=False, indent=1)
    if options.output is None:
        return Reply(data, text)
    write_atomic(Path(options.output), f"{text}\n".encode(), mode=0o600)
    return Reply({"file": options.output}, f"Written to {options.output}.", Exit.DONE)
