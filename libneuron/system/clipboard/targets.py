"""Names of formats on Linux desktops: what may be read as which format, and under which names we offer one.

Sources: ICCCM 2.6.2 (targets), freedesktop clipboard-manager specification (SAVE_TARGETS), the names that
Qt 6, GTK 4, Firefox, LibreOffice, Nautilus and Dolphin offer, KDE's ``x-kde-passwordManagerHint``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import quote, unquote_to_bytes

TEXT = "text/plain;charset=utf-8"
HTML = "text/html"
RTF = "text/rtf"
PNG = "image/png"
FILES = "text/uri-list"

SECRET_HINT = "x-kde-passwordManagerHint"  # noqa: S105 — a format's name
SECRET = b"secret"
ORIGIN = "application/x-neuron-clipboard-origin"

_GNOME_FILES = "x-special/gnome-copied-files"
_KDE_CUT = "application/x-kde-cutselection"

FORMATS = (FILES, PNG, HTML, RTF, TEXT)
"""Every format that crosses, richest first."""

_READ = {
    TEXT: (TEXT, "text/plain;charset=UTF-8", "UTF8_STRING", "text/plain", "STRING", "TEXT"),
    HTML: (HTML,),
    RTF: (RTF, "application/rtf", "text/richtext"),
    PNG: (PNG,),
    FILES: (FILES, _GNOME_FILES),
}
_OFFER = {
    TEXT: (TEXT, "UTF8_STRING", "text/plain", "STRING", "TEXT"),
    HTML: (HTML,),
    RTF: (RTF, "application/rtf"),
    PNG: (PNG,),
    FILES: (FILES, _GNOME_FILES, _KDE_CUT),
}


def formats_of(names: Iterable[str]) -> tuple[str, ...]:
    """The formats that a copy offering ``names`` has, in the owner's order of preference.

    Several names of one format count once, at the place of the first.
    """
    by_name = {name: mime for mime, known in _READ.items() for name in known}
    return tuple(dict.fromkeys(by_name[name] for name in names if name in by_name))


def name_to_read(mime: str, names: Iterable[str]) -> str | None:
    """The best of ``names`` to ask for when ``mime`` is wanted, or None."""
    offered = set(names)
    return next((name for name in _READ.get(mime, ()) if name in offered), None)


def names_to_offer(formats: Iterable[str]) -> tuple[str, ...]:
    """Every name under which ``formats`` are offered, best first."""
    return tuple(dict.fromkeys(name for mime in formats for name in _OFFER.get(mime, ())))


def format_of(name: str) -> str | None:
    """The format that a paste asking for ``name`` wants, or None where we do not offer that name."""
    return next((mime for mime, names in _OFFER.items() if name in names), None)


def _latin1(data: bytes) -> bytes:
    return data.decode("utf-8", "replace").encode("latin-1", "replace")


def _gnome(data: bytes) -> bytes:
    return b"\n".join([b"copy", *uris(data)])


def uris(data: bytes) -> list[bytes]:
    """The URIs of a ``text/uri-list`` (RFC 2483: CRLF, comments begin with #)."""
    return [line for line in data.replace(b"\r", b"\n").split(b"\n") if line and not line.startswith(b"#")]


def uri_list(paths: Iterable[bytes]) -> bytes:
    """A ``text/uri-list`` of local files named by their absolute paths."""
    return b"".join(b"file://" + quote(path).encode("ascii") + b"\r\n" for path in paths)


def local_paths(data: bytes) -> list[bytes]:
    """The local files of a ``text/uri-list``, as absolute paths; addresses of other machines are left out."""
    found = []
    for uri in uris(data):
        scheme, _, rest = uri.partition(b"://")
        host, slash, path = rest.partition(b"/")
        if scheme.lower() == b"file" and host in (b"", b"localhost") and slash:
            found.append(unquote_to_bytes(slash + path))
    return found


_TO_NAME: dict[str, Callable[[bytes], bytes]] = {
    "STRING": _latin1,
    _GNOME_FILES: _gnome,
    _KDE_CUT: lambda _data: b"0",
}


def encoder(name: str) -> Callable[[bytes], bytes] | None:
    """How a format's content becomes what ``name`` stands for; None if it is the same bytes."""
    return _TO_NAME.get(name)


def _from_gnome(data: bytes) -> bytes:
    return b"".join(line + b"\r\n" for line in data.split(b"\n")[1:] if line.strip(b"\0"))


def _utf8(data: bytes) -> bytes:
    """Text whose encoding its name does not tell: UTF-16 by its mark, else UTF-8, else Latin-1."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace").encode()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1").encode()
    return data


_FROM_NAME: dict[str, Callable[[bytes], bytes]] = {
    "STRING": lambda data: data.decode("latin-1").encode(),
    "TEXT": _utf8,
    "text/plain": _utf8,
    HTML: _utf8,  # some browsers offer HTML as UTF-16 with a byte order mark
    _GNOME_FILES: _from_gnome,
}


def decoder(name: str) -> Callable[[bytes], bytes] | None:
    """How what was read under ``name`` becomes the format's content; None if it is the same bytes."""
    return _FROM_NAME.get(name)
