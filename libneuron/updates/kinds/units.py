"""systemd asked over D-Bus: its state, failed units, and the services a desktop cannot be without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from libneuron.system.calls import Caller
from libneuron.system.errors import SystemAccessError
from libneuron.system.tables import Table
from libneuron.updates.health import OFFLINE, Outcome, failed, not_applicable, ok, unknown
from libneuron.updates.subject import Probe, Subject

_SERVICE, _PATH = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
_MANAGER, _UNIT = "org.freedesktop.systemd1.Manager", "org.freedesktop.systemd1.Unit"
_STARTING = {"initializing", "starting"}
_UNIT_PLACES = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")


def _asking(ask: Callable[[Subject, Caller], Outcome]) -> Probe:
    """A probe that has a bus, or says that it has none."""

    def probe(subject: Subject) -> Outcome:
        if subject.bus is None:
            return unknown("not-live")
        if subject.offline:
            return unknown(OFFLINE)
        if not subject.root.exists("/run/systemd/system"):  # sd_booted(3)
            return not_applicable()
        try:
            return ask(subject, subject.bus)
        except SystemAccessError as error:
            if error.code == "system.bus-unavailable" or "ServiceUnknown" in error.details:
                return unknown("no-bus")
            raise

    return probe


def systemd_state(settings: Table) -> Probe:
    """No settings. "degraded" is judged by the failed units, "starting" is no failure."""
    del settings

    def ask(subject: Subject, bus: Caller) -> Outcome:
        try:
            state = str(bus.get(_SERVICE, _PATH, _MANAGER, "SystemState", timeout=subject.limit))
        except SystemAccessError as error:
            if "AccessDenied" in error.details:
                raise
            return failed("systemd-bad", ["unreachable"])  # it runs, but nobody can talk to it
        if state in _STARTING or state in ("running", "degraded"):
            return ok("systemd-state", state=state)
        return failed("systemd-bad", [state])

    return _asking(ask)


def failed_units(settings: Table) -> Probe:
    """``ignore``: units whose failure says nothing about the update."""
    ignore = set(settings.items("ignore", str))

    def ask(subject: Subject, bus: Caller) -> Outcome:
        (units,) = bus.call(
            _SERVICE, _PATH, _MANAGER, "ListUnitsFiltered", "as", (["failed"],), timeout=subject.limit
        )
        return failed("failed-units", [str(unit[0]) for unit in units if unit[0] not in ignore])

    return _asking(ask)


def services(settings: Table) -> Probe:
    """``units``: each an array of alternatives ("libvirtd.service", "virtqemud.socket"); one of those that
    are installed must be active, or be about to start, or be a socket that waits."""
    groups = tuple(tuple(str(name) for name in group) for group in settings.items("units", list) if group)

    def probe(subject: Subject) -> Outcome:
        if subject.bus is None:
            return _static(subject, groups)
        return _asking(lambda subject, bus: _running(subject, bus, groups))(subject)

    return probe


def _static(subject: Subject, groups: tuple[tuple[str, ...], ...]) -> Outcome:
    """On a tree that does not run: a unit that is installed must have its program."""
    wrong, seen = [], 0
    for name in (name for group in groups for name in group):
        text = next((found for top in _UNIT_PLACES if (found := subject.root.text(f"{top}/{name}"))), None)
        if text is None:
            continue
        seen += 1
        for line in text.splitlines():
            key, _, value = line.partition("=")
            if key.strip() != "ExecStart" or not value.split():
                continue
            program = value.split()[0].lstrip("@-:+!|")
            if program.startswith("/") and "%" not in program and not subject.root.exists(program):
                wrong.append(f"{name} ({program} is missing)")
    return failed("services", wrong) if seen else not_applicable()


def _running(subject: Subject, bus: Caller, groups: tuple[tuple[str, ...], ...]) -> Outcome:
    wrong: list[str] = []
    seen = 0
    for group in groups:
        states = [(name, *_unit(subject, bus, name)) for name in group]
        there = [state for state in states if state[1] not in ("not-found", "masked")]
        if not there:
            continue
        seen += 1
        good = any(active in ("active", "activating", "reloading") for _, _, active, _ in there)
        wanted = [
            (name, active)
            for name, _, active, enabled in there
            if active == "failed" or enabled in ("enabled", "enabled-runtime", "alias")
        ]
        if not good:
            wrong += [f"{name} ({active})" for name, active in wanted[:1]]
    return failed("services", wrong) if seen else not_applicable()


def _unit(subject: Subject, bus: Caller, name: str) -> tuple[str, str, str]:
    """(LoadState, ActiveState, UnitFileState)."""
    (path,) = bus.call(_SERVICE, _PATH, _MANAGER, "LoadUnit", "s", (name,), timeout=subject.limit)
    properties: Any = bus.call(
        _SERVICE, path, "org.freedesktop.DBus.Properties", "GetAll", "s", (_UNIT,), timeout=subject.limit
    )[0]
    return (
        str(properties.get("LoadState", "")),
        str(properties.get("ActiveState", "")),
        str(properties.get("UnitFileState", "")),
    )


def bus_services(settings: Table) -> Probe:
    """``names``: bus names that must answer a ping where they can be activated or are running."""
    names = settings.items("names", str)

    def ask(subject: Subject, bus: Caller) -> Outcome:
        daemon = "org.freedesktop.DBus"
        known = set()
        for member in ("ListNames", "ListActivatableNames"):
            known |= set(bus.call(daemon, "/org/freedesktop/DBus", daemon, member, timeout=subject.limit)[0])
        wrong = []
        there = [name for name in names if name in known]
        for name in there:
            try:
                # Starting a service whose program is gone takes long to fail: all must fit into the limit,
                # or the whole check would be unknown instead of failed.
                patience = subject.limit * 0.8 / len(there)
                bus.call(name, "/", "org.freedesktop.DBus.Peer", "Ping", timeout=patience)
            except SystemAccessError as error:
                if error.code == "system.bus-unavailable":
                    raise
                wrong.append(name)
        return failed("bus-service", wrong) if there else not_applicable()

    return _asking(ask)


def network(settings: Table) -> Probe:
    """No settings. NetworkManager's own state: 60 and 70 are connected to a site or to all (NMState)."""
    del settings

    def ask(subject: Subject, bus: Caller) -> Outcome:
        name = "org.freedesktop.NetworkManager"
        state = int(bus.get(name, "/org/freedesktop/NetworkManager", name, "State", timeout=subject.limit))
        if state in (0, 10):
            return unknown("no-bus")
        return failed("network", [] if state >= 60 or state == 40 else [f"NetworkManager {state}"])

    return _asking(ask)
