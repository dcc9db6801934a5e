"""The package database says that everything is installed whole: dpkg and pacman; rpm cannot tell."""

from __future__ import annotations

from libneuron.system.files import Root
from libneuron.system.tables import Table
from libneuron.updates.health import Outcome, failed, not_applicable, ok
from libneuron.updates.subject import Probe, Subject

DPKG_STATUS = "/var/lib/dpkg/status"
PACMAN_LOCAL = "/var/lib/pacman/local"
_WHOLE = {"installed", "config-files", "not-installed", "triggers-awaited", "triggers-pending"}


def dpkg_problems(text: str) -> list[str]:
    """Packages in the text of dpkg's status file that are half installed, unpacked or unconfigured."""
    wrong = []
    name = ""
    for line in text.splitlines():
        if line.startswith("Package: "):
            name = line[9:].strip()
        elif line.startswith("Status: "):
            words = line[8:].split()
            if len(words) == 3 and (words[2] not in _WHOLE or words[1] != "ok"):
                wrong.append(f"{name} ({words[2]})")
    return wrong


def pacman_problems(root: Root) -> list[str]:
    """Entries of pacman's database without their description or file list (a transaction was cut off)."""
    wrong = []
    for name in root.names(PACMAN_LOCAL):
        if name == "ALPM_DB_VERSION":
            continue
        for part in ("desc", "files"):
            path = root.path(f"{PACMAN_LOCAL}/{name}/{part}")
            try:
                whole = path.stat().st_size > 0
            except OSError:
                whole = False
            if not whole:
                wrong.append(f"{name} ({part})")
    return wrong


def packages(settings: Table) -> Probe:
    """No settings."""
    del settings

    def probe(subject: Subject) -> Outcome:
        root = subject.root
        status = root.text(DPKG_STATUS, limit=64 << 20)
        if status is not None:
            return failed("packages", dpkg_problems(status))
        if root.names(PACMAN_LOCAL):
            return failed("packages", pacman_problems(root))
        if root.exists("/var/lib/rpm") or root.exists("/usr/lib/sysimage/rpm"):
            done = subject.runner.run(
                ("rpm", "--root", root.prefix, "-q", "rpm"), timeout=subject.limit, check=False
            )
            return failed("packages", [] if done.status == 0 else ["rpm"])
        return not_applicable()

    return probe


def pending_reboot(settings: Table) -> Probe:
    """No settings. Never fails: an update that wants a restart is a healthy one."""
    del settings

    def probe(subject: Subject) -> Outcome:
        root = subject.root
        release = root.text("/proc/sys/kernel/osrelease")
        flagged = root.exists("/run/reboot-required") or root.exists("/var/run/reboot-required")
        tops = ("/usr/lib/modules", "/lib/modules")
        present = any(root.exists(f"{top}/{release}") for top in tops)
        replaced = any(root.names(top) for top in tops) and not present
        return ok("reboot-pending") if flagged or (release and replaced) else ok()

    return probe
