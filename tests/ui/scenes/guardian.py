"""The Update Guardian's window and preview, with a recorded history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QWidget

from libneuron.progress import Progress
from libneuron.updates.settings import Settings
from neuron_update_guardian.file_dialog import FileDialog
from neuron_update_guardian.model import Timeline, timeline
from neuron_update_guardian.preview_dialog import PreviewDialog
from neuron_update_guardian.settings_dialog import SettingsDialog
from neuron_update_guardian.window import GuardianWindow

TITLES = {"services": "Login screen, network and virtual machines", "kernel": "Kernel"}

BAD: dict[str, Any] = {
    "updates": [
        {
            "id": "7", "begun": "2026-03-02T09:14:00+00:00", "tool": "pacman", "stage": "ended",
            "restorable": True, "healthy": False, "pinned": False, "no_way_back": "",
            "verdict": {"regressions": ["services"], "undecided": [], "new_items": {"services":
            ["sddm.service (failed)"]}}, "packages": {"sddm": ["0.20.0-2", "0.21.0-1"], "qt6-base":
            ["6.6.2-1", "6.7.0-1"], "mesa": ["24.0.1-1", "24.0.2-1"]},
        },
        {
            "id": "6", "begun": "2026-02-20T18:40:00+00:00", "tool": "pacman", "stage": "confirmed",
            "restorable": True, "healthy": True, "pinned": True, "no_way_back": "", "verdict": {},
            "packages": {"linux": ["6.7.5-1", "6.7.6-1"]},
        },
    ],
    "rollbacks": [
        {"id": "r5", "at": "2026-02-01T08:00:00+00:00", "update": "4", "automatic": False, "state":
        "restored", "problems": []},
    ],
}  # fmt: skip

PREVIEW: dict[str, Any] = {
    "packages": {"sddm": ["0.21.0-1", "0.20.0-2"], "extra": ["1.0-1", ""], "old": ["", "2.0-1"]},
    "folders": {"/usr": 2406, "/etc": 3},
    "nested": ["home/ada/vm"],
    "boot_back": ["/boot/vmlinuz-linux"],
    "boot_gone": ["/boot/loader/entries/new.conf"],
}

HOLDINGS: dict[str, Any] = {
    "space": {"7": 734003200, "6": 12582912},
    "free": 40 << 30,
    "others": [
        {
            "tool": "timeshift",
            "id": "2026-02-10_20-00-00",
            "at": "2026-02-10T20:00:00+00:00",
            "description": "before the party",
        },
    ],
}

FILES = ("/etc/fstab", "/etc/sddm.conf", "/usr/lib/sddm/sddm.conf.d/default.conf")


class Recorded:
    """A source that answers from memory and remembers what it was asked."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.asked: list[tuple[str, ...]] = []
        self.kept = Settings(skip=("kernel",))

    def holdings(self) -> Mapping[str, Any]:
        return HOLDINGS

    def files(self, update: str) -> tuple[str, ...]:
        self.asked.append(("files", update))
        return FILES

    def restore_file(self, update: str, file: str) -> str:
        self.asked.append(("restore_file", update, file))
        return f"{file}.before-restore"

    def settings(self) -> tuple[Settings, Mapping[str, str]]:
        return self.kept, TITLES

    def configure(self, wished: Settings) -> None:
        self.kept = wished
        self.asked.append(("configure", str(wished.keep), str(wished.automatic), ",".join(wished.skip)))

    def report(self) -> Mapping[str, Any]:
        return {"history": self.data}

    def timeline(self) -> Timeline:
        return timeline(self.data)

    def check(self, progress: Progress) -> Mapping[str, Any]:
        self.asked.append(("check",))
        return {"checks": [], "verdict": {"regressions": ["services"], "undecided": []}}

    def preview(self, point: str) -> Mapping[str, Any]:
        self.asked.append(("preview", point))
        return PREVIEW

    def roll_back(self, point: str, progress: Progress) -> None:
        self.asked.append(("roll_back", point))

    def confirm(self, update: str) -> None:
        self.asked.append(("confirm", update))

    def pin(self, update: str, *, pinned: bool) -> None:
        self.asked.append(("pin", update, str(pinned)))


def window(data: Mapping[str, Any] = BAD, chosen: str = "") -> GuardianWindow:
    """The window on recorded data."""
    return GuardianWindow(Recorded(data), TITLES, chosen=chosen)


def bad() -> QWidget:
    """Something stopped working."""
    return window()


def good() -> QWidget:
    """The last update was fine."""
    return window({"updates": BAD["updates"][1:], "rollbacks": BAD["rollbacks"]})


def rolled_back() -> QWidget:
    """A finished roll back is chosen."""
    return window(chosen="r5")


def empty() -> QWidget:
    """Nothing recorded, and no btrfs."""
    obstacle = {"message": "This system lies on ext4, which cannot take snapshots.", "hint": "Use btrfs."}
    return window({"updates": [], "rollbacks": [], "obstacle": obstacle})


def foreign() -> QWidget:
    """A snapshot of another program is chosen, and what restore points take is known."""
    made = window()
    made.show_holdings(HOLDINGS)
    made.refresh("timeshift 2026-02-10_20-00-00")
    return made


def files() -> QWidget:
    """Which file is to come back."""
    return FileDialog(None, FILES)


def settings() -> QWidget:
    """The settings."""
    return SettingsDialog(None, Settings(automatic=True, skip=("kernel",)), TITLES)


def preview() -> QWidget:
    """What would change."""
    return PreviewDialog(None, PREVIEW)


SCENES = {
    "guardian-bad": bad,
    "guardian-good": good,
    "guardian-rolled-back": rolled_back,
    "guardian-empty": empty,
    "guardian-foreign": foreign,
    "guardian-files": files,
    "guardian-settings": settings,
    "guardian-preview": preview,
}

DATA = (
    "Login screen, network and virtual machines: sddm.service (failed)",
    "This system lies on ext4, which cannot take snapshots.",
    "pacman", "sddm", "qt6-base", "mesa", "linux", "/home/ada/vm",
    "/boot/vmlinuz-linux", "/boot/loader/entries/new.conf", "timeshift", "before the party", *FILES,
    TITLES["services"], TITLES["kernel"],
)  # fmt: skip
