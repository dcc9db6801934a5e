"""What can go wrong in a migration, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from libneuron.errors import QT_TRANSLATE_NOOP, Exit, Message, NeuronError

_TEXTS = {
    "migration.source-missing": Message(
        QT_TRANSLATE_NOOP("migration", "“{path}” is not a folder that can be read."),
        QT_TRANSLATE_NOOP(
            "migration", "Connect the drive, or choose the folder that the Windows drive is mounted on."
        ),
        Exit.CANNOT,
    ),
    "migration.image-tools": Message(
        QT_TRANSLATE_NOOP(
            "migration", "The disk image “{path}” cannot be opened, because “{program}” is not installed."
        ),
        QT_TRANSLATE_NOOP(
            "migration",
            "Install it (qemu-storage-daemon comes with QEMU, ntfs-3g and dislocker have packages), or "
            "attach the image yourself and choose its folder.",
        ),
        Exit.CANNOT,
    ),
    "migration.image-unreadable": Message(
        QT_TRANSLATE_NOOP("migration", "“{path}” could not be opened as a disk image."),
        QT_TRANSLATE_NOOP(
            "migration", "Choose a raw, VHDX, VHD, qcow2, VMDK or VDI image that no other program has open."
        ),
        Exit.CANNOT,
    ),
    "migration.image-without-windows": Message(
        QT_TRANSLATE_NOOP("migration", "No Windows partition was found in “{path}”."),
        QT_TRANSLATE_NOOP("migration", "Choose an image of the whole Windows disk or of its partition C:."),
        Exit.CANNOT,
    ),
    "migration.bitlocker": Message(
        QT_TRANSLATE_NOOP("migration", "The Windows partition in “{path}” is locked by BitLocker."),
        QT_TRANSLATE_NOOP(
            "migration",
            "Give your recovery key: 48 digits, which you find at "
            "account.microsoft.com/devices/recoverykey or on the sheet that Windows had you print.",
        ),
        Exit.CANNOT,
    ),
    "migration.mount-denied": Message(
        QT_TRANSLATE_NOOP("migration", "You are not allowed to open the drive “{path}”."),
        QT_TRANSLATE_NOOP("migration", "Try again and give an administrator's password when you are asked."),
        Exit.CANNOT,
    ),
    "migration.mount-failed": Message(
        QT_TRANSLATE_NOOP("migration", "The drive “{path}” could not be opened."),
        QT_TRANSLATE_NOOP(
            "migration",
            "If Windows was not shut down fully, start it, choose “Restart”, and come back; the details tell "
            "more.",
        ),
        Exit.CANNOT,
    ),
    "migration.mount-silent": Message(
        QT_TRANSLATE_NOOP("migration", "The drive “{path}” does not answer."),
        QT_TRANSLATE_NOOP("migration", "Unplug it, plug it in again, and try once more."),
        Exit.CANNOT,
    ),
    "migration.mount-service": Message(
        QT_TRANSLATE_NOOP("migration", "The drive “{path}” cannot be opened: udisks2 is not running."),
        QT_TRANSLATE_NOOP("migration", "Install udisks2, or open the drive yourself and choose its folder."),
        Exit.CANNOT,
    ),
    "migration.bitlocker-mistyped": Message(
        QT_TRANSLATE_NOOP("migration", "This is no BitLocker recovery key: group {group} is mistyped."),
        QT_TRANSLATE_NOOP("migration", "A recovery key has eight groups of six digits; check that group."),
        Exit.CANNOT,
    ),
    "migration.bitlocker-wrong-key": Message(
        QT_TRANSLATE_NOOP("migration", "The recovery key does not open this drive."),
        QT_TRANSLATE_NOOP(
            "migration", "Every drive has a key of its own: compare the key ID, then try the right one."
        ),
        Exit.CANNOT,
    ),
    "migration.bitlocker-other": Message(
        QT_TRANSLATE_NOOP("migration", "BitLocker's record of this drive holds no recovery key."),
        QT_TRANSLATE_NOOP(
            "migration", "Start Windows, save a recovery key in BitLocker's settings, and come back."
        ),
        Exit.CANNOT,
    ),
    "migration.bitlocker-unfinished": Message(
        QT_TRANSLATE_NOOP("migration", "Windows has encrypted only a part of this drive so far."),
        QT_TRANSLATE_NOOP(
            "migration", "Start Windows, let BitLocker finish or turn it off, shut down, and come back."
        ),
        Exit.CANNOT,
    ),
    "migration.bitlocker-reader": Message(
        QT_TRANSLATE_NOOP("migration", "The part that checks recovery keys is not installed."),
        QT_TRANSLATE_NOOP("migration", "Install the Python package “cryptography”, then try again."),
        Exit.CANNOT,
    ),
    "migration.not-windows": Message(
        QT_TRANSLATE_NOOP("migration", "No Windows person was found in “{path}”."),
        QT_TRANSLATE_NOOP(
            "migration",
            "Choose the Windows drive, its “Users” folder, one person's folder, or a backup of one of these.",
        ),
        Exit.CANNOT,
    ),
    "migration.user-not-found": Message(
        QT_TRANSLATE_NOOP("migration", "There is no person “{user}” here."),
        QT_TRANSLATE_NOOP("migration", "Choose one of: {found}."),
        Exit.CANNOT,
    ),
    "migration.user-needed": Message(
        QT_TRANSLATE_NOOP("migration", "More than one person was found here."),
        QT_TRANSLATE_NOOP("migration", "Choose one of: {found}."),
        Exit.USAGE,
    ),
    "migration.item-not-found": Message(
        QT_TRANSLATE_NOOP("migration", "There is nothing called “{item}” to bring over."),
        QT_TRANSLATE_NOOP("migration", "Choose from: {found}."),
        Exit.USAGE,
    ),
    "migration.not-agreed": Message(
        QT_TRANSLATE_NOOP("migration", "Nothing was copied, because nobody agreed to the plan."),
        QT_TRANSLATE_NOOP("migration", "Look at the plan with “plan”, then run again with --yes."),
        Exit.USAGE,
    ),
    "migration.undo-not-agreed": Message(
        QT_TRANSLATE_NOOP("migration", "Nothing was taken back, because nobody agreed to it."),
        QT_TRANSLATE_NOOP("migration", "Look at what came over with “report”, then undo again with --yes."),
        Exit.USAGE,
    ),
    "migration.home-missing": Message(
        QT_TRANSLATE_NOOP("migration", "The home folder “{path}” does not exist."),
        QT_TRANSLATE_NOOP("migration", "Create it first, or name another folder with --home."),
        Exit.CANNOT,
    ),
    "migration.home-read-only": Message(
        QT_TRANSLATE_NOOP("migration", "Nothing can be written in “{path}”."),
        QT_TRANSLATE_NOOP(
            "migration", "Choose a home folder that is yours, on a drive that is not read-only."
        ),
        Exit.CANNOT,
    ),
    "migration.home-failing": Message(
        QT_TRANSLATE_NOOP("migration", "The drive that holds “{path}” does not take or give back its data."),
        QT_TRANSLATE_NOOP(
            "migration", "Check the drive and its cable, then go on: what is done stays done, and is checked."
        ),
        Exit.CANNOT,
    ),
    "migration.home-inside-source": Message(
        QT_TRANSLATE_NOOP("migration", "The home folder “{path}” lies inside the Windows files."),
        QT_TRANSLATE_NOOP("migration", "Choose a home folder elsewhere: the source is never written to."),
        Exit.CANNOT,
    ),
    "migration.no-space": Message(
        QT_TRANSLATE_NOOP("migration", "There is not enough room in “{path}”: {missing} more is needed."),
        QT_TRANSLATE_NOOP(
            "migration", "Free some space or bring over less, then go on: what is done stays done."
        ),
        Exit.CANNOT,
    ),
    "migration.source-gone": Message(
        QT_TRANSLATE_NOOP("migration", "The source “{path}” went away or can no longer be read."),
        QT_TRANSLATE_NOOP("migration", "Connect the drive again, then resume: what is done stays done."),
        Exit.CANNOT,
    ),
    "migration.app-running": Message(
        QT_TRANSLATE_NOOP("migration", "{app} is running and uses the settings that would be changed."),
        QT_TRANSLATE_NOOP("migration", "Close {app} and try again, or leave it out."),
        Exit.CANNOT,
    ),
    "migration.busy": Message(
        QT_TRANSLATE_NOOP("migration", "Another migration into “{path}” is running."),
        QT_TRANSLATE_NOOP("migration", "Wait until it has finished, or stop it first."),
        Exit.CANNOT,
    ),
    "migration.unfinished": Message(
        QT_TRANSLATE_NOOP("migration", "An earlier migration into “{path}” was not finished."),
        QT_TRANSLATE_NOOP("migration", "Go on with it (--resume), or take it back with “undo”."),
        Exit.CANNOT,
    ),
    "migration.undo-unfinished": Message(
        QT_TRANSLATE_NOOP("migration", "The migration into “{path}” is being taken back."),
        QT_TRANSLATE_NOOP("migration", "Finish that first with “undo”."),
        Exit.CANNOT,
    ),
    "migration.nothing-to-resume": Message(
        QT_TRANSLATE_NOOP("migration", "No migration into “{path}” was found."),
        QT_TRANSLATE_NOOP("migration", "Start one with “run”."),
        Exit.CANNOT,
    ),
    "migration.other-source": Message(
        QT_TRANSLATE_NOOP("migration", "The unfinished migration came from “{source}”, person “{user}”."),
        QT_TRANSLATE_NOOP(
            "migration", "Resume with the same source and person, or take it back with “undo”."
        ),
        Exit.CANNOT,
    ),
    "migration.journal-damaged": Message(
        QT_TRANSLATE_NOOP("migration", "The record of the migration in “{path}” cannot be read."),
        QT_TRANSLATE_NOOP(
            "migration", "Keep that folder: your files are all in place. The details show the reason."
        ),
    ),
    "migration.reader-missing": Message(
        QT_TRANSLATE_NOOP("migration", "The part that reads the Windows registry is not installed."),
        QT_TRANSLATE_NOOP("migration", "Install the Python package “regipy”, then try again."),
        Exit.CANNOT,
    ),
    "migration.hive-broken": Message(
        QT_TRANSLATE_NOOP("migration", "The Windows registry file “{path}” is damaged."),
        QT_TRANSLATE_NOOP(
            "migration", "The usual folders are used instead; check that all of yours are listed."
        ),
    ),
}


class MigrationError(NeuronError):
    """A migration cannot begin, go on or be taken back."""

    texts: ClassVar[Mapping[str, Message]] = _TEXTS
