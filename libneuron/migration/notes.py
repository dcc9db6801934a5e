"""What a report tells the person beyond states, in words; codes with parameters, as errors have them."""

from __future__ import annotations

from libneuron.errors import QT_TRANSLATE_NOOP, Translate, english
from libneuron.migration.errors import MigrationError
from libneuron.migration.model import Note

_TEXTS: dict[str, tuple[str, str]] = {
    "folder-elsewhere": QT_TRANSLATE_NOOP(
        "migration", "“{folder}” lies on {path}, which is not part of this source: choose that drive as well."
    ),
    "hibernated": QT_TRANSLATE_NOOP(
        "migration",
        "Windows was not fully shut down: what it had not written yet is missing here. To be sure, start it "
        "once more and choose “Restart”, then come back.",
    ),
    "sign-in-again": QT_TRANSLATE_NOOP("migration", "Sign in to websites again: Windows locks the sign-ins."),
    "export-passwords": QT_TRANSLATE_NOOP(
        "migration",
        "Saved passwords are locked to Windows. In Windows, open the browser's password settings, choose "
        "“Export passwords”, and import the file here; then delete it.",
    ),
    "logins-locked": QT_TRANSLATE_NOOP("migration", "Saved passwords that are locked to Windows: {count}."),
    "install-extensions": QT_TRANSLATE_NOOP("migration", "Install these extensions again: {list}."),
    "profiles": QT_TRANSLATE_NOOP("migration", "Profiles brought over: {list}."),
    "profile-in-use": QT_TRANSLATE_NOOP(
        "migration", "The browser was used here before; the profile from Windows was added as “{name}”."
    ),
    "firefox-default": QT_TRANSLATE_NOOP(
        "migration",
        "{app} now starts with the profile from Windows; "
        "the one it used before is still listed in about:profiles.",
    ),
    "firefox-newer": QT_TRANSLATE_NOOP(
        "migration", "The profile was last used by {app} {version}; an older {app} refuses to open it."
    ),
    "firefox-too-old": QT_TRANSLATE_NOOP(
        "migration",
        "The profile was last used by {app} {version}, but {installed} is installed here and will refuse to "
        "open it: update {app} first.",
    ),
    "jetbrains-plugins": QT_TRANSLATE_NOOP(
        "migration", "Install the plugins of the JetBrains programs again, and choose your JDK once more."
    ),
    "notepad-notes": QT_TRANSLATE_NOOP(
        "migration", "Notes that were never saved are in “backup” below “From Windows/Notepad++”."
    ),
    "terminal-by-hand": QT_TRANSLATE_NOOP(
        "migration",
        "No terminal here reads the settings of Windows Terminal; they are kept for you to look up "
        "colours and keys.",
    ),
    "outlook-files": QT_TRANSLATE_NOOP(
        "migration",
        "Outlook's .pst files hold mail that only Outlook opens: “readpst” (package pst-utils or libpst) "
        "turns them into folders that Thunderbird reads. Mail that lies on a server comes from there.",
    ),
    "setting-dropped": QT_TRANSLATE_NOOP("migration", "Left out: {key} = {value}"),
    "setting-changed": QT_TRANSLATE_NOOP("migration", "Changed: {key} = {value}"),
    "setting-kept": QT_TRANSLATE_NOOP("migration", "Yours was kept for {key}; in Windows it was: {value}"),
    "extension-dropped": QT_TRANSLATE_NOOP(
        "migration", "The extension {id} was loaded from {path} and was left out."
    ),
    "not-understood": QT_TRANSLATE_NOOP("migration", "It could not be understood and was copied as it is."),
    "name-shortened": QT_TRANSLATE_NOOP("migration", "The name “{name}” is too long here and is shortened."),
    "already-there": QT_TRANSLATE_NOOP("migration", "Files that were there already, the same ones: {count}."),
    "merged": QT_TRANSLATE_NOOP("migration", "Added to the settings that were there; the old ones are kept."),
    "putty-key-locked": QT_TRANSLATE_NOOP(
        "migration",
        "The PuTTY key {from} has a passphrase. To use it with ssh, install puttygen (package putty-tools or "
        "putty) and run: puttygen {from} -O private-openssh-new -o {to}",
    ),
    "putty-left": QT_TRANSLATE_NOOP(
        "migration", "PuTTY sessions that are not for ssh, or name no host, were left out: {list}."
    ),
    "putty-with-ssh": QT_TRANSLATE_NOOP(
        "migration", "PuTTY's sessions come as hosts in “.ssh/config”, together with “SSH keys and hosts”."
    ),
    "wsl-disk": QT_TRANSLATE_NOOP(
        "migration",
        "The files of a Linux system of WSL are inside the disk “{path}”, which was left out. To get them, "
        "run guestmount (package libguestfs-tools or guestfs-tools) with: "
        "guestmount --ro -a “{path}” -m /dev/sda FOLDER, and copy what you need from “home” in FOLDER.",
    ),
    "npm-packages": QT_TRANSLATE_NOOP(
        "migration", "Install global npm packages again with “npm install -g”."
    ),
    "git-identity": QT_TRANSLATE_NOOP(
        "migration", "Store git passwords again: Windows kept them in its own place."
    ),
}


def text(note: Note, translate: Translate = english) -> str:
    """One sentence for the person."""
    if note.code in MigrationError.texts:
        return translate(*MigrationError.texts[note.code].sentence).format_map(note.params)
    return translate(*_TEXTS[note.code]).format_map(note.params)


def known(code: str) -> bool:
    """Whether a rule may name ``code``."""
    return code in _TEXTS
