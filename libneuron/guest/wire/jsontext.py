"""Messages as JSON text: what comes in is bounded before it is decoded, and can be sent on as it is."""

from __future__ import annotations

import json
import json.encoder
import math
import re
from collections.abc import Mapping
from typing import Any

from libneuron.guest.wire.errors import ProtocolError

_DEEPEST = 64  # levels of objects and lists; whatever walks through deeper ones could run out of stack
_MOST = 50_000  # objects and lists in one message: an empty one takes 30 times the memory of its text
# Texts are passed over whole, so that brackets in them do not count; one that never ends is a text, too.
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
# ``JSONEncoder.encode`` builds this anew for every text, which takes longer than a ping's text itself.
_make = getattr(json.encoder, "c_make_encoder", None)
_KEYS_SORTED = _KEYS_SKIPPED = _NAN_ALLOWED = False
_parts = _make and _make(
    None,
    _encoder.default,
    json.encoder.encode_basestring,
    None,
    ":",
    ",",
    _KEYS_SORTED,
    _KEYS_SKIPPED,
    _NAN_ALLOWED,
)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number beyond all bounds")
    return value


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


# What is taken from the peer can be sent on: the encoder takes neither NaN nor infinity.
_decoder = json.JSONDecoder(parse_float=_finite, parse_constant=_no_number)
# What ``decode`` calls between two looks for blanks (typeshed does not know it).
_scan = _decoder.scan_once  # type: ignore[attr-defined]


def encode(head: Mapping[str, Any]) -> bytes:
    """A message's JSON. Lone surrogates, which JSON text may not hold, become “?”."""
    text = "".join(_parts(head, 0)) if _parts else _encoder.encode(head)
    return text.encode("utf-8", "replace")


def decode(payload: bytes) -> dict[str, Any]:
    """A message from JSON. Raises: ProtocolError."""
    if len(payload) > _DEEPEST and payload.count(b"[") + payload.count(b"{") > _DEEPEST:
        _check_shape(payload)
    try:
        text = payload.decode("utf-8")
        try:
            found, end = _scan(text, 0)
        except StopIteration:
            end = -1
        if end != len(text):
            found = _decoder.decode(text)  # there are blanks around it, or it is no JSON
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a message is not JSON") from error
    if not isinstance(found, dict):
        raise ProtocolError("a message is not a JSON object")
    return found


def _check_shape(payload: bytes) -> None:
    """Raises: ProtocolError if objects and lists are nested deeper, or are more, than in any real message."""
    depth = count = 0
    for found in _BRACKETS.finditer(payload):
        mark = found[0]
        if mark in (b"[", b"{"):
            depth += 1
            count += 1
            if depth > _DEEPEST or count > _MOST:
                raise ProtocolError("a message of too many parts")
        elif mark in (b"]", b"}"):
            depth -= 1
