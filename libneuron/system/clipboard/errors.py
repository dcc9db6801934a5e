"""What can go wrong with the host's clipboard, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from libneuron.errors import QT_TRANSLATE_NOOP, Exit, Message, NeuronError

_TEXTS = {
    "clipboard.unavailable": Message(
        QT_TRANSLATE_NOOP("clipboard", "The clipboard of this desktop cannot be reached."),
        QT_TRANSLATE_NOOP("clipboard", "Log in to a graphical session; the details show what was tried."),
        Exit.CANNOT,
    ),
    "clipboard.owner-silent": Message(
        QT_TRANSLATE_NOOP("clipboard", "The application you copied from does not answer."),
        QT_TRANSLATE_NOOP("clipboard", "Wait until it works again, or copy from another application."),
    ),
    "clipboard.refused": Message(
        QT_TRANSLATE_NOOP("clipboard", "The application you copied from did not hand over the content."),
        QT_TRANSLATE_NOOP("clipboard", "Copy again, then paste again."),
    ),
    "clipboard.stale": Message(
        QT_TRANSLATE_NOOP("clipboard", "Something else has been copied since."),
        QT_TRANSLATE_NOOP("clipboard", "Paste again to get the newest copy."),
    ),
    "clipboard.too-large": Message(
        QT_TRANSLATE_NOOP("clipboard", "The copy is larger than the limit of {limit} MiB."),
        QT_TRANSLATE_NOOP("clipboard", "Send a file instead, or raise the limit in this VM's settings."),
    ),
    "clipboard.disk-full": Message(
        QT_TRANSLATE_NOOP("clipboard", "There is not enough free space to hold the copy ({free} MiB left)."),
        QT_TRANSLATE_NOOP("clipboard", "Free some space in {folder}, then copy again."),
    ),
}


class ClipboardError(NeuronError):
    """The host's clipboard did not do what was asked."""

    texts: ClassVar[Mapping[str, Message]] = _TEXTS
