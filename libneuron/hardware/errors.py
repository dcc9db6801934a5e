"""What the hardware domain can refuse, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from libneuron.errors import QT_TRANSLATE_NOOP, Exit, Message, NeuronError

_TEXTS = {
    "hardware.bundle-unreadable": Message(
        QT_TRANSLATE_NOOP("hardware", "The file “{path}” is not a hardware bundle: {problem}."),
        QT_TRANSLATE_NOOP("hardware", "Choose a file that “bundle save” has written."),
        Exit.USAGE,
    ),
    "hardware.bundle-unwritable": Message(
        QT_TRANSLATE_NOOP("hardware", "The bundle could not be written to “{path}”."),
        QT_TRANSLATE_NOOP("hardware", "Choose a folder that you may write to and that has free space."),
    ),
    "hardware.choice-unwritable": Message(
        QT_TRANSLATE_NOOP("hardware", "Your choice could not be saved to “{path}”."),
        QT_TRANSLATE_NOOP("hardware", "Choose a folder that you may write to."),
    ),
    "hardware.choice-unreadable": Message(
        QT_TRANSLATE_NOOP("hardware", "The saved choice “{path}” is damaged and was not followed."),
        QT_TRANSLATE_NOOP("hardware", "Save it again, or change the start options after the installation."),
    ),
    "hardware.no-machine": Message(
        QT_TRANSLATE_NOOP("hardware", "There is no recorded machine in “{path}”."),
        QT_TRANSLATE_NOOP("hardware", "Give the folder that holds “sys” and “proc” of the machine."),
        Exit.USAGE,
    ),
    "hardware.no-device": Message(
        QT_TRANSLATE_NOOP("hardware", "There is no PCI device “{address}” in this machine."),
        QT_TRANSLATE_NOOP("hardware", "The command “scan” lists the addresses, such as 0000:01:00.0."),
        Exit.USAGE,
    ),
}


class HardwareError(NeuronError):
    """The hardware domain could not do what was asked."""

    texts: ClassVar[Mapping[str, Message]] = _TEXTS
