"""SSH: keys are known by their content, never by their name; modes as ssh demands them.

Source: ssh(1) FILES, ssh_config(5), RFC 7468 (textual encodings). OpenSSH on Linux answers a private key
with CRLF or without a final line end with "error in libcrypto".
"""

from __future__ import annotations

import re

from libneuron.migration.transforms import merging
from libneuron.migration.transforms.common import Context, NotUnderstood, Result, decode, unix_lines
from libneuron.migration.windowspath import is_windows

_PRIVATE = re.compile(rb"^-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----", re.MULTILINE)
_PUBLIC = re.compile(rb"^(?:ssh-|ecdsa-|sk-ssh-|sk-ecdsa-)[a-z0-9@.-]+ AAAA")
_PUTTY = b"PuTTY-User-Key-File-"
_PATHS = ("identityfile", "certificatefile", "userknownhostsfile", "globalknownhostsfile", "revokedhostkeys",
          "controlpath", "include", "identityagent", "pkcs11provider", "securitykeyprovider",
          "xauthlocation")  # fmt: skip
_LISTS = ("userknownhostsfile", "globalknownhostsfile", "include")
"""Keys that take several paths; the others take one, and people forget to quote its spaces."""
_KEYS = ("identityfile", "certificatefile")
_COMMANDS = ("proxycommand", "localcommand", "knownhostscommand")
_LINE = re.compile(r"^(\s*)([A-Za-z][A-Za-z0-9]*)(\s*=\s*|\s+)(.*?)\s*$")
_SSH_FOLDER = re.compile(r"^(?:[A-Za-z]:)?[\\/]+Users[\\/]+[^\\/]+[\\/]+\.ssh[\\/]+", re.IGNORECASE)
_HOME_VARIABLE = re.compile(r"^(?:%USERPROFILE%|%HOME%|%d|~|\$\{?HOME\}?)[\\/]+", re.IGNORECASE)


def file(data: bytes, context: Context) -> Result:
    """A file of ``.ssh`` by what it holds: private keys 0600, public keys and known hosts 0644, else 0600."""
    name = context.destination.rpartition("/")[2].lower()
    head = data.lstrip(b"\xef\xbb\xbf")
    if _PRIVATE.search(head):
        return Result(unix_lines(decode(data).lstrip()).encode(), mode=0o600)
    if head.startswith(_PUTTY):
        return Result(data, mode=0o600)
    if _PUBLIC.match(head) and name != "authorized_keys":
        return Result(unix_lines(decode(data)).encode(), mode=0o644)
    if name.startswith("known_hosts"):
        return Result(unix_lines(decode(data)).encode(), mode=0o644)
    if name in ("authorized_keys", "allowed_signers"):
        return Result(unix_lines(decode(data)).encode(), mode=0o600)
    return Result(data, mode=0o600)


def _path(text: str, context: Context) -> str | None:
    """A path of the config in its new place; None where it did not come along."""
    quoted = text.strip('"')
    found = _SSH_FOLDER.match(quoted)
    if found:
        return "~/.ssh/" + quoted[found.end() :].replace("\\", "/")
    found = _HOME_VARIABLE.match(quoted)
    if found:
        return "~/" + quoted[found.end() :].replace("\\", "/")
    if is_windows(quoted):
        return context.paths.translate(quoted)
    return quoted.replace("\\", "/")


def config(data: bytes, context: Context) -> Result:
    """``config``: paths in their new place, programs of Windows dropped; each one reported."""
    out: list[str] = []
    notes: list[tuple[str, dict[str, str]]] = []
    for line in unix_lines(decode(data)).split("\n"):
        found = _LINE.match(line)
        if found is None or line.lstrip().startswith("#"):
            out.append(line)
            continue
        indent, key, between, value = found.groups()
        lowered = key.lower()
        if lowered in _COMMANDS and (is_windows(value) or ".exe" in value.lower()):
            notes.append(("setting-dropped", {"key": key, "value": value}))
        elif lowered in _PATHS and value.lower() not in ("none", "ssh_auth_sock"):
            moved = _moved(value, context, several=lowered in _LISTS)
            if lowered in _KEYS:
                out += [f"{indent}{key}{between}{one}" for one in _renamed(moved, context)]
            if moved is None or ("pipe" in value.lower() and lowered == "identityagent"):
                notes.append(("setting-dropped", {"key": key, "value": value}))
            elif moved == value:
                out.append(line)
            else:
                notes.append(("setting-changed", {"key": key, "value": moved}))
                out.append(f"{indent}{key}{between}{moved}")
        else:
            out.append(line)
    text = "\n".join(out) + context.text("hosts")
    if "\0" in text:
        raise NotUnderstood("a NUL byte")
    if context.existing is not None:
        data = merging.behind(context.existing, merging.ssh_blocks(context.existing, text))
        return Result(data, tuple(notes), mode=0o600)
    return Result(text.encode(), tuple(notes), mode=0o600)


def known_hosts(data: bytes, context: Context) -> Result:
    """``known_hosts``: the hosts that the person's own file does not have are added to it."""
    text = unix_lines(decode(data))
    if context.existing is not None:
        added = merging.new_lines(context.existing, text.splitlines())
        return Result(merging.behind(context.existing, added), mode=0o644)
    return Result(text.encode(), mode=0o644)


def _renamed(path: str | None, context: Context) -> list[str]:
    """Where the key came under another name, because the person has one of that name: that name as well.

    ssh passes over a key file that is not there, so it does no harm should both keys have been the same.
    """
    name = (path or "").strip('"').removeprefix("~/.ssh/")
    other = context.siblings.get(name)
    return [f'"~/.ssh/{other}"'] if other else []


def _moved(value: str, context: Context, *, several: bool) -> str | None:
    words = re.findall(r'"[^"]*"|\S+', value) if several else [value]
    if not any("\\" in word or is_windows(word.strip('"')) or word.startswith("%") for word in words):
        return value
    moved = []
    for word in words:
        path = _path(word, context)
        if path is None:
            return None
        moved.append(f'"{path}"' if " " in path else path)
    return " ".join(moved)
