"""The Hardware Advisor's verbs. Kernel words, addresses and an account come in; files follow from them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from libneuron.hardware import bundle, names
from libneuron.hardware.boot import requests
from libneuron.hardware.boot.change import Machine
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.plan import plan
from libneuron.progress import Progress
from neuron_helper.verbs import Verb, matching

_HISTORY = "org.neuronos.hardware.history"
_READ = "org.neuronos.hardware.read"
_CHANGE = "org.neuronos.hardware.change"

_WORDS = r"[a-z0-9_.,:=@/+ -]{0,512}"
_DIGEST = r"[0-9a-f]{64}"
_NUMBER = r"[0-9]{1,6}"


def hardware_verbs(machine: Callable[[], Machine]) -> tuple[Verb, ...]:
    """The verbs; ``machine`` is asked anew for each call."""

    def wish_of(given: Mapping[str, Any]) -> Wish:
        return requests.wish_of(given["add"], given["remove"], given["bind"], given["share"])

    def capture(_given: Mapping[str, Any], _progress: Progress) -> Any:
        recording = bundle.record(machine().root, names.Numbers())
        return {"bundle": base64.b64encode(bundle.dump(recording)).decode()}

    def show(given: Mapping[str, Any], _progress: Progress) -> Any:
        wish = wish_of(given)
        return requests.plan_json(plan(machine().root, wish), wish)

    def apply(given: Mapping[str, Any], _progress: Progress) -> Any:
        wish = wish_of(given)
        done = requests.apply(machine(), wish, shown=given["digest"], typed=given["typed"])
        return requests.change_json(done)

    def undo(given: Mapping[str, Any], _progress: Progress) -> Any:
        return requests.change_json(requests.undo(machine(), int(given["number"])))

    def changes(_given: Mapping[str, Any], _progress: Progress) -> Any:
        return {"changes": [requests.change_json(one) for one in requests.changes(machine())]}

    wish = tuple(matching(name, _WORDS) for name in ("add", "remove", "bind", "share"))
    return (
        Verb("CapturePrivileged", _READ, (), capture),
        Verb("PlanBootChange", _READ, wish, show),
        Verb(
            "ApplyBootChange", _CHANGE, (*wish, matching("digest", _DIGEST), matching("typed", _WORDS)), apply
        ),
        Verb("UndoBootChange", _CHANGE, (matching("number", _NUMBER),), undo),
        Verb("BootChanges", _HISTORY, (), changes),
    )
