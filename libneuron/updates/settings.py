"""The administrator's choices, /etc/neuron/guardian.toml."""

from __future__ import annotations

from dataclasses import dataclass

from libneuron.system import tables
from libneuron.system.files import Root

PLACE = "/etc/neuron/guardian.toml"


@dataclass(frozen=True)
class Settings:
    """``keep``: how many restore points; ``free_mib``: what must be free before a snapshot, in MiB;
    ``automatic``: roll back without asking after ``attempts`` starts that did not complete."""

    keep: int = 10
    free_mib: int = 512
    automatic: bool = False
    attempts: int = 3


def load_settings(root: Root) -> Settings:
    """The settings of a machine; defaults where it has none. Raises: SystemAccessError table-invalid."""
    text = root.text(PLACE)
    if text is None:
        return Settings()
    table = tables.parse(text, file=PLACE)
    default = Settings()
    settings = Settings(
        keep=table.get("keep", int, default.keep),
        free_mib=table.get("free_mib", int, default.free_mib),
        automatic=table.get("automatic", bool, default.automatic),
        attempts=table.get("attempts", int, default.attempts),
    )
    for key, value, lowest in (("keep", settings.keep, 2), ("attempts", settings.attempts, 1)):
        if value < lowest:
            raise table.fail(key, f"must be at least {lowest}")
    table.done()
    return settings
