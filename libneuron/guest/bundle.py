"""The agent as one file: a zip that Python runs (``python3 -I -S neuron-guest.pyz serve``).

It holds ``neuron_guest`` and the wire format that both ends share, and nothing else: no library outside the
standard one. The same sources make the same bytes, so that a disc can be compared with what was shipped.
"""

from __future__ import annotations

import importlib.util
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest moment a zip can hold
_MAIN = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("NeuronGuest needs Python 3.11 or newer.")
from neuron_guest.__main__ import main

sys.exit(main())
"""


def _package(name: str) -> Path:
    """Where a package lies, without importing it."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise FileNotFoundError(f"the package {name} is not installed")
    return Path(found.origin).parent


def _sources() -> Iterator[tuple[str, bytes]]:
    library = _package("libneuron")
    for name in ("__init__.py", "guest/__init__.py"):
        yield f"libneuron/{name}", (library / name).read_bytes()
    for top, prefix in (
        (library / "guest/wire", "libneuron/guest/wire"),
        (_package("neuron_guest"), "neuron_guest"),
    ):
        for path in sorted(top.rglob("*.py")):
            yield f"{prefix}/{path.relative_to(top).as_posix()}", path.read_bytes()


def version() -> str:
    """The version of the agent that :func:`build` bundles. Raises: FileNotFoundError as there."""
    found = re.search(r'^VERSION = "([^"]+)"$', (_package("neuron_guest") / "__init__.py").read_text(), re.M)
    return found[1] if found else ""


def build() -> bytes:
    """The bundle's bytes. Raises: FileNotFoundError where the agent's package is not installed."""
    made = io.BytesIO()
    made.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (*_sources(), ("__main__.py", _MAIN.encode())):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return made.getvalue()
