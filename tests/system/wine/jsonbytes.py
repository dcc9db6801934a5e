"""Bytes inside JSON, between the tests and the driver inside Wine."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any


def encode(value: object) -> object:
    """For ``json.dumps(default=…)``: bytes, dataclasses, tuples of them."""
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(value).decode()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"cannot pass {type(value)} between the test and Wine")


def decode(value: dict[str, Any]) -> Any:
    """For ``json.loads(object_hook=…)``."""
    return base64.b64decode(value["$bytes"]) if value.keys() == {"$bytes"} else value
