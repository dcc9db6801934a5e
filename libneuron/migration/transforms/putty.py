"""PuTTY's saved sessions as ssh's hosts, and its keys. Pure.

What a session says comes out of a registry that anybody may have written: only values of a plain form are
taken, so that none can become another line of the file. Source: PuTTY, settings.c (names of the values);
ssh_config(5).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from libneuron.migration.transforms import merging, ppk
from libneuron.migration.transforms.common import Context, Result

TEMPLATE = "Default Settings"
"""PuTTY's pattern for new sessions, which is none itself."""
_HOST = re.compile(r"[A-Za-z0-9:\[][A-Za-z0-9._:\[\]-]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@\\-]*")
_FORWARD = re.compile(r"(?:4|6)?([LRD])((?:[A-Za-z0-9._-]+:)?\d{1,5})(?:=([A-Za-z0-9._\[\]:-]+:\d{1,5}))?")
_FORWARDS = {"L": "LocalForward", "R": "RemoteForward", "D": "DynamicForward"}

Values = Mapping[str, str]
"""A session's values by name; numbers as decimal text."""


def session_name(key: str) -> str:
    """The name that a person gave the session, from the name of its registry key."""
    return unquote(key, errors="replace")


def host_name(name: str) -> str:
    """A name that ssh takes as one plain word; "" where nothing of it is left."""
    return re.sub(r"[^\w.@-]+", "-", name, flags=re.ASCII).strip("-")


def _number(values: Values, name: str) -> int:
    text = values.get(name, "0")
    return int(text) if text.isdecimal() else 0


def block(name: str, values: Values, key: str | None) -> str | None:
    """The ``Host`` block of one session, or None where it is none of ssh's or names no plain host.

    ``key`` is the path of its key in the home.
    """
    if values.get("Protocol", "ssh") != "ssh":
        return None
    user, _, host = values.get("HostName", "").rpartition("@")
    user = user or values.get("UserName", "")
    word = host_name(name)
    if not _HOST.fullmatch(host) or not word:
        return None
    lines = [f"Host {word}", f"  HostName {host}"]
    if _USER.fullmatch(user):
        lines.append(f"  User {user}")
    port = _number(values, "PortNumber")
    if port not in (0, 22) and port < 65536:
        lines.append(f"  Port {port}")
    if key is not None and key.isprintable() and not set(key) & set('"%\\'):
        lines.append(f'  IdentityFile "{key}"' if " " in key else f"  IdentityFile {key}")
    for option, word in (("AgentFwd", "ForwardAgent"), ("X11Forward", "ForwardX11"),
                         ("Compression", "Compression")):  # fmt: skip
        if _number(values, option):
            lines.append(f"  {word} yes")
    alive = _number(values, "PingIntervalSecs") + 60 * _number(values, "PingInterval")
    if alive:
        lines.append(f"  ServerAliveInterval {alive}")
    return "\n".join([*lines, *_forwards(values.get("PortForwardings", ""))]) + "\n"


def _forwards(text: str) -> list[str]:
    lines = []
    for one in text.split(","):
        found = _FORWARD.fullmatch(one)
        if found and (found.group(1) == "D") == (found.group(3) is None):
            target = f" {found.group(3)}" if found.group(3) else ""
            lines.append(f"  {_FORWARDS[found.group(1)]} {found.group(2)}{target}")
    return lines


def hosts(sessions: Mapping[str, Values], key_of: Callable[[str], str | None]) -> tuple[str, list[str]]:
    """The blocks of all sessions that can be, and the names of the others; ``key_of`` finds a key's place."""
    text, left = "", []
    for name, values in sessions.items():
        made = block(name, values, key_of(values.get("PublicKeyFile", "")))
        if made is None:
            left.append(name)
        else:
            text += made
    return text, left


def sessions(_data: bytes, context: Context) -> Result:
    """The registry's file made into ssh's ``config``: the plan has read the sessions already."""
    text = context.text("hosts")
    existing = context.existing
    data = text.encode() if existing is None else merging.behind(existing, merging.ssh_blocks(existing, text))
    return Result(data, mode=0o600)


def key(data: bytes, _context: Context) -> Result:
    """A key without a passphrase as OpenSSH reads it. Raises: NotUnderstood."""
    return Result(ppk.openssh(data), mode=0o600)
