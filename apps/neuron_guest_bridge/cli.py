"""The command line of Guest Bridge: every verb, for people and with ``--json``."""

from __future__ import annotations

import argparse
from pathlib import Path

from libneuron import cli
from libneuron.cli import Reply
from neuron_guest_bridge import doctor, verbs

_TARGET = "the VM's name, or its UUID"


def _guest(
    made: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    verb = made.add_parser(name, help=text, description=text)
    verb.add_argument("vm", help=_TARGET)
    _where(verb)
    verb.add_argument("--timeout", type=float, default=15.0, help="seconds to wait (default: 15)")
    return verb


def _where(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--connect", metavar="URI", default="qemu:///system", help="libvirt's address")
    verb.add_argument("--socket", type=Path, help="the channel's unix socket, instead of asking libvirt")
    cli.add_json(verb)


def parser() -> argparse.ArgumentParser:
    """The parser with every verb."""
    made = cli.parser("neuron-guest-bridge", "Makes a virtual machine part of the desktop")
    made.set_defaults(verb=None)
    verbs_of = made.add_subparsers(metavar="VERB")

    listing = verbs_of.add_parser("list", help="virtual machines, their channel and pairing")
    listing.add_argument("--connect", metavar="URI", default="qemu:///system", help="libvirt's address")
    cli.add_json(listing)
    listing.set_defaults(verb=verbs.list_machines)

    words = "make keys for a VM and hand them over; waits until they work"
    pair = verbs_of.add_parser("pair", help=words, description=words)
    pair.add_argument("vm", help=_TARGET)
    _where(pair)
    pair.add_argument(
        "--method",
        choices=("auto", "agent", "disc", "file"),
        default="auto",
        help="how: through the QEMU guest agent, a set-up disc, or a file that you copy (default: the first "
        "of these that works)",
    )
    pair.add_argument("--file", type=Path, help="the file to copy into the VM; deleted when it was used")
    pair.add_argument("--yes", action="store_true", help="add the channel to the VM without asking")
    pair.add_argument("--wait", type=float, default=600.0, help="seconds to wait for the VM (default: 600)")
    pair.set_defaults(verb=run_pair)
    unpair = verbs_of.add_parser("unpair", help="forget a VM's keys", description="forget a VM's keys")
    unpair.add_argument("vm", help=_TARGET)
    cli.add_json(unpair)
    unpair.set_defaults(verb=verbs.unpair)

    _guest(verbs_of, "ping", "whether NeuronGuest answers").set_defaults(verb=verbs.ping)
    _guest(verbs_of, "info", "what the VM says about itself").set_defaults(verb=verbs.info)

    clipboard = verbs_of.add_parser("clipboard", help="the VM's clipboard")
    actions = clipboard.add_subparsers(metavar="ACTION", required=True)
    get = _guest(actions, "get", "print the VM's clipboard")
    get.add_argument("--type", metavar="MIME", help="another format than text; written to --output")
    get.add_argument("--output", type=Path, help="a file for the content")
    get.set_defaults(verb=verbs.clipboard_get)
    put = _guest(actions, "set", "replace the VM's clipboard")
    put.add_argument("text", nargs="?", help="the text; without it, standard input")
    put.set_defaults(verb=verbs.clipboard_set)

    sending = _guest(verbs_of, "send", "send files and folders into the VM’s folder of downloads")
    sending.add_argument("files", nargs="+", type=Path, help="what to send")
    sending.set_defaults(verb=run_send)

    resolution = _guest(verbs_of, "resolution", "show or change the VM's resolution")
    resolution.add_argument("size", nargs="?", help="WIDTHxHEIGHT; without it, the modes are shown")
    resolution.set_defaults(verb=verbs.resolution)

    _guest(verbs_of, "apps", "the VM's applications").set_defaults(verb=verbs.apps)
    launch = _guest(verbs_of, "launch", "start an application in the VM")
    launch.add_argument("--app", metavar="ID", help="its id; what follows are arguments (menus use this)")
    launch.add_argument("path", nargs="?", help="its path, or an id from “apps”")
    cli.add_rest(launch, "args", "its arguments; put -- before the first that begins with -")
    launch.set_defaults(verb=verbs.launch)

    opening = _guest(verbs_of, "open", "open a file or web address with the VM's own application for it")
    opening.add_argument(
        "target", help="a path in the VM, or an address that begins with http:// or https://"
    )
    opening.set_defaults(verb=verbs.open_target)

    _guest(verbs_of, "windows", "the VM's open windows").set_defaults(verb=verbs.windows)
    focus = _guest(verbs_of, "focus", "bring a window of the VM to the front")
    focus.add_argument("window", type=int, help="its number from “windows”")
    focus.set_defaults(verb=verbs.focus)
    close = _guest(verbs_of, "close", "ask a window of the VM to close")
    close.add_argument("window", type=int, help="its number from “windows”")
    close.set_defaults(verb=verbs.close)

    screenshot = _guest(verbs_of, "screenshot", "a picture of the VM's desktop")
    screenshot.add_argument("output", type=Path, help="the PNG file to write")
    screenshot.set_defaults(verb=verbs.screenshot)

    shutdown = _guest(verbs_of, "shutdown", "shut the VM down from the inside")
    shutdown.add_argument("--reboot", action="store_true", help="restart instead")
    shutdown.set_defaults(verb=verbs.shutdown)

    for act, text in (
        ("start", "switch a VM on, wake it up or let it go on"),
        ("suspend", "halt a VM where it is; “start” lets it go on"),
        ("power-off", "cut a VM's power; what it had not saved is lost"),
    ):
        power = verbs_of.add_parser(act, help=text, description=text)
        power.add_argument("vm", help=_TARGET)
        power.add_argument("--connect", metavar="URI", default="qemu:///system", help="libvirt's address")
        cli.add_json(power)
        power.set_defaults(verb=verbs.machine, act=act)

    checks = verbs_of.add_parser(
        "doctor", help="check everything Guest Bridge needs: for every paired VM that runs, or one"
    )
    checks.add_argument("vm", nargs="?", help=_TARGET)
    _where(checks)
    checks.add_argument("--timeout", type=float, default=15.0, help="seconds to wait (default: 15)")
    checks.set_defaults(verb=doctor.doctor)

    demo = verbs_of.add_parser("demo", help="drive a simulated VM through everything")
    cli.add_json(demo)
    demo.set_defaults(verb=run_demo)
    return made


def run_pair(options: argparse.Namespace) -> Reply:
    """``pair``; loaded when it is asked for, as it brings everything that makes keys and discs."""
    from neuron_guest_bridge import pairing

    return pairing.run(options)


def run_send(options: argparse.Namespace) -> Reply:
    """``send``, loaded when it is wanted."""
    from neuron_guest_bridge.send_verb import send

    return send(options)


def run_demo(_options: argparse.Namespace) -> Reply:
    """The demo as a verb."""
    from neuron_guest_bridge import demo

    steps = demo.run()
    return Reply(demo.as_json(steps), demo.as_text(steps), demo.exit_status(steps))
