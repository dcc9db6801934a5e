"""Text, HTML and file lists between MIME types and Windows' clipboard formats. No I/O.

Sources: Microsoft, "Standard Clipboard Formats", "HTML Clipboard Format", "DROPFILES structure".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from urllib.parse import quote, unquote, urlsplit

from neuron_guest.backend import BackendError
from neuron_guest.platform.windows import targets

_DROPFILES = struct.Struct("<IiiII")  # pFiles, pt.x, pt.y, fNC, fWide
_HEADER = (
    "Version:0.9\r\nStartHTML:{0:010d}\r\nEndHTML:{1:010d}\r\n"
    "StartFragment:{2:010d}\r\nEndFragment:{3:010d}\r\n"
)
_START, _END = b"<!--StartFragment-->", b"<!--EndFragment-->"
_OFFSET = re.compile(rb"(StartHTML|EndHTML|StartFragment|EndFragment):(-?\d{1,10})\s")
_BODY = re.compile(rb"<body\b[^>]*>", re.IGNORECASE)
_BODY_END = re.compile(rb"</body\s*>", re.IGNORECASE)
_LONE_LF = re.compile(r"(?<!\r)\n")


def to_unicode_text(utf8: bytes) -> bytes:
    """UTF-8 with LF → CF_UNICODETEXT: UTF-16 with CRLF and a closing zero.

    A zero inside the text would end it for every reader, so zeros are dropped.
    """
    text = utf8.decode("utf-8", "replace").replace("\0", "")
    return (_LONE_LF.sub("\r\n", text) + "\0").encode("utf-16-le")


def from_unicode_text(data: bytes) -> bytes:
    """CF_UNICODETEXT → UTF-8 with LF; the text ends at the first zero; broken surrogates become U+FFFD."""
    text = data[: len(data) & ~1].decode("utf-16-le", "replace").partition("\0")[0]
    return text.replace("\r\n", "\n").encode()


def to_html_format(html: bytes) -> bytes:
    """UTF-8 HTML, a fragment or a whole document → "HTML Format", whose offsets count bytes."""
    body, end = _BODY.search(html), None
    if body is not None:
        ends = list(_BODY_END.finditer(html, body.end()))
        end = ends[-1].start() if ends else len(html)
        before, fragment, after = html[: body.end()], html[body.end() : end], html[end:]
    else:
        before, fragment, after = b"<html><body>", html, b"</body></html>"
    size = len(_HEADER.format(0, 0, 0, 0))
    start_fragment = size + len(before) + len(_START)
    end_fragment = start_fragment + len(fragment)
    end_html = end_fragment + len(_END) + len(after)
    header = _HEADER.format(size, end_html, start_fragment, end_fragment).encode()
    return b"".join((header, before, _START, fragment, _END, after, b"\0"))


def from_html_format(data: bytes) -> bytes:
    """The copied fragment of "HTML Format" as UTF-8 HTML.

    Offsets come from another program and are checked; without usable ones what follows the header counts.
    """
    data = data.rstrip(b"\0")
    header = data[: data.find(b"<")] if b"<" in data else data
    offsets = {name: int(value) for name, value in _OFFSET.findall(header)}
    for first, last in ((b"StartFragment", b"EndFragment"), (b"StartHTML", b"EndHTML")):
        start, end = offsets.get(first, -1), offsets.get(last, -1)
        if len(header) <= start <= end <= len(data):
            return data[start:end]
    return data[len(header) :]


def to_drop_files(uri_list: bytes) -> bytes:
    """``text/uri-list`` of ``file:///C:/…`` addresses in this guest → CF_HDROP. Others are left out."""
    paths = []
    for line in uri_list.decode("utf-8", "replace").splitlines():
        if line and not line.startswith("#"):
            path = path_of_uri(line.strip())
            if path is not None:
                paths.append(path)
    names = "".join(f"{path}\0" for path in paths) + "\0"
    return _DROPFILES.pack(_DROPFILES.size, 0, 0, 0, 1) + names.encode("utf-16-le")


def from_drop_files(data: bytes) -> bytes:
    """CF_HDROP → ``text/uri-list`` (CRLF, RFC 2483). Paths that are not on a local drive are left out."""
    uris = [uri_of_path(path) for path in drop_paths(data)]
    return "".join(f"{uri}\r\n" for uri in uris if uri is not None).encode()


def drop_paths(data: bytes) -> Sequence[str]:
    """The paths in a CF_HDROP; nothing where its header makes no sense."""
    if len(data) < _DROPFILES.size:
        return ()
    start, _x, _y, _client, wide = _DROPFILES.unpack_from(data)
    if not _DROPFILES.size <= start <= len(data):
        return ()
    rest = data[start:]
    if wide:
        text = rest[: len(rest) & ~1].decode("utf-16-le", "replace")
    else:
        text = rest.decode("mbcs" if _has_mbcs() else "cp1252", "replace")
    return text.partition("\0\0")[0].rstrip("\0").split("\0") if text.strip("\0") else ()


def _has_mbcs() -> bool:
    try:
        "".encode("mbcs")
    except LookupError:
        return False
    return True


def uri_of_path(path: str) -> str | None:
    """``C:\\a b`` → ``file:///C:/a%20b``; None for what is not a local file's path."""
    try:
        local = targets.local_path(path)
    except BackendError:
        return None
    return "file:///" + quote(local.replace("\\", "/"), safe="/:")


def path_of_uri(uri: str) -> str | None:
    """The other way round."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme.lower() != "file" or parts.netloc not in ("", "localhost"):
        return None
    try:
        return targets.local_path(unquote(parts.path).lstrip("/"))
    except BackendError:
        return None
