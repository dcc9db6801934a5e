"""Where files lie for the person signed in to a Linux guest."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from neuron_guest.files import Places

_DOWNLOADS = re.compile(r'^XDG_DOWNLOAD_DIR="(\$HOME)?(/[^"]*)"', re.MULTILINE)


def downloads(environment: Mapping[str, str]) -> Path:
    """The folder of downloads, from ``user-dirs.dirs`` (xdg-user-dirs(1)), else ``~/Downloads``."""
    home = Path(environment.get("HOME", "/"))
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    try:
        found = _DOWNLOADS.search((config / "user-dirs.dirs").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        found = None
    if found is None:
        return home / "Downloads"
    return home / found[2].lstrip("/") if found[1] else Path(found[2])


def local_paths(uri_list: bytes) -> Sequence[Path]:
    """The local files of a ``text/uri-list`` (RFC 2483); others are left out."""
    found = []
    for line in uri_list.decode("utf-8", "replace").splitlines():
        parts = urlsplit(line.strip())
        if parts.scheme == "file" and parts.netloc in ("", "localhost"):
            found.append(Path(os.fsdecode(unquote_to_bytes(parts.path))))
    return found


def places(environment: Mapping[str, str], copied: Callable[[], bytes]) -> Places:
    """``copied`` reads the clipboard's ``text/uri-list``."""
    cache = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME", "/")) / ".cache")
    return Places(
        private=lambda: Path(cache) / "neuron-guest",
        downloads=lambda: downloads(environment),
        copied=lambda: local_paths(copied()),
        address=Path.as_uri,
    )
