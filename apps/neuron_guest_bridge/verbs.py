"""What each verb of the command line does: options in, :class:`Reply` out."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict

from libneuron.cli import Reply, bytes_text, translate
from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor import opening
from libneuron.guest.menu import printable
from libneuron.system.files import write_atomic
from neuron_guest_bridge import targets

_log = logging.getLogger(__name__)


def list_machines(options: argparse.Namespace) -> Reply:
    """``list``: VMs that libvirt knows, with their channel and pairing."""
    where = targets.paths()
    targets.tidy(where)
    paired = {item.vm: item for item in targets.keys(where).list()}
    vms = opening.hypervisor(options.connect)
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
    said = {
        "paired": translate("Bridge", "paired"),
        "handed over": translate("Bridge", "handed over"),
        "not paired": translate("Bridge", "not paired"),
    }
    lines = [f"{row['name']:24}{row['power']:12}{row['channel']:14}{said[row['pairing']]}" for row in rows]
    return Reply(
        {"machines": rows}, "\n".join(lines) or translate("Bridge", "There are no virtual machines here.")
    )


def unpair(options: argparse.Namespace) -> Reply:
    """``unpair``: forget the keys; also of a VM that is gone."""
    store = targets.keys(targets.paths())
    found = [item for item in store.list() if options.vm in (item.vm, item.name)]
    if not found:
        raise GuestError("guest.not-paired", vm=options.vm)
    for item in found:
        store.revoke(item.vm)
        targets.let_go(item.vm, item.name)
    return Reply(
        {"unpaired": [item.vm for item in found]},
        translate("Bridge", "The keys of “{vm}” are gone.").format(vm=options.vm),
    )


def ping(options: argparse.Namespace) -> Reply:
    """``ping``: the median of five."""
    with targets.guest(options) as guest:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            guest.ask(lambda api: api.ping(timeout=options.timeout))
            times.append((time.perf_counter() - began) * 1000)
        version = guest.version
    median = round(sorted(times)[2], 3)
    said = translate("Bridge", "NeuronGuest {version} answered in {ms} ms.")
    return Reply({"ms": median, "version": version}, said.format(version=version, ms=median))


def info(options: argparse.Namespace) -> Reply:
    """``info``: facts and load."""
    with targets.guest(options) as guest:
        facts = dict(guest.ask(lambda api: api.info()))
        facts["metrics"] = dict(guest.ask(lambda api: api.metrics()))
    return Reply(facts, "\n".join(f"{printable(key)}: {_plain(value)}" for key, value in facts.items()))


def _plain(value: object) -> str:
    """A fact in words: lists and tables without their brackets, numbers without false precision."""
    if isinstance(value, Mapping):
        return ", ".join(f"{printable(str(key))} {_plain(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return printable(str(value))


def clipboard_get(options: argparse.Namespace) -> Reply:
    """``clipboard get``: text, or one format into a file."""
    if options.type is not None and options.output is None:
        problem = translate("Bridge", "--type needs --output")
        raise GuestError("guest.bad-value", problem=problem)
    with targets.guest(options) as guest:
        if options.type is None:
            text = guest.ask(lambda api: api.clipboard_text())
            if options.output is not None:
                write_atomic(options.output, text.encode(), mode=0o600)
                return Reply({"text": text}, "")
            return Reply({"text": text}, text, exact=text.encode("utf-8", "surrogatepass"))
        data = guest.ask(lambda api: api.clipboard_read(options.type))
    write_atomic(options.output, data, mode=0o600)
    said = translate("Bridge", "{size} written.").format(size=bytes_text(len(data)))
    return Reply({"file": str(options.output), "size": len(data)}, said)


def clipboard_set(options: argparse.Namespace) -> Reply:
    """``clipboard set``: the argument, or standard input."""
    text = options.text if options.text is not None else _standard_input()
    with targets.guest(options) as guest:
        guest.ask(lambda api: api.set_clipboard_text(text))
    return Reply({"characters": len(text)}, "")


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        problem = translate("Bridge", "standard input is not text in UTF-8")
        raise GuestError("guest.bad-value", problem=problem, details=str(error)) from error


def resolution(options: argparse.Namespace) -> Reply:
    """``resolution``: the modes, or a change read back."""
    if options.size is None:
        with targets.guest(options) as guest:
            modes, current = guest.ask(lambda api: api.modes())
        lines = [f"{'*' if mode == current else ' '} {mode.width}×{mode.height}" for mode in modes]
        return Reply(
            {"modes": [asdict(mode) for mode in modes], "current": asdict(current)}, "\n".join(lines)
        )
    width, _, height = options.size.lower().replace("×", "x").partition("x")
    if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        problem = translate("Bridge", "“{size}” is not WIDTHxHEIGHT, such as 1920x1080")
        raise GuestError("guest.bad-value", problem=problem.format(size=options.size))
    with targets.guest(options) as guest:
        mode = guest.ask(lambda api: api.set_resolution(int(width), int(height)))
    return Reply(asdict(mode), f"{mode.width}×{mode.height}")


def apps(options: argparse.Namespace) -> Reply:
    """``apps``: names and paths."""
    with targets.guest(options) as guest:
        found = guest.ask(lambda api: api.apps())
    rows = [{"id": app.id, "name": app.name, "path": app.path, "args": list(app.args)} for app in found]
    return Reply({"apps": rows}, "\n".join(f"{printable(app.name):40}{printable(app.id)}" for app in found))


def launch(options: argparse.Namespace) -> Reply:
    """``launch``: by path or id."""
    words = [word for word in (options.path, *options.args) if word is not None]
    if options.app is not None:
        words.insert(0, options.app)
    if not words:
        problem = translate("Bridge", "say which application: its path, or an id from “apps”")
        raise GuestError("guest.bad-value", problem=problem)
    here = next((word for word in words[1:] if word.startswith("file://")), None)
    if here is not None:
        raise GuestError("guest.file-elsewhere", file=here)
    with targets.guest(options) as guest:
        pid = guest.ask(lambda api: api.launch(words[0], words[1:]))
    return Reply({"pid": pid}, translate("Bridge", "Started (process {pid} in the VM).").format(pid=pid))


def open_target(options: argparse.Namespace) -> Reply:
    """``open``: a file of the VM's, or a web address."""
    target: str = options.target
    if target.startswith("file://"):
        raise GuestError("guest.file-elsewhere", file=target)
    with targets.guest(options) as guest:
        if target.lower().startswith(("http://", "https://")):
            guest.ask(lambda api: api.open_url(target))
        else:
            guest.ask(lambda api: api.open_file(target))
    return Reply({"opened": target}, translate("Bridge", "Opened."))


def windows(options: argparse.Namespace) -> Reply:
    """``windows``: number, application and title; a star before the one in front."""
    with targets.guest(options) as guest:
        found = guest.ask(lambda api: api.windows())
    lines = [
        f"{'*' if window.focused else ' '} {window.id:<12}{printable(window.app):24}{printable(window.title)}"
        for window in found
    ]
    return Reply(
        {"windows": [asdict(window) for window in found]},
        "\n".join(lines) or translate("Bridge", "No windows are open there."),
    )


def focus(options: argparse.Namespace) -> Reply:
    """``focus``: to the front."""
    with targets.guest(options) as guest:
        guest.ask(lambda api: api.focus_window(options.window))
    return Reply({"window": options.window}, "")


def close(options: argparse.Namespace) -> Reply:
    """``close``: as its close button would; it may ask something first."""
    with targets.guest(options) as guest:
        guest.ask(lambda api: api.close_window(options.window))
    return Reply({"window": options.window}, "")


def screenshot(options: argparse.Namespace) -> Reply:
    """``screenshot``: a PNG file."""
    with targets.guest(options) as guest:
        picture = guest.ask(lambda api: api.screenshot())
    write_atomic(options.output, picture.png, mode=0o600)
    data = {"file": str(options.output), "width": picture.width, "height": picture.height}
    return Reply(data, f"{picture.width}×{picture.height}, {bytes_text(len(picture.png))}")


def machine(options: argparse.Namespace) -> Reply:
    """``start``, ``suspend``, ``power-off``: what libvirt does to the machine from outside."""
    vms = opening.hypervisor(options.connect)
    try:
        domain = vms.domain(options.vm)
        {"start": vms.start, "suspend": vms.suspend, "power-off": vms.power_off}[options.act](domain)
        now = vms.domain(domain.uuid).power.value
    finally:
        vms.close()
    return Reply({"vm": domain.uuid, "power": now}, f"{printable(domain.name)}: {now}")


def shutdown(options: argparse.Namespace) -> Reply:
    """``shutdown``: the guest has answered; it goes off in its own time."""
    action = "reboot" if options.reboot else "shutdown"
    with targets.guest(options) as guest:
        guest.ask(lambda api: api.power(action))
    restarts = translate("Bridge", "The VM restarts.")
    return Reply(
        {"action": action}, restarts if options.reboot else translate("Bridge", "The VM shuts down.")
    )
