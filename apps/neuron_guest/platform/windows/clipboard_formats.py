"""Which clipboard formats stand for which MIME types, and what a clipboard says about itself. No I/O.

Formats are handled by name here: ``CF_…`` for the standard ones, else the registered name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from neuron_guest.backend import Offer
from neuron_guest.platform.windows import dib, text_formats

TEXT, HTML, RTF = "text/plain;charset=utf-8", "text/html", "text/rtf"
PNG, FILES = "image/png", "text/uri-list"

OWN = "NeuronGuestClipboardOrigin"
LOOKING_GLASS = "LookingGlassClipboardOrigin"

# Password managers mark what must not be passed on (Microsoft, "Clipboard Formats: Cloud Clipboard and
# Clipboard History Formats"; "Clipboard Viewer Ignore" is KeePass's older convention).
EXCLUDE = ("ExcludeClipboardContentFromMonitorProcessing", "Clipboard Viewer Ignore")
ALLOW = ("CanIncludeInClipboardHistory", "CanUploadToCloudClipboard")

STANDARD = {"CF_UNICODETEXT": 13, "CF_HDROP": 15, "CF_DIB": 8, "CF_DIBV5": 17}

Converter = Callable[[bytes], bytes]


def _same(data: bytes) -> bytes:
    return data


def _from_rtf(data: bytes) -> bytes:
    return data.rstrip(b"\0")


@dataclass(frozen=True)
class _Source:
    """A Windows format that can be read as ``mime``."""

    format: str
    mime: str
    convert: Converter


# Best first, for each MIME type.
_SOURCES = (
    _Source("CF_UNICODETEXT", TEXT, text_formats.from_unicode_text),
    _Source("HTML Format", HTML, text_formats.from_html_format),
    _Source("Rich Text Format", RTF, _from_rtf),
    _Source("PNG", PNG, _same),
    _Source("image/png", PNG, _same),
    _Source("CF_DIBV5", PNG, dib.to_png),
    _Source("CF_DIB", PNG, dib.to_png),
    _Source("CF_HDROP", FILES, text_formats.from_drop_files),
)
_ORDER = (FILES, PNG, HTML, RTF, TEXT)
"""The richest first, as "best format first" of an offer; files before the icons and names that come along."""


def sources(mime: str) -> Sequence[tuple[str, Converter]]:
    """The formats that ``mime`` can be read from, best first, each with its conversion."""
    return [(source.format, source.convert) for source in _SOURCES if source.mime == mime]


def readable() -> Sequence[str]:
    """Every format that we look for on the clipboard."""
    return [source.format for source in _SOURCES]


def offer(formats: Sequence[str], switches: Mapping[str, bytes | None]) -> Offer:
    """What a clipboard with these ``formats`` offers.

    ``switches`` holds the data of those of :data:`ALLOW` that are present; None if it could not be read.
    """
    # A DWORD of 0 forbids. What cannot be read is taken for a no.
    forbidden = any(name in formats and not _is_yes(switches.get(name)) for name in ALLOW)
    return Offer(
        formats=mimes_of(formats),
        secret=is_marked(formats) or forbidden,
        own=OWN in formats or LOOKING_GLASS in formats,
    )


def mimes_of(formats: Sequence[str]) -> tuple[str, ...]:
    """The MIME types that can be read from these formats, richest first."""
    found = {source.mime for source in _SOURCES if source.format in formats}
    return tuple(mime for mime in _ORDER if mime in found)


def is_marked(formats: Sequence[str]) -> bool:
    """Whether a format's mere presence says that the copy is secret."""
    return any(name in formats for name in EXCLUDE)


def _is_yes(data: bytes | None) -> bool:
    return data is not None and len(data) >= 4 and any(data[:4])


def secret_marks() -> Mapping[str, bytes]:
    """What marks a copy of ours as one that Windows and others must not keep."""
    return {EXCLUDE[0]: b"\0", **dict.fromkeys(ALLOW, bytes(4))}


def targets(mimes: Sequence[str]) -> Sequence[tuple[str, str]]:
    """(Windows format, MIME type it is made of) for a copy of these types, best first."""
    made = {
        TEXT: ["CF_UNICODETEXT"],
        HTML: ["HTML Format"],
        RTF: ["Rich Text Format"],
        PNG: ["PNG", "CF_DIBV5", "CF_DIB"],
        FILES: ["CF_HDROP"],
    }
    return [(target, mime) for mime in _ORDER if mime in mimes for target in made[mime]]


def render(target: str, data: bytes, bitmap: Callable[[bytes], tuple[int, int, bytes]]) -> bytes:
    """The bytes of Windows format ``target`` made of the MIME type's ``data``.

    ``bitmap`` decodes a PNG into width, height and BGRA rows from the top. Raises: ValueError.
    """
    match target:
        case "CF_UNICODETEXT":
            return text_formats.to_unicode_text(data)
        case "HTML Format":
            return text_formats.to_html_format(data)
        case "Rich Text Format":
            return data + b"\0"
        case "CF_HDROP":
            return text_formats.to_drop_files(data)
        case "CF_DIB" | "CF_DIBV5":
            width, height, pixels = bitmap(data)
            return dib.from_bgra(width, height, pixels, version5=target == "CF_DIBV5")
    return data
