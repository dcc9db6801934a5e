"""The guest's applications in the host's menu: .desktop files and icons, written and removed as one set.

Everything that comes from the guest (names, types, icons) is untrusted: names are stripped of control
characters and escaped, types are checked, icons must be small PNGs. Applications only ever offer themselves
("Open With"); no default is set, because a guest's browser once became the host's default (winpodx).

Sources: Desktop Entry Specification 1.5, "Possible value types" and "The Exec key"; shared MIME-info 0.21 for
the shape of types; PNG specification for the header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from libneuron.guest.wire import png
from libneuron.system.files import write_atomic

PREFIX = "org.neuronos.GuestBridge.vm"
_MARK = "X-Neuron-VM="
_NAME_LIMIT = 120
_ID_LIMIT = 1024
_ICON_LIMIT = 1 << 20
_ICON_SIDE = 512
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_SCHEME = re.compile(r"x-scheme-handler/")


@dataclass(frozen=True)
class MenuApp:
    """One application of a guest: its id there, its name, MIME types it opens, and a PNG (or empty)."""

    id: str
    name: str
    types: tuple[str, ...] = ()
    icon: bytes = b""


@dataclass(frozen=True)
class Menu:
    """Where entries go: ``data`` is XDG_DATA_HOME; ``command`` the words that launch, before app and VM."""

    data: Path
    command: tuple[str, ...] = ("neuron-guest-bridge", "launch")

    @property
    def entries(self) -> Path:
        """The folder of .desktop files."""
        return self.data / "applications"

    @property
    def icons(self) -> Path:
        """The folder of icons, outside any theme: each entry names its icon by path."""
        return self.data / "neuron" / "guest-icons"


def export(menu: Menu, *, vm: str, vm_name: str, apps: Iterable[MenuApp]) -> tuple[Path, ...]:
    """Make the menu hold exactly ``apps`` of the VM with UUID ``vm``; returns the entries.

    An application whose id is empty, too long or holds control characters could not be launched: left out.

    Raises: OSError (nothing half written: each file appears whole or not at all).
    """
    menu.entries.mkdir(parents=True, exist_ok=True)
    menu.icons.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    icons: set[Path] = set()
    for app in apps:
        if not app.id or len(app.id) > _ID_LIMIT or printable(app.id) != app.id:
            continue
        icon = None
        picture = png.bare(app.icon) if is_small_png(app.icon) else b""
        if picture:
            icon = menu.icons / f"{_tag(vm)}-{_digest(picture)[:24]}.png"
            write_atomic(icon, picture, durable=False)
            icons.add(icon)
        path = menu.entries / f"{PREFIX}.{_tag(vm)}.{_tag(app.id)}.desktop"
        write_atomic(path, _entry(menu, vm, vm_name, app, icon).encode(), durable=False)
        written.append(path)
    _sweep(menu, vm, keep={*written, *icons})
    return tuple(written)


def holds(menu: Menu, *, vm: str) -> bool:
    """Whether the menu has entries of the VM."""
    if next(menu.entries.glob(f"{PREFIX}.*.desktop"), None) is None:
        return False  # without a look at the VM: what needs a checksum brings a whole library into memory
    return next(menu.entries.glob(f"{PREFIX}.{_tag(vm)}.*.desktop"), None) is not None


def remove(menu: Menu, *, vm: str) -> None:
    """Take every entry and icon of the VM out of the menu again."""
    _sweep(menu, vm, keep=set())


def _sweep(menu: Menu, vm: str, *, keep: set[Path]) -> None:
    ours = [
        *menu.entries.glob(f"{PREFIX}.{_tag(vm)}.*.desktop"),
        *menu.icons.glob(f"{_tag(vm)}-*.png"),
    ]
    for path in ours:
        if path not in keep:
            path.unlink(missing_ok=True)


def _tag(text: str) -> str:
    """A short name that is safe in a file name, whatever ``text`` holds."""
    return _digest(text.encode("utf-8", "surrogatepass"))[:16]


def _digest(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def is_small_png(data: bytes) -> bool:
    """Whether ``data`` starts as a PNG of at most 512×512 pixels; decoding it is the desktop's business."""
    found = png.size(data) if len(data) <= _ICON_LIMIT else None
    return found is not None and max(found) <= _ICON_SIDE


def printable(text: str) -> str:
    """``text`` without control, format, line-breaking and unpaired characters."""
    import unicodedata  # a megabyte, which a tray that has nothing to show yet does without

    return "".join(
        letter for letter in text if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )


def _name(text: str) -> str:
    return " ".join(printable(text).split())[:_NAME_LIMIT]


def _string(text: str) -> str:
    """A value of type string or localestring."""
    return printable(text).replace("\\", "\\\\")


def _argument(text: str) -> str:
    """One argument of Exec: field codes doubled, quoted, then escaped once more as a string value."""
    escaped = re.sub(r'(["`$\\])', r"\\\1", text.replace("%", "%%"))
    return ('"' + escaped + '"').replace("\\", "\\\\")


def _entry(menu: Menu, vm: str, vm_name: str, app: MenuApp, icon: Path | None) -> str:
    # A browser that could take the web's schemes would be asked to become the default; files only.
    types = [kind for kind in app.types if _TYPE.fullmatch(kind) and not _SCHEME.match(kind)]
    words = [*menu.command, f"--app={app.id}", "--", vm]
    lines = [
        "[Desktop Entry]",
        "Type=Application",
        f"Name={_string(_name(app.name) or _name(app.id))} ({_string(_name(vm_name))})",
        f"Exec={' '.join(_argument(word) for word in words)} %U",
        f"Icon={_string(str(icon)) if icon else 'org.neuronos.GuestBridge'}",
        "Terminal=false",
        "Categories=Utility;",
        f"{_MARK}{_string(vm)}",
    ]
    if types:
        lines.append("MimeType=" + "".join(f"{kind};" for kind in types))
    return "\n".join(lines) + "\n"
