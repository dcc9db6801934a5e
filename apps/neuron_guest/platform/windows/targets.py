"""What may be opened or started, decided before Windows is asked.

Refused: network paths (looking at one sends the person's credentials to its server; WinBoat 0.9.2 did that
for icons), device paths, control characters, URLs other than http(s), and "opening" what is really a program:
that is a launch, and has its own permission.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from neuron_guest.backend import BackendError

_DRIVE_PATH = re.compile(r"^[A-Za-z]:[\\/]")
_URL = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")

# What Windows starts, or what changes Windows, when it is "opened": PATHEXT and the list of attachments that
# Outlook blocks (Microsoft, "Blocked attachments in Outlook").
_PROGRAMS = frozenset((
    "ade", "adp", "appcontent-ms", "application", "appref-ms", "appx", "appxbundle", "bas", "bat", "cdxml",
    "chm", "cmd", "com", "cpl", "crt", "desktop", "diagcab", "dll", "exe", "fxp", "gadget", "hlp", "hta",
    "inf", "ins", "isp", "iso", "its", "jar", "jnlp", "js", "jse", "ksh", "lnk", "mad", "maf", "mda", "mdb",
    "mde", "msc", "msh", "msi", "msix", "msp", "mst", "ocx", "osd", "pcd", "pif", "ps1", "ps1xml", "psc1",
    "psd1", "psm1", "py", "pyc", "pyw", "reg", "scf", "scr", "sct", "settingcontent-ms", "shb", "shs",
    "sys", "theme", "url", "vb", "vbe", "vbp", "vbs", "vhd", "vhdx", "vxd", "website", "wsb", "wsc", "wsf",
    "wsh", "xbap", "xll",
))  # fmt: skip


class Kind(Enum):
    """What a target is."""

    FILE = "file"
    URL = "url"


@dataclass(frozen=True)
class Target:
    """Something to open: a local file's path, or an http(s) URL."""

    kind: Kind
    value: str


def check_target(text: str) -> Target:
    """Decide what ``text`` is. Raises: BackendError refused."""
    _refuse_odd_characters(text)
    if _DRIVE_PATH.match(text):
        path = local_path(text)
        if _extension(path) in _PROGRAMS:
            raise BackendError("refused", "this file is a program: launch it instead")
        return Target(Kind.FILE, path)
    scheme = _URL.match(text)
    if scheme is None:
        raise BackendError("refused", "only files on this computer's drives and http(s) addresses are opened")
    if scheme[1].lower() not in ("http", "https"):
        raise BackendError("refused", f"addresses of the kind {scheme[1]}: are not opened")
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError as error:
        raise BackendError("refused", "this address is not well formed") from error
    if not host or not text[len(scheme[0]) :].startswith("//"):
        raise BackendError("refused", "this address names no host")
    if any(mark in text for mark in ' "<>\\^`{|}'):
        raise BackendError("refused", "this address is not well formed")
    return Target(Kind.URL, text)


def local_path(text: str) -> str:
    """An absolute path on a drive of this computer, with backslashes. Raises: BackendError refused."""
    _refuse_odd_characters(text)
    if not _DRIVE_PATH.match(text):
        raise BackendError("refused", "only absolute paths on this computer's drives are allowed")
    path = text.replace("/", "\\")
    if any(mark in path[2:] for mark in ':*?"<>|'):
        raise BackendError("refused", "this path holds a character that Windows' file names cannot have")
    if any(part == ".." for part in path.split("\\")):
        raise BackendError("refused", "a path with .. is not taken")
    return path


def check_program(text: str) -> str:
    """A program to launch: an absolute local path, or a bare name that Windows looks up in App Paths.

    Raises: BackendError refused, not-found. Batch files are refused because CreateProcessW hands them to
    cmd.exe, whose quoting no argument list survives (CVE-2024-1874 and its kin, "BatBadBut").
    """
    _refuse_odd_characters(text)
    if not re.fullmatch(r"[^\\/:*?\"<>|]+", text):
        if not _DRIVE_PATH.match(text):
            raise BackendError("not-found", f"there is no program {text}: paths start with a drive here")
        text = local_path(text)
    if _extension(text) in ("bat", "cmd"):
        raise BackendError("refused", "batch files are not launched: their arguments would reach a shell")
    return text


def _extension(path: str) -> str:
    # Windows drops dots and spaces at the end of a name: "a.bat ." is a.bat.
    name = path.rpartition("\\")[2].rstrip(". ")
    return name.rpartition(".")[2].lower() if "." in name else ""


def _refuse_odd_characters(text: str) -> None:
    if not text or len(text) > 32000:
        raise BackendError("refused", "an empty or overlong name is not taken")
    if text.startswith(("\\\\", "//", "\\/", "/\\")):
        raise BackendError("refused", "network and device paths are not opened")
    for mark in text:
        # Cc: control characters; Cs: halves of surrogate pairs; Bidi controls make a name read otherwise.
        if (
            unicodedata.category(mark) in ("Cc", "Cs")
            or mark in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        ):
            raise BackendError("refused", "a name with control characters is not taken")
