"""FileZilla's XML files: folders of Windows are mapped into the home, or emptied where they did not come.

Source: FileZilla, src/commonui/xml_file.cpp and sitemanager (``LocalDir``, ``LocalFile``, settings by name).
"""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.sax.saxutils import escape, unescape

from libneuron.migration.transforms.common import Context, NotUnderstood, Result, decode, unix_lines
from libneuron.migration.windowspath import is_windows

_TEXT = re.compile(r"(<(LocalDir|LocalFile|Setting)\b([^>]*)>)([^<]*)(</\2>)")
_NAME = re.compile(r'name="([^"]*)"')


def xml(data: bytes, context: Context) -> Result:
    """The same file, byte for byte but for the texts that held a path of Windows."""
    text = decode(data)
    try:
        ElementTree.fromstring(text.encode())  # noqa: S314 — only its form is checked; entities stay unread
    except ElementTree.ParseError as error:
        raise NotUnderstood(str(error)) from error
    notes = []

    def change(found: re.Match[str]) -> str:
        value = unescape(found.group(4))
        if not is_windows(value):
            return found.group(0)
        mapped = context.paths.translate(value) or ""
        name = _NAME.search(found.group(3))
        key = name.group(1) if name else found.group(2)
        code = "setting-changed" if mapped else "setting-dropped"
        notes.append((code, {"key": key, "value": mapped or value}))
        return found.group(1) + escape(mapped) + found.group(5)

    return Result(unix_lines(_TEXT.sub(change, text)).encode(), tuple(notes))
