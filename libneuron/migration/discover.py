"""Who lived in the source, and where Windows kept their folders."""

from __future__ import annotations

from dataclasses import dataclass, field

from libneuron.migration import hives
from libneuron.migration.errors import MigrationError
from libneuron.migration.model import Note
from libneuron.migration.scan import Source
from libneuron.migration.windowspath import WindowsPath, parse

_NOBODY = frozenset({"public", "default", "all users", "default user", "defaultappool", "wdagutilityaccount"})
_SIGNS = ("ntuser.dat", "appdata")
"""What only a Windows profile holds."""
_FOLDERS = ("documents", "desktop", "downloads", "pictures", "music", "videos")

KNOWN_FOLDERS: dict[str, tuple[str, str]] = {
    # id: (value under "User Shell Folders", usual place below the profile); Microsoft's KNOWNFOLDERID list
    "desktop": ("Desktop", "Desktop"),
    "documents": ("Personal", "Documents"),
    "downloads": ("{374DE290-123F-4565-9164-39C4925E467B}", "Downloads"),
    "music": ("My Music", "Music"),
    "pictures": ("My Pictures", "Pictures"),
    "videos": ("My Video", "Videos"),
}

_NOT_PROGRAMS = frozenset(
    {"Common Files", "Internet Explorer", "ModifiableWindowsApps", "WindowsApps", "desktop.ini"}
)
"""What lies among programs without being one."""


@dataclass(frozen=True)
class Person:
    """One Windows account. ``path`` is the profile's folder relative to the source, "" for its top."""

    name: str
    path: str
    volume: bool
    """Whether the source is the whole drive, so that paths outside the profile can be found on it."""

    @property
    def windows(self) -> WindowsPath:
        r"""The profile as Windows names it; C: is Windows' own letter unless the hives say otherwise."""
        return WindowsPath("C", ("Users", self.name))


@dataclass(frozen=True)
class KnownFolder:
    """Where one of a person's folders lies; ``path`` relative to the source, None where it is elsewhere."""

    id: str
    path: str | None
    windows: str


@dataclass(frozen=True)
class Profile:
    """A person's folders, and what was odd about them."""

    person: Person
    folders: tuple[KnownFolder, ...]
    notes: tuple[Note, ...] = field(default=())

    def locate(self, source: Source, windows: str) -> str | None:
        r"""Where in the source a path of the person's registry ("C:\…", "%USERPROFILE%\…") lies, or None."""
        return _locate(source, self.person, parse(windows, _variables(self.person)))


def _looks_like_profile(source: Source, path: str) -> bool:
    names = {name.casefold() for name in source.names(path)}
    return any(sign in names for sign in (*_SIGNS, *_FOLDERS))


def _accounts(source: Source, path: str) -> list[str]:
    return [name for name in source.names(path) if name.casefold() not in _NOBODY]


def people(source: Source) -> tuple[Person, ...]:
    """Everybody found: on a whole drive, in a "Users" folder, or the one whose profile the source is.

    Raises: MigrationError not-windows.
    """
    users = source.find("Users")
    if users is not None:
        names = [name for name in _accounts(source, users) if source.names(f"{users}/{name}")]
        if names:
            return tuple(Person(name, f"{users}/{name}", volume=True) for name in names)
    if _looks_like_profile(source, ""):
        return (Person(source.origin.name or "windows", "", volume=False),)
    names = [name for name in _accounts(source, "") if _looks_like_profile(source, name)]
    if not names:
        raise MigrationError("migration.not-windows", path=source.top)
    return tuple(Person(name, name, volume=False) for name in names)


def choose(found: tuple[Person, ...], name: str | None) -> Person:
    """The person called ``name`` (without regard to case); None is enough where there is only one.

    Raises: MigrationError user-not-found, user-needed.
    """
    names = ", ".join(person.name for person in found)
    if name is None:
        if len(found) == 1:
            return found[0]
        raise MigrationError("migration.user-needed", found=names)
    for person in found:
        if person.name.casefold() == name.casefold():
            return person
    raise MigrationError("migration.user-not-found", user=name, found=names)


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def profile(source: Source, person: Person) -> Profile:
    """Where the person's folders lie, from NTUSER.DAT where it can be read, else the usual places."""
    notes: list[Note] = []
    told: dict[str, str] = {}
    hive = source.find(_join(person.path, "NTUSER.DAT"))
    data = source.read(hive, limit=hives.LIMIT) if hive else None
    if data:
        try:
            told = dict(hives.values(data, hives.SHELL_FOLDERS, name=hive or ""))
        except MigrationError as error:
            notes.append(Note("", error.code, {"path": hive or ""}))
    if person.volume and (source.start("hiberfil.sys", 4) or b"").lower() == b"hibr":
        notes.append(Note("", "hibernated"))
    variables = _variables(person)
    folders = []
    for name, (value, usual) in KNOWN_FOLDERS.items():
        text = told.get(value, f"%USERPROFILE%\\{usual}")
        path = _locate(source, person, parse(text, variables))
        windows = str(parse(text, variables) or text)
        if (
            path is None
            and value in told
            and not windows.casefold().startswith(str(person.windows).casefold())
        ):
            notes.append(Note(name, "folder-elsewhere", {"folder": usual, "path": windows}))
        folders.append(KnownFolder(name, path, windows))
    return Profile(person, tuple(folders), tuple(notes))


def _variables(person: Person) -> dict[str, str]:
    top = str(person.windows)
    return {
        "userprofile": top,
        "systemdrive": "C:",
        "homedrive": "C:",
        "appdata": f"{top}\\AppData\\Roaming",
        "localappdata": f"{top}\\AppData\\Local",
    }


def _locate(source: Source, person: Person, path: WindowsPath | None) -> str | None:
    if path is None or not path.parts:
        return None
    inside = [part.casefold() for part in person.windows.parts]
    lowered = [part.casefold() for part in path.parts]
    if path.drive == person.windows.drive and lowered[: len(inside)] == inside and len(lowered) > len(inside):
        return source.find(_join(person.path, *path.parts[len(inside) :]))
    if path.drive == person.windows.drive and person.volume:
        return source.find(path.slashed)
    return None


def installed(source: Source, person: Person) -> tuple[tuple[str, ...], tuple[Note, ...]]:
    """Display names of the installed programs, and notes on hives that could not be read.

    Without hives (a backup of one's files) there is nothing to tell; with broken ones, the folders of
    programs are named instead.
    """
    names: set[str] = set()
    notes: list[Note] = []
    users = tuple(f"\\Software{key}" for key in hives.UNINSTALL)
    places = [(_join(person.path, "NTUSER.DAT"), users)]
    if person.volume:
        places.append(("Windows/System32/config/SOFTWARE", hives.UNINSTALL))
    for path, keys in places:
        hive = source.find(path)
        data = source.read(hive, limit=hives.LIMIT) if hive else None
        if not data:
            continue
        try:
            names.update(hives.programs(data, keys, name=hive or ""))
        except MigrationError as error:
            if not path.endswith("NTUSER.DAT"):  # that one is told with the folders
                notes.append(Note("", error.code, {"path": hive or ""}))
    if person.volume and not names:
        for folder in ("Program Files", "Program Files (x86)"):
            found = source.find(folder)
            names.update(source.names(found) if found else ())
        names -= _NOT_PROGRAMS
    return tuple(sorted(names)), tuple(notes)
