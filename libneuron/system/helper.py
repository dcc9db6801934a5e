"""Calls the suite's privileged helper and turns its answers back into values and errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from libneuron.errors import QT_TRANSLATE_NOOP, Cancelled, Exit, Message, NeuronError
from libneuron.progress import Progress
from libneuron.system.bus import Bus, LoopThread, Signal
from libneuron.system.errors import SystemAccessError

NAME = "org.neuronos.Helper1"
PATH = "/org/neuronos/Helper1"
INTERFACE = "org.neuronos.Helper1"
ERROR = "org.neuronos.Helper1.Error"

_TEXTS = {
    "helper.bad-argument": Message(
        QT_TRANSLATE_NOOP("helper", "“{name}” is not acceptable."),
        QT_TRANSLATE_NOOP("helper", "This is a mistake of the program that asked; please report it."),
        Exit.USAGE,
    ),
    "helper.denied": Message(
        QT_TRANSLATE_NOOP("helper", "Permission was not given."),
        QT_TRANSLATE_NOOP("helper", "Ask an administrator, or try again and enter the password."),
        Exit.CANNOT,
    ),
    "helper.no-answer": Message(
        QT_TRANSLATE_NOOP("helper", "The permission service did not answer."),
        QT_TRANSLATE_NOOP("helper", "Restart the polkit service, then try again."),
        Exit.CANNOT,
    ),
    "helper.busy": Message(
        QT_TRANSLATE_NOOP("helper", "Too many requests of yours are under way."),
        QT_TRANSLATE_NOOP("helper", "Wait until they are done, or close the programs that sent them."),
    ),
    "helper.bug": Message(
        QT_TRANSLATE_NOOP("helper", "The helper made a mistake and stopped."),
        QT_TRANSLATE_NOOP("helper", "Please report it; the system's log has the details."),
    ),
    "helper.missing": Message(
        QT_TRANSLATE_NOOP("helper", "The suite's privileged helper is not installed."),
        QT_TRANSLATE_NOOP(
            "helper", "Install the suite's package, or run “sudo ./dev install” in a checkout."
        ),
        Exit.CANNOT,
    ),
}


class HelperError(NeuronError):
    """The helper refused, or cannot be reached."""

    texts: ClassVar[Mapping[str, Message]] = _TEXTS


class HelperClient:
    """Calls verbs. ``errors`` are the error classes that the helper may raise, beside its own."""

    def __init__(
        self, loop: LoopThread, errors: Sequence[type[NeuronError]], *, address: str | None = None
    ) -> None:
        self._loop = loop
        self._errors: tuple[type[NeuronError], ...] = (*errors, HelperError, SystemAccessError)
        self._address = address

    def call(self, verb: str, signature: str = "", *arguments: Any, progress: Progress | None = None) -> Any:
        """Call ``verb`` and wait; a password dialog may be part of it. Returns JSON data.

        Raises: what the verb raises; HelperError missing, denied; SystemAccessError bus-unavailable;
        Cancelled.
        """
        return self._loop.wait(self._call(verb, signature, arguments, progress))

    async def _call(
        self, verb: str, signature: str, arguments: Sequence[Any], progress: Progress | None
    ) -> Any:
        bus = await Bus.open(system=True, address=self._address)
        try:
            if progress is not None:
                rule = f"type='signal',sender='{NAME}',member='Progress'"
                await bus.subscribe(rule, lambda signal: _relay(signal, progress))
            work = asyncio.ensure_future(
                bus.call(NAME, PATH, INTERFACE, verb, signature, arguments, timeout=3600)
            )
            asked = False
            while not work.done():
                await asyncio.wait([work], timeout=0.1)
                if progress is not None and progress.cancelled and not asked:
                    asked = True
                    await bus.call(NAME, PATH, INTERFACE, "Cancel")
            return json.loads((await work)[0])
        except SystemAccessError as error:
            raise self._translated(error) from error
        finally:
            await bus.close()

    def _translated(self, error: SystemAccessError) -> BaseException:
        if f"{ERROR}.Cancelled" in error.details:
            return Cancelled()
        if "ServiceUnknown" in error.details or "NameHasNoOwner" in error.details:
            return HelperError("helper.missing", details=error.details)
        try:
            data = json.loads(str(error.params.get("error", "")))
            code, params = str(data["code"]), dict(data["params"])
        except (ValueError, KeyError, TypeError):
            return error
        kind = next((kind for kind in self._errors if code in kind.texts), None)
        return error if kind is None else kind(code, details=error.details, **params)


def _relay(signal: Signal, progress: Progress) -> None:
    """Show the helper's progress as our own."""
    if len(signal.body) != 5 or progress.cancelled:
        return
    _verb, done, total, item, cancellable = signal.body
    view = progress.view()
    if view.total != (None if total < 0 else total) or view.cancellable != cancellable:
        progress.start(total=None if total < 0 else total, unit="steps", cancellable=cancellable)
        view = progress.view()
    if done > view.done or item != view.item:
        progress.advance(max(0, done - view.done), item=item)
