"""What can go wrong at the doors to the outside, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from libneuron.errors import QT_TRANSLATE_NOOP, Exit, Message, NeuronError

_TEXTS = {
    "system.program-missing": Message(
        QT_TRANSLATE_NOOP("system", "The program “{program}” is not installed."),
        QT_TRANSLATE_NOOP("system", "Install it with your package manager and try again."),
        Exit.CANNOT,
    ),
    "system.program-forbidden": Message(
        QT_TRANSLATE_NOOP("system", "You are not allowed to run the program “{program}”."),
        QT_TRANSLATE_NOOP("system", "Ask who administers this computer, or install the program again."),
        Exit.CANNOT,
    ),
    "system.program-failed": Message(
        QT_TRANSLATE_NOOP("system", "The program “{program}” failed (status {status})."),
        QT_TRANSLATE_NOOP("system", "Put right what it says in the details, then try again."),
    ),
    "system.process-ended": Message(
        QT_TRANSLATE_NOOP("system", "The part of the program that does the work ended unexpectedly."),
        QT_TRANSLATE_NOOP("system", "Try again: what was already done is safe."),
    ),
    "system.program-timeout": Message(
        QT_TRANSLATE_NOOP(
            "system", "The program “{program}” did not finish within {seconds} s and was stopped."
        ),
        QT_TRANSLATE_NOOP(
            "system", "Try again; if it happens again, the details show how to run it by hand."
        ),
    ),
    "system.display-unavailable": Message(
        QT_TRANSLATE_NOOP("system", "The screen cannot be reached."),
        QT_TRANSLATE_NOOP("system", "Start this from a desktop session."),
        Exit.CANNOT,
    ),
    "system.bus-unavailable": Message(
        QT_TRANSLATE_NOOP("system", "The {bus} message bus cannot be reached."),
        QT_TRANSLATE_NOOP("system", "Log in to a desktop session, or start the dbus service."),
        Exit.CANNOT,
    ),
    "system.bus-error": Message(
        QT_TRANSLATE_NOOP("system", "The service “{service}” refused: {error}."),
        QT_TRANSLATE_NOOP("system", "Try again; if it refuses again, restart this computer."),
    ),
    "system.bus-timeout": Message(
        QT_TRANSLATE_NOOP("system", "The service “{service}” did not answer within {seconds} s."),
        QT_TRANSLATE_NOOP("system", "Restart the service, then try again."),
    ),
    "system.table-invalid": Message(
        QT_TRANSLATE_NOOP("system", "The file “{file}” is not valid: {problem}."),
        QT_TRANSLATE_NOOP("system", "Correct the named key, or remove the file to use the default."),
    ),
    "system.file-refused": Message(
        QT_TRANSLATE_NOOP("system", "“{path}” could not be read or written: {problem}."),
        QT_TRANSLATE_NOOP(
            "system", "Check that its folder exists, that you may use it and that there is room."
        ),
    ),
    "system.refused": Message(
        QT_TRANSLATE_NOOP("system", "This computer refused: {problem}."),
        QT_TRANSLATE_NOOP("system", "Put that right, then try again; “--debug” before the verb shows more."),
    ),
    "system.unsafe-path": Message(
        QT_TRANSLATE_NOOP("system", "The path “{path}” leads through a link and was not touched."),
        QT_TRANSLATE_NOOP("system", "Replace the link by a real folder, or choose another folder."),
    ),
}


class SystemAccessError(NeuronError):
    """A program, a bus or a file did not do what was asked."""

    texts: ClassVar[Mapping[str, Message]] = _TEXTS
