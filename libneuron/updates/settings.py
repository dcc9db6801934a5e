"""The administrator's choices, /etc/neuron/guardian.toml."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from libneuron.system import tables
from libneuron.system.files import Root, write_atomic
from libneuron.system.tables import Table

PLACE = "/etc/neuron/guardian.toml"


@dataclass(frozen=True)
class Settings:
    """``keep``: how many restore points; ``free_mib``: what must be free before a snapshot, in MiB;
    ``automatic``: roll back without asking after ``attempts`` starts that did not complete; ``skip``: ids of
    checks that are not made."""

    keep: int = 10
    free_mib: int = 512
    automatic: bool = False
    attempts: int = 3
    skip: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """For ``--json``, the helper and the window."""
        return {**asdict(self), "skip": list(self.skip)}


LIMITS = {"keep": (2, 200), "free_mib": (0, 1 << 20), "attempts": (1, 20)}
"""What each number may be: from, to."""

_CHECK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


def load_settings(root: Root) -> Settings:
    """The settings of a machine; defaults where it has none. Raises: SystemAccessError table-invalid."""
    text = root.text(PLACE)
    if text is None:
        return Settings()
    return _read(tables.parse(text, file=PLACE))


def _read(table: Table) -> Settings:
    default = Settings()
    settings = Settings(
        keep=table.get("keep", int, default.keep),
        free_mib=table.get("free_mib", int, default.free_mib),
        automatic=table.get("automatic", bool, default.automatic),
        attempts=table.get("attempts", int, default.attempts),
        skip=tuple(table.items("skip", str)),
    )
    for key, (lowest, highest) in LIMITS.items():
        if not lowest <= getattr(settings, key) <= highest:
            raise table.fail(key, f"must be between {lowest} and {highest}")
    if any(not is_check(name) for name in settings.skip):
        raise table.fail("skip", "must be ids of checks")
    table.done()
    return settings


def is_check(name: str) -> bool:
    """Whether ``name`` can be the id of a check."""
    return _CHECK.fullmatch(name) is not None


def save_settings(root: Root, settings: Settings) -> None:
    """Make ``settings`` those of the machine; the file before is kept beside it.

    Raises: SystemAccessError table-invalid (nothing is written then); OSError.
    """
    text = _written(settings)
    _read(tables.parse(text, file=PLACE))
    place = root.path(PLACE)
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        write_atomic(place.with_suffix(".toml.before"), place.read_bytes())
    write_atomic(place, text.encode())


def _written(settings: Settings) -> str:
    def line(key: str, value: object) -> str:
        return f"{key} = {json.dumps(value)}"

    lines: Iterable[str] = (line(key, value) for key, value in settings.as_json().items())
    return (
        "# Written by the Update Guardian; the file before is guardian.toml.before.\n"
        + "\n".join(lines)
        + "\n"
    )
