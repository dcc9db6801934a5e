"""What a boot change can refuse, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from libneuron.errors import QT_TRANSLATE_NOOP, Exit, Message, NeuronError

_TEXTS = {
    "hardware.loader-unknown": Message(
        QT_TRANSLATE_NOOP("hardware", "This computer starts with a boot loader that is not known here."),
        QT_TRANSLATE_NOOP("hardware", "Add these words to the kernel's command line yourself: {words}."),
        Exit.CANNOT,
    ),
    "hardware.initramfs-unknown": Message(
        QT_TRANSLATE_NOOP(
            "hardware", "This computer builds its initramfs with a tool that is not known here."
        ),
        QT_TRANSLATE_NOOP("hardware", "Add these modules to the initramfs yourself: {words}."),
        Exit.CANNOT,
    ),
    "hardware.loader-by-hand": Message(
        QT_TRANSLATE_NOOP(
            "hardware", "The boot configuration computes the value “{value}”; it was not touched."
        ),
        QT_TRANSLATE_NOOP("hardware", "Add these words to the kernel's command line yourself: {words}."),
        Exit.CANNOT,
    ),
    "hardware.quote-open": Message(
        QT_TRANSLATE_NOOP(
            "hardware",
            "A quotation mark is never closed in the kernel's options “{value}”; nothing was touched.",
        ),
        QT_TRANSLATE_NOOP("hardware", "Close it in the boot configuration, then try again."),
        Exit.CANNOT,
    ),
    "hardware.undo-by-hand": Message(
        QT_TRANSLATE_NOOP(
            "hardware", "The file “{path}” now computes the value “{value}”; it was not touched."
        ),
        QT_TRANSLATE_NOOP("hardware", "Take these words out of it yourself: {words}."),
        Exit.CANNOT,
    ),
    "hardware.file-changed": Message(
        QT_TRANSLATE_NOOP("hardware", "The file “{path}” has changed in the meantime; nothing was touched."),
        QT_TRANSLATE_NOOP("hardware", "Look at the changes again, then decide."),
    ),
    "hardware.file-unwritable": Message(
        QT_TRANSLATE_NOOP("hardware", "The file “{path}” could not be written; everything is as it was."),
        QT_TRANSLATE_NOOP("hardware", "Look whether the disk is full or read-only, then try again."),
    ),
    "hardware.half-undone": Message(
        QT_TRANSLATE_NOOP("hardware", "Change number {number} could not be taken back whole: {left}."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "Look whether the disk is full or read-only, then undo change number {number} before a restart.",
        ),
    ),
    "hardware.out-of-reach": Message(
        QT_TRANSLATE_NOOP("hardware", "The file “{path}” cannot be reached; nothing was touched."),
        QT_TRANSLATE_NOOP("hardware", "Look whether the partition that holds it is mounted, then try again."),
    ),
    "hardware.argument-unsafe": Message(
        QT_TRANSLATE_NOOP("hardware", "“{argument}” is not a plain start option."),
        QT_TRANSLATE_NOOP("hardware", "A start option has no spaces, quotes or signs of a shell."),
        Exit.USAGE,
    ),
    "hardware.argument-refused": Message(
        QT_TRANSLATE_NOOP("hardware", "“{argument}” is not among the start options that are changed here."),
        QT_TRANSLATE_NOOP("hardware", "Change it by hand in your boot loader, if you are sure."),
        Exit.USAGE,
    ),
    "hardware.boot-file-foreign": Message(
        QT_TRANSLATE_NOOP("hardware", "The file “{path}” is not a boot file and is not changed."),
        QT_TRANSLATE_NOOP("hardware", "Only the known files of the boot loaders are changed."),
        Exit.CANNOT,
    ),
    "hardware.not-a-card": Message(
        QT_TRANSLATE_NOOP("hardware", "“{address}” is no part of a graphics card in this computer."),
        QT_TRANSLATE_NOOP("hardware", "Only graphics cards with their sound and USB are reserved here."),
        Exit.USAGE,
    ),
    "hardware.last-card": Message(
        QT_TRANSLATE_NOOP("hardware", "No graphics card would be left for this computer's own screen."),
        QT_TRANSLATE_NOOP("hardware", "Reserve one card, and connect your screen to the other."),
        Exit.CANNOT,
    ),
    "hardware.share-refused": Message(
        QT_TRANSLATE_NOOP("hardware", "“{text}” is no way to make memory for Looking Glass."),
        QT_TRANSLATE_NOOP("hardware", "It is “shm” with a user's name, or “kvmfr” with a size in MiB."),
        Exit.USAGE,
    ),
    "hardware.no-such-person": Message(
        QT_TRANSLATE_NOOP("hardware", "“{user}” is no person's account on this computer."),
        QT_TRANSLATE_NOOP("hardware", "Name the account that will use Looking Glass."),
        Exit.USAGE,
    ),
    "hardware.kvmfr-missing": Message(
        QT_TRANSLATE_NOOP("hardware", "The kernel module kvmfr is not installed for the running kernel."),
        QT_TRANSLATE_NOOP("hardware", "Install it with Looking Glass, or use “shm” instead."),
        Exit.CANNOT,
    ),
    "hardware.no-wish": Message(
        QT_TRANSLATE_NOOP("hardware", "No start option was named."),
        QT_TRANSLATE_NOOP("hardware", "Name what is to be added or removed."),
        Exit.USAGE,
    ),
    "hardware.nothing-to-do": Message(
        QT_TRANSLATE_NOOP(
            "hardware", "The start options are already as they should be; nothing was touched."
        ),
        QT_TRANSLATE_NOOP("hardware", "If the running system does not show it yet, restart the PC."),
    ),
    "hardware.plan-changed": Message(
        QT_TRANSLATE_NOOP("hardware", "The boot files are not as they were shown; nothing was touched."),
        QT_TRANSLATE_NOOP("hardware", "Look at the changes again, then decide."),
    ),
    "hardware.not-confirmed": Message(
        QT_TRANSLATE_NOOP("hardware", "The change was not confirmed; nothing was touched."),
        QT_TRANSLATE_NOOP("hardware", "To confirm it, type exactly “{words}”, without the marks."),
        Exit.USAGE,
    ),
    "hardware.not-agreed": Message(
        QT_TRANSLATE_NOOP("hardware", "Nobody agreed to the change; nothing was touched."),
        QT_TRANSLATE_NOOP("hardware", "Look at what “plan” shows, then add “--yes”."),
        Exit.USAGE,
    ),
    "hardware.change-cut": Message(
        QT_TRANSLATE_NOOP("hardware", "Change number {number} was cut off and must be taken back first."),
        QT_TRANSLATE_NOOP("hardware", "Undo change number {number}, then try again."),
    ),
    "hardware.no-change": Message(
        QT_TRANSLATE_NOOP("hardware", "There is no change number {number} that could be taken back."),
        QT_TRANSLATE_NOOP("hardware", "The command “verify” lists the changes."),
        Exit.USAGE,
    ),
    "hardware.nothing-to-undo": Message(
        QT_TRANSLATE_NOOP("hardware", "There is no change that could be taken back."),
        QT_TRANSLATE_NOOP("hardware", "The command “verify” lists the changes."),
        Exit.USAGE,
    ),
    "hardware.record-broken": Message(
        QT_TRANSLATE_NOOP("hardware", "The record of a boot change, “{path}”, cannot be read."),
        QT_TRANSLATE_NOOP("hardware", "Move the file away; the changes in it can only be undone by hand."),
    ),
}


class BootError(NeuronError):
    """The boot configuration of this machine cannot be changed safely."""

    texts: ClassVar[Mapping[str, Message]] = _TEXTS
