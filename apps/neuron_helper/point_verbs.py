"""The Update Guardian's verbs for restore points, settings and the report.

One of them is told a path: it must be among those that the library itself found to differ from a point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from libneuron.progress import Progress
from libneuron.updates import guardian
from libneuron.updates.machine import Machine
from libneuron.updates.report import report
from libneuron.updates.settings import LIMITS, Settings, is_check, save_settings
from neuron_helper.verbs import Argument, Verb, matching, switch

_READ = "org.neuronos.updates.read"
_MANAGE = "org.neuronos.updates.manage"
_ROLLBACK = "org.neuronos.updates.rollback"

_UPDATE = matching("update", r"[0-9]{1,9}")
_FILE = matching("file", r"/[^\0]{1,4095}")


def _number(name: str) -> Argument:
    lowest, highest = LIMITS[name]

    def fits(value: Any) -> bool:
        return value.isascii() and value.isdigit() and len(value) < 10 and lowest <= int(value) <= highest

    return Argument(name, "s", fits)


def _checks(value: Any) -> bool:
    return len(value) <= 4000 and all(is_check(name) for name in value.split(",") if name)


_SETTINGS = (
    _number("keep"),
    _number("free_mib"),
    switch("automatic"),
    _number("attempts"),
    Argument("skip", "s", _checks),
)


def point_verbs(machine: Callable[[], Machine]) -> tuple[Verb, ...]:
    """The verbs; ``machine`` is asked anew for each call, so that changed settings count."""

    def holdings(_given: Mapping[str, Any], _progress: Progress) -> Any:
        return guardian.holdings(machine()).as_json()

    def files(given: Mapping[str, Any], _progress: Progress) -> Any:
        return {"files": list(guardian.changed_files(machine(), given["update"]))}

    def restore(given: Mapping[str, Any], _progress: Progress) -> Any:
        return guardian.restore_file(machine(), given["update"], given["file"]).as_json()

    def configure(given: Mapping[str, Any], _progress: Progress) -> Any:
        wished = Settings(
            keep=int(given["keep"]),
            free_mib=int(given["free_mib"]),
            automatic=given["automatic"],
            attempts=int(given["attempts"]),
            skip=tuple(name for name in given["skip"].split(",") if name),
        )
        save_settings(machine().root, wished)
        return wished.as_json()

    def tell_all(_given: Mapping[str, Any], _progress: Progress) -> Any:
        return report(machine())

    return (
        Verb("UpdatesHoldings", _READ, (), holdings),
        Verb("UpdatesFiles", _MANAGE, (_UPDATE,), files),
        Verb("UpdatesRestoreFile", _ROLLBACK, (_UPDATE, _FILE), restore),
        Verb("UpdatesConfigure", _MANAGE, _SETTINGS, configure),
        Verb("UpdatesReport", _MANAGE, (), tell_all),
    )
