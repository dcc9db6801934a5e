"""Names of items that are words, not proper names, marked for translation."""

from __future__ import annotations

from libneuron.errors import QT_TRANSLATE_NOOP, Translate

WORDS = (
    QT_TRANSLATE_NOOP("migration", "Documents"),
    QT_TRANSLATE_NOOP("migration", "Pictures"),
    QT_TRANSLATE_NOOP("migration", "Music"),
    QT_TRANSLATE_NOOP("migration", "Videos"),
    QT_TRANSLATE_NOOP("migration", "Downloads"),
    QT_TRANSLATE_NOOP("migration", "Desktop"),
    QT_TRANSLATE_NOOP("migration", "Other files and folders"),
    QT_TRANSLATE_NOOP("migration", "SSH keys and hosts"),
    QT_TRANSLATE_NOOP("migration", "Fonts"),
    QT_TRANSLATE_NOOP("migration", "Desktop background"),
    QT_TRANSLATE_NOOP("migration", "JetBrains programs"),
    QT_TRANSLATE_NOOP("migration", "Outlook files"),
    QT_TRANSLATE_NOOP("migration", "PuTTY sessions and keys"),
    QT_TRANSLATE_NOOP("migration", "Linux systems of WSL"),
)


def label(text: str, translate: Translate) -> str:
    """The name of an item in the person's language; proper names stay."""
    found = next((word for word in WORDS if word[1] == text), None)
    return translate(*found) if found else text
