"""Words about items for the wizard: what comes with each, in a sentence."""

from __future__ import annotations

from libneuron.migration.labels import label
from libneuron.migration.summary import ItemSummary
from libneuron.ui.text import path, translate


def name(summary: ItemSummary) -> str:
    """The item's name in the person's language."""
    return label(summary.item.label, translate)


def explanation(summary: ItemSummary) -> str:
    """What comes with the item, and what does not."""
    item = summary.item
    layout = str(item.params.get("layout", ""))
    if layout == "chromium":
        return translate(
            "Migration",
            "Bookmarks, history, extensions and settings of every profile. Passwords and sign-ins are "
            "locked to Windows and cannot come.",
        )
    if item.id == "thunderbird":
        return translate(
            "Migration", "Everything of every profile: mail, accounts, passwords, address books, calendars."
        )
    if layout == "firefox":
        return translate(
            "Migration", "Everything of every profile: bookmarks, history, passwords, extensions."
        )
    if layout == "vscode":
        return translate(
            "Migration", "Settings, key bindings and snippets; extensions are listed for installing."
        )
    return {
        "git": translate(
            "Migration", "Your name, aliases and settings; what only Windows understands is left out."
        ),
        "ssh": translate("Migration", "Your keys and hosts, readable by you alone."),
        "putty": translate("Migration", "Your sessions as hosts of ssh, and the keys that they name."),
        "wsl": translate(
            "Migration", "Their disks stay where they are; the report says how to get files out of them."
        ),
        "fonts": translate("Migration", "Fonts that you installed for yourself."),
        "wallpaper": translate("Migration", "The picture on your Windows desktop, put among your pictures."),
        "npm": translate("Migration", "Registries and tokens, readable by you alone."),
        "filezilla": translate("Migration", "Your servers with their passwords, readable by you alone."),
        "jetbrains": translate("Migration", "Key maps, colours, code styles and templates; no plugins."),
        "notepad-plus-plus": translate("Migration", "Settings, and notes that were never saved."),
        "windows-terminal": translate("Migration", "Its settings, for looking things up."),
        "outlook": translate("Migration", "Mail that was archived in .pst files."),
        "downloads": translate("Migration", "Often large, and often not needed any more."),
        "other": translate(
            "Migration", "Everything else in your Windows folder, kept together in a folder of its own."
        ),
    }.get(item.id, translate("Migration", "All your files, with their dates."))


def place(summary: ItemSummary) -> str:
    """Where the item goes, for a person."""
    target = summary.item.target
    return path(f"~/{target}" if target else "~")
