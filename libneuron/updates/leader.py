"""Who started this package manager: the program whose several runs are one update to a person."""

from __future__ import annotations

from collections.abc import Iterator

from libneuron.system.files import Root

LEADERS = frozenset(
    {
        "unattended-upgr",
        "unattended-upgrade",
        "packagekitd",
        "yay",
        "paru",
        "pikaur",
        "trizen",
        "topgrade",
        "aura",
    }
)
"""Names in /proc/PID/comm (cut at 15 bytes by the kernel)."""


MANAGERS = LEADERS | {"apt", "apt-get", "aptitude", "pacman", "dnf5", "dnf5daemon-serv", "dnf", "zypper"}
"""Programs during whose life a package manager must not be cut off."""


def find_manager(root: Root, pid: int) -> int:
    """The topmost package manager above process ``pid`` (itself included), 0 where there is none."""
    found = 0
    for number, name, _start in _above(root, pid):
        if name in MANAGERS:
            found = number
    return found


def find_leader(root: Root, pid: int) -> str:
    """The topmost known leader above process ``pid`` as "name PID start", or ""; the start time (clock ticks
    since the machine started) keeps a reused number apart."""
    found = ""
    for number, name, start in _above(root, pid):
        if name in LEADERS:
            found = f"{name} {number} {start}"
    return found


def _above(root: Root, pid: int) -> Iterator[tuple[int, str, str]]:
    """(process, name, start time) of ``pid`` and what it was started by, up to the first process."""
    for _ in range(64):
        text = root.text(f"/proc/{pid}/stat")
        if pid <= 1 or text is None or ")" not in text:
            return
        rest = text[text.rindex(")") + 2 :].split()
        yield pid, text[text.index("(") + 1 : text.rindex(")")], rest[19]
        pid = int(rest[1])
