"""What can go wrong around updates, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from libneuron.errors import QT_TRANSLATE_NOOP, Exit, Message, NeuronError

_TEXTS = {
    "updates.not-btrfs": Message(
        QT_TRANSLATE_NOOP("updates", "This system lies on {kind}, which cannot take snapshots."),
        QT_TRANSLATE_NOOP(
            "updates", "Checks and notifications still work. For roll back, the system must lie on btrfs."
        ),
        Exit.CANNOT,
    ),
    "updates.top-level-root": Message(
        QT_TRANSLATE_NOOP("updates", "This system lies in the top level of its btrfs, not in a subvolume."),
        QT_TRANSLATE_NOOP(
            "updates",
            "Move it into a subvolume named @ and name it with rootflags=subvol=@ to get roll back.",
        ),
        Exit.CANNOT,
    ),
    "updates.foreign-root": Message(
        QT_TRANSLATE_NOOP("updates", "This session runs from “{running}”, not from “{expected}”."),
        QT_TRANSLATE_NOOP(
            "updates",
            "You probably started a snapshot from the boot menu. Start the system's own entry first.",
        ),
        Exit.CANNOT,
    ),
    "updates.subvolid": Message(
        QT_TRANSLATE_NOOP(
            "updates", "The boot configuration names the system by number (subvolid={number})."
        ),
        QT_TRANSLATE_NOOP(
            "updates", "Replace it by rootflags=subvol={name}; numbers change with every roll back."
        ),
        Exit.CANNOT,
    ),
    "updates.separate-boot": Message(
        QT_TRANSLATE_NOOP(
            "updates", "The kernel lies outside the system's own subvolume ({point}), with {loader}."
        ),
        QT_TRANSLATE_NOOP(
            "updates", "Roll back of such a machine is not available; checks and snapshots are."
        ),
        Exit.CANNOT,
    ),
    "updates.firmware-default": Message(
        QT_TRANSLATE_NOOP("updates", "The firmware itself names the entry to start, which overrules files."),
        QT_TRANSLATE_NOOP(
            "updates", "Run “bootctl set-default ''” once; the choice in loader.conf counts again then."
        ),
        Exit.CANNOT,
    ),
    "updates.kernel-unknown": Message(
        QT_TRANSLATE_NOOP("updates", "Where this system's kernel lies could not be found."),
        QT_TRANSLATE_NOOP(
            "updates", "Mount the boot partition, and let fstab mount it at each start; roll back works then."
        ),
        Exit.CANNOT,
    ),
    "updates.boot-elsewhere": Message(
        QT_TRANSLATE_NOOP(
            "updates", "When the restore point was made, the boot files lay on {place}; now they do not."
        ),
        QT_TRANSLATE_NOOP(
            "updates",
            "Mount what belongs there and try again. If the boot files were moved on purpose, choose a "
            "newer restore point.",
        ),
        Exit.CANNOT,
    ),
    "updates.snapshot-failed": Message(
        QT_TRANSLATE_NOOP("updates", "No snapshot could be taken: {reason}."),
        QT_TRANSLATE_NOOP(
            "updates",
            "The update was not started. Correct the cause, or start it with "
            "NEURON_UPDATE_WITHOUT_SNAPSHOT=1 to go without a way back.",
        ),
    ),
    "updates.snapper-failed": Message(
        QT_TRANSLATE_NOOP("updates", "snapper could not take its snapshot (configuration “{config}”)."),
        QT_TRANSLATE_NOOP(
            "updates",
            "The update was not started. “systemctl status snapperd” says more.",
        ),
    ),
    "updates.swapfile": Message(
        QT_TRANSLATE_NOOP("updates", "An active swap file inside the system prevents snapshots."),
        QT_TRANSLATE_NOOP(
            "updates", "Move the swap file into a subvolume of its own, for example @swap, and update again."
        ),
    ),
    "updates.no-space": Message(
        QT_TRANSLATE_NOOP("updates", "Too little space: {needed} needed on {place}, {free} free."),
        QT_TRANSLATE_NOOP("updates", "Free some space, or remove old snapshots, and try again."),
    ),
    "updates.not-root": Message(
        QT_TRANSLATE_NOOP("updates", "Only the administrator can do this."),
        QT_TRANSLATE_NOOP("updates", "Use the window, which asks for permission, or start it with sudo."),
        Exit.CANNOT,
    ),
    "updates.no-such-point": Message(
        QT_TRANSLATE_NOOP("updates", "There is no restore point “{name}”."),
        QT_TRANSLATE_NOOP("updates", "“history” lists those that exist."),
        Exit.USAGE,
    ),
    "updates.not-in-point": Message(
        QT_TRANSLATE_NOOP("updates", "The restore point holds no other version of “{path}”."),
        QT_TRANSLATE_NOOP("updates", "Only what was changed or removed since then can be had back."),
        Exit.USAGE,
    ),
    "updates.restore-failed": Message(
        QT_TRANSLATE_NOOP("updates", "“{path}” could not be put back: {reason}."),
        QT_TRANSLATE_NOOP("updates", "The present file was not changed."),
    ),
    "updates.report-failed": Message(
        QT_TRANSLATE_NOOP("updates", "The report could not be saved as {path}: {reason}."),
        QT_TRANSLATE_NOOP("updates", "Choose another folder."),
    ),
    "updates.none-open": Message(
        QT_TRANSLATE_NOOP("updates", "No update is in progress."),
        QT_TRANSLATE_NOOP("updates", "Start one with “begin”, or let the package manager's hook do it."),
        Exit.USAGE,
    ),
    "updates.rollback-pending": Message(
        QT_TRANSLATE_NOOP("updates", "A roll back waits for a restart."),
        QT_TRANSLATE_NOOP("updates", "Restart the computer first, then try again."),
        Exit.CANNOT,
    ),
    "updates.changed-meanwhile": Message(
        QT_TRANSLATE_NOOP("updates", "Another program changed “{name}” during the roll back."),
        QT_TRANSLATE_NOOP(
            "updates", "Nothing more was changed. Look at “history” and start a new roll back."
        ),
    ),
    "updates.target-unsound": Message(
        QT_TRANSLATE_NOOP("updates", "The restore point would not start: {problems}."),
        QT_TRANSLATE_NOOP("updates", "Choose another restore point. Nothing was changed."),
    ),
    "updates.rollback-failed": Message(
        QT_TRANSLATE_NOOP("updates", "The roll back could not be prepared: {reason}."),
        QT_TRANSLATE_NOOP("updates", "Correct the cause, then try again."),
    ),
    "updates.held": Message(
        QT_TRANSLATE_NOOP("updates", "This update was rolled back before: {packages}."),
        QT_TRANSLATE_NOOP(
            "updates", "Wait for newer versions, or release them with “confirm --release-held”."
        ),
    ),
    "updates.baseline-invalid": Message(
        QT_TRANSLATE_NOOP("updates", "“{name}” is no saved check result."),
        QT_TRANSLATE_NOOP("updates", "Make one with “check --json > file” or name an update from “history”."),
        Exit.CANNOT,
    ),
    "updates.busy": Message(
        QT_TRANSLATE_NOOP("updates", "Another Update Guardian is at work."),
        QT_TRANSLATE_NOOP("updates", "Wait until it has finished."),
        Exit.CANNOT,
    ),
    "updates.hook-foreign": Message(
        QT_TRANSLATE_NOOP("updates", "The file {path} exists and is not ours."),
        QT_TRANSLATE_NOOP("updates", "Move it away, then install the hook again."),
    ),
    "updates.no-manager": Message(
        QT_TRANSLATE_NOOP("updates", "No supported package manager was found (pacman, apt, dnf5, zypper)."),
        QT_TRANSLATE_NOOP("updates", "Name one, or run “begin” and “end” around your updates."),
        Exit.CANNOT,
    ),
}


class UpdateError(NeuronError):
    """An update, a snapshot or a roll back could not be done."""

    texts: ClassVar[Mapping[str, Message]] = _TEXTS
