"""Who started this package manager: the program whose several runs are one update to a person."""

from __future__ import annotations

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


def find_leader(root: Root, pid: int) -> str:
    """The topmost known leader above process ``pid`` as "name PID start", or ""; the start time (clock ticks
    since the machine started) keeps a reused number apart."""
    found = ""
    for _ in range(64):
        text = root.text(f"/proc/{pid}/stat")
        if text is None or ")" not in text:
            break
        name = text[text.index("(") + 1 : text.rindex(")")]
        rest = text[text.rindex(")") + 2 :].split()
        if name in LEADERS:
            found = f"{name} {pid} {rest[19]}"
        pid = int(rest[1])
        if pid <= 1:
            break
    return found
