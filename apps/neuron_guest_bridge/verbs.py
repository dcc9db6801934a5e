"""What each verb of the command line does: options in, :class:`Reply` out."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict

from libneuron.cli import Reply, bytes_text
from libneuron.errors import Exit, NeuronError
from libneuron.guest.errors import GuestError
from libneuron.guest.keys import ENROLMENT_FILE, GUEST_PLACES
from libneuron.system.files import write_atomic
from neuron_guest_bridge import targets


def list_machines(options: argparse.Namespace) -> Reply:
    """``list``: VMs that libvirt knows, with their channel and pairing."""
    from libneuron.guest.hypervisor.opening import hypervisor

    paired = {item.vm: item for item in targets.keys(targets.paths()).list()}
    vms = hypervisor(options.connect)
    try:
        domains = vms.domains()
    finally:
        vms.close()
    rows = []
    for domain in domains:
        pairing = paired.get(domain.uuid)
        state = "paired" if pairing and pairing.paired else "handed over" if pairing else "not paired"
        rows.append(
            {
                "name": domain.name,
                "uuid": domain.uuid,
                "power": domain.power.value,
                "channel": domain.channel.value,
                "pairing": state,
            }
        )
    lines = [f"{row['name']:24}{row['power']:12}{row['channel']:14}{row['pairing']}" for row in rows]
    return Reply({"machines": rows}, "\n".join(lines) or "There are no virtual machines here.")


def pair(options: argparse.Namespace) -> Reply:
    """``pair --file``: keys, and the hand-over as a file that the person copies into the VM."""
    where = targets.paths()
    target = targets.find(options, where)
    try:
        text = targets.keys(where).begin_enrolment(target.id, target.name)
    finally:
        target.close()
    path = options.file or targets.paths().state / f"{target.id}-{ENROLMENT_FILE}"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text.encode(), mode=0o600)
    hint = (
        f"Copy {path} into the VM as {GUEST_PLACES['linux']} (Linux) or {GUEST_PLACES['windows']} (Windows). "
        "It works once; then delete it here."
    )
    return Reply({"vm": target.id, "file": str(path), "waiting": True}, hint)


def unpair(options: argparse.Namespace) -> Reply:
    """``unpair``: forget the keys; also of a VM that is gone."""
    store = targets.keys(targets.paths())
    found = [item for item in store.list() if options.vm in (item.vm, item.name)]
    if not found:
        raise GuestError("guest.not-paired", vm=options.vm)
    for item in found:
        store.revoke(item.vm)
    return Reply({"unpaired": [item.vm for item in found]}, f"The keys of “{options.vm}” are gone.")


def ping(options: argparse.Namespace) -> Reply:
    """``ping``: the median of five."""
    with targets.guest(options) as guest:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            guest.run(lambda api: api.ping(timeout=options.timeout))
            times.append((time.perf_counter() - began) * 1000)
        version = guest.version
    median = round(sorted(times)[2], 3)
    return Reply({"ms": median, "version": version}, f"NeuronGuest {version} answered in {median} ms.")


def info(options: argparse.Namespace) -> Reply:
    """``info``: facts and load."""
    with targets.guest(options) as guest:
        facts = dict(guest.run(lambda api: api.info()))
        facts["metrics"] = dict(guest.run(lambda api: api.metrics()))
    return Reply(facts, "\n".join(f"{key}: {value}" for key, value in facts.items()))


def clipboard_get(options: argparse.Namespace) -> Reply:
    """``clipboard get``: text, or one format into a file."""
    if options.type is not None and options.output is None:
        raise GuestError("guest.bad-value", problem="--type needs --output")
    with targets.guest(options) as guest:
        if options.type is None:
            text = guest.run(lambda api: api.clipboard_text())
            if options.output is not None:
                write_atomic(options.output, text.encode(), mode=0o600)
            return Reply({"text": text}, "" if options.output is not None else text)
        data = guest.run(lambda api: api.clipboard_read(options.type))
    write_atomic(options.output, data, mode=0o600)
    return Reply({"file": str(options.output), "size": len(data)}, f"{bytes_text(len(data))} written.")


def clipboard_set(options: argparse.Namespace) -> Reply:
    """``clipboard set``: the argument, or standard input."""
    text = options.text if options.text is not None else sys.stdin.read()
    with targets.guest(options) as guest:
        guest.run(lambda api: api.set_clipboard_text(text))
    return Reply({"characters": len(text)}, "")


def resolution(options: argparse.Namespace) -> Reply:
    """``resolution``: the modes, or a change read back."""
    if options.size is None:
        with targets.guest(options) as guest:
            modes, current = guest.run(lambda api: api.modes())
        lines = [f"{'*' if mode == current else ' '} {mode.width}×{mode.height}" for mode in modes]
        return Reply(
            {"modes": [asdict(mode) for mode in modes], "current": asdict(current)}, "\n".join(lines)
        )
    width, _, height = options.size.lower().replace("×", "x").partition("x")
    if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise GuestError("guest.bad-value", problem=f"“{options.size}” is not WIDTHxHEIGHT")
    with targets.guest(options) as guest:
        mode = guest.run(lambda api: api.set_resolution(int(width), int(height)))
    return Reply(asdict(mode), f"{mode.width}×{mode.height}")


def apps(options: argparse.Namespace) -> Reply:
    """``apps``: names and paths."""
    with targets.guest(options) as guest:
        found = guest.run(lambda api: api.apps())
    rows = [{"id": app.id, "name": app.name, "path": app.path, "args": list(app.args)} for app in found]
    return Reply({"apps": rows}, "\n".join(f"{app.name:40}{app.id}" for app in found))


def launch(options: argparse.Namespace) -> Reply:
    """``launch``: by path or id."""
    with targets.guest(options) as guest:
        pid = guest.run(lambda api: api.launch(options.path, options.args))
    return Reply({"pid": pid}, f"Started (process {pid} in the VM).")


def screenshot(options: argparse.Namespace) -> Reply:
    """``screenshot``: a PNG file."""
    with targets.guest(options) as guest:
        picture = guest.run(lambda api: api.screenshot())
    write_atomic(options.output, picture.png, mode=0o600)
    data = {"file": str(options.output), "width": picture.width, "height": picture.height}
    return Reply(data, f"{picture.width}×{picture.height}, {bytes_text(len(picture.png))}")


def shutdown(options: argparse.Namespace) -> Reply:
    """``shutdown``: the guest has answered; it goes off in its own time."""
    action = "reboot" if options.reboot else "shutdown"
    with targets.guest(options) as guest:
        guest.run(lambda api: api.power(action))
    return Reply({"action": action}, "The VM restarts." if options.reboot else "The VM shuts down.")


def doctor(options: argparse.Namespace) -> Reply:
    """``doctor``: each thing that must hold, in the order in which it is needed."""
    checks: list[dict[str, object]] = []

    def check(name: str, error: NeuronError | None, detail: str = "") -> bool:
        said = detail if error is None else error.sentence()
        hint = "" if error is None else error.hint()
        checks.append({"name": name, "ok": error is None, "detail": said, "hint": hint})
        return error is None

    where = targets.paths()
    if options.vm is None:
        try:
            found = len(list_machines(options).data["machines"])
            check("libvirt", None, f"{found} virtual machines")
        except GuestError as error:
            check("libvirt", error)
    else:
        try:
            target = targets.find(options, where)
            target.close()
            check("machine", None, target.name)
            names = targets.keys(where).candidates(target.id)
            missing = None if names else GuestError("guest.not-paired", vm=target.name)
            if check("keys", missing, ", ".join(names)):
                with targets.guest(options) as guest:
                    guest.run(lambda api: api.ping())
                    check("agent", None, f"version {guest.version}")
        except GuestError as error:
            check("connection", error)
    ok = all(item["ok"] for item in checks)
    lines = [f"{'✓' if c['ok'] else '✗'} {c['name']}: {c['detail']} {c['hint']}".rstrip() for c in checks]
    return Reply({"ok": ok, "checks": checks}, "\n".join(lines), Exit.DONE if ok else Exit.FAILED)
