"""Why an entry did not come over, in words. The keys stand in rules, journals and reports."""

from __future__ import annotations

from libneuron.errors import QT_TRANSLATE_NOOP

REASONS: dict[str, tuple[str, str]] = {
    # excluded: a rule says that it has no use on Linux
    "by-person": QT_TRANSLATE_NOOP("migration", "You chose to leave it out."),
    "app-data": QT_TRANSLATE_NOOP(
        "migration", "Settings of a Windows program that Linux programs cannot read."
    ),
    "windows-only": QT_TRANSLATE_NOOP("migration", "A file that only Windows uses."),
    "cache": QT_TRANSLATE_NOOP("migration", "A cache: the program makes it again by itself."),
    "component": QT_TRANSLATE_NOOP(
        "migration", "A part of the program, which the Linux version brings along."
    ),
    "lock": QT_TRANSLATE_NOOP("migration", "A lock of the running program."),
    "session-secrets": QT_TRANSLATE_NOOP("migration", "Sign-ins locked to Windows: sign in again."),
    "crash-report": QT_TRANSLATE_NOOP("migration", "A report of a crash."),
    "wsl-disk": QT_TRANSLATE_NOOP(
        "migration", "The disk of a Linux system of WSL: the report says how to open it."
    ),
    "read-already": QT_TRANSLATE_NOOP("migration", "What is of use in it comes with other settings."),
    "reinstall": QT_TRANSLATE_NOOP("migration", "An extension made for Windows: install it again."),
    "machine-bound": QT_TRANSLATE_NOOP("migration", "State that belongs to the Windows installation."),
    "shared-memory": QT_TRANSLATE_NOOP(
        "migration", "Working memory of a database, made again when it is opened."
    ),
    "download-origin": QT_TRANSLATE_NOOP("migration", "Windows' note on where a file was downloaded from."),
    "named-stream": QT_TRANSLATE_NOOP(
        "migration", "A second stream of a file, which Linux programs do not see."
    ),
    "link": QT_TRANSLATE_NOOP(
        "migration", "A link to another place; what it points to is brought over there."
    ),
    "app-link": QT_TRANSLATE_NOOP("migration", "A Store app's alias, which holds nothing."),
    "linux-link": QT_TRANSLATE_NOOP("migration", "A link made by Linux inside Windows."),
    "linux-special": QT_TRANSLATE_NOOP("migration", "A socket, pipe or device, which holds nothing."),
    "special": QT_TRANSLATE_NOOP("migration", "A socket, pipe or device, which holds nothing."),
    # unavailable: it would have come, but its content is not to be had
    "cloud": QT_TRANSLATE_NOOP("migration", "Only in the cloud, not on this disk: download it from there."),
    "compressed": QT_TRANSLATE_NOOP("migration", "Compressed by Windows in a way that cannot be read here."),
    "deduplicated": QT_TRANSLATE_NOOP(
        "migration", "Stored by Windows' deduplication, which cannot be read here."
    ),
    "encrypted": QT_TRANSLATE_NOOP(
        "migration", "Encrypted by Windows for one account: decrypt it in Windows."
    ),
    "reparse-point": QT_TRANSLATE_NOOP("migration", "Stored by Windows in a way that cannot be read here."),
    "locked": QT_TRANSLATE_NOOP(
        "migration", "Passwords locked to the Windows account: export them in Windows."
    ),
    "unreadable": QT_TRANSLATE_NOOP("migration", "It could not be read."),
    # failed: it was tried
    "read-error": QT_TRANSLATE_NOOP("migration", "The disk could not read it."),
    "write-error": QT_TRANSLATE_NOOP("migration", "It could not be written."),
    "changed": QT_TRANSLATE_NOOP("migration", "It changed while it was being copied."),
    "vanished": QT_TRANSLATE_NOOP("migration", "It was gone when its turn came."),
    "damaged": QT_TRANSLATE_NOOP("migration", "The copy on the disk is not what was written."),
    "missing": QT_TRANSLATE_NOOP("migration", "It is no longer where it was put."),
    "name": QT_TRANSLATE_NOOP("migration", "Its name cannot be used here."),
}

UNAVAILABLE = frozenset(
    {"cloud", "compressed", "deduplicated", "encrypted", "reparse-point", "locked", "unreadable"}
)
"""Troubles of entries that hold something which cannot be had; the other troubles hold nothing."""
