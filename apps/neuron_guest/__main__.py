"""The agent's command line: ``serve`` (the service), ``simulate`` (the demo's guest), ``selftest``."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neuron_guest import VERSION
from neuron_guest.agent import Agent
from neuron_guest.keys import GuestKeys
from neuron_guest.machine import Machine, this_machine
from neuron_guest.port import Port

if TYPE_CHECKING:
    import argparse


def _service(port: Path | None, keys: Path | None) -> int:
    machine = this_machine()
    found = GuestKeys(keys or machine.keys_folder, machine.discs)
    return machine.run_service(Agent(machine.port(port), machine.service_backend(), found))


def _serve(options: argparse.Namespace) -> int:
    return _service(options.port, options.keys)


def _simulate(options: argparse.Namespace) -> int:
    from neuron_guest.platform.posix import UnixListenPort
    from neuron_guest.simulated import SimulatedBackend

    port: Port = UnixListenPort(options.socket)
    sys.stdout.write(f"simulated guest on {options.socket}\n")
    sys.stdout.flush()
    backend = SimulatedBackend(options.keys.parent / "disk")
    agent = Agent(port, backend, GuestKeys(options.keys))

    def off() -> None:
        backend.powered_off.wait()
        agent.stop()

    threading.Thread(target=off, daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    agent.run()
    return 0


def _selftest(options: argparse.Namespace) -> int:
    from neuron_guest.selftest import report, run, verdict

    machine: Machine = this_machine()
    results = run(machine.session_backend())
    sys.stdout.write(report(results, as_json=options.json))
    return verdict(results)


def _session(options: argparse.Namespace) -> int:
    return this_machine().run_session(options.socket)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Exit statuses as everywhere in the suite: 0 done, 1 failed, 2 usage, 3 cannot run here."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words == ["serve"]:  # the service itself: nothing to parse, and a parser is a tenth of its start
        _log_from(logging.INFO)
        return _service(None, None)
    options = _parser().parse_args(words)
    _log_from(logging.DEBUG if options.debug else logging.INFO)
    try:
        status: int = options.run(options)
    except PermissionError as error:  # the keys and the port are the administrator's
        sys.stderr.write(f"{error.strerror}: {error.filename}. The service runs this as the administrator.\n")
        return 3
    return status


def _log_from(level: int) -> None:
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(prog="neuron-guest", description="The agent inside the virtual machine")
    parser.add_argument("--version", action="version", version=VERSION)
    parser.add_argument("--debug", action="store_true", help="log more to standard error")
    verbs = parser.add_subparsers(dest="name", required=True, metavar="VERB")

    serve = verbs.add_parser("serve", help="serve the VM's channel; the service runs this")
    serve.add_argument("--port", type=Path, help="the port's device, if not the usual one")
    serve.add_argument("--keys", type=Path, help="where the keys are kept, if not in the usual place")
    serve.set_defaults(run=_serve)

    session = verbs.add_parser("session", help="serve the signed-in person's desktop to the service")
    session.add_argument("--socket", type=Path, help="the service's socket, if not the usual one")
    session.set_defaults(run=_session)

    simulate = verbs.add_parser("simulate", help="a guest that exists only in memory, for the demo")
    simulate.add_argument("--socket", type=Path, required=True)
    simulate.add_argument("--keys", type=Path, required=True)
    simulate.set_defaults(run=_simulate)

    selftest = verbs.add_parser("selftest", help="try every verb on this machine")
    selftest.add_argument("--json", action="store_true", help="print one JSON object")
    selftest.set_defaults(run=_selftest)

    return parser


if __name__ == "__main__":
    sys.exit(main())
