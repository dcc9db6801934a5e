"""The Migration Assistant's pages, with a plan and a run of a small recorded profile."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PySide6.QtWidgets import QWidget

from libneuron.migration.discover import Person
from libneuron.migration.drives import Drive
from libneuron.migration.errors import MigrationError
from libneuron.migration.home import Home
from libneuron.migration.session import Run
from libneuron.progress import ProgressView
from libneuron.system.clock import RealClock
from libneuron.system.files import Root
from libneuron.ui.pages import Page
from libneuron.ui.text import translate
from neuron_migration_assistant.window import MigrationWindow
from neuron_migration_assistant.work import Job
from tests.unit.migration.maker import Lab, progress

UBUNTU = "CanonicalGroupLimited.Ubuntu_79rhkp1fndgsc"
FILES: dict[str, bytes | str] = {
    "Documents/letter.txt": "Dear",
    "Pictures/photo.jpg": bytes(4_300_000),
    "Downloads/setup.exe": "MZ",
    ".gitconfig": "[core]\r\n\tautocrlf = true\r\n\teditor = C:/x.exe\r\n",
    "AppData/Local/Google/Chrome/User Data/Local State": "{}",
    "AppData/Local/Google/Chrome/User Data/Default/Preferences": "{}",
    "AppData/Local/Google/Chrome/User Data/Default/Login Data": "locked",
    f"AppData/Local/Packages/{UBUNTU}/LocalState/ext4.vhdx": "a disk",
}
_made: dict[str, Lab] = {}


def _lab() -> Lab:
    """One for all scenes; /tmp/neuron-scene is what the pictures show."""
    if "lab" not in _made:
        top = Path(tempfile.gettempdir()) / "neuron-scene"
        _made["lab"] = Lab(top).make(FILES)
    return _made["lab"]


def _window(*, interrupted: bool = False) -> MigrationWindow:
    lab = _lab()
    root = Root(lab.top / "machine")
    job = Job(Home(lab.home, root), RealClock(), root, translate)
    job.source, job.user = lab.source, "Anna"
    job.people = (Person("Anna", "Users/Anna", volume=True), Person("Bob", "Users/Bob", volume=True))
    return MigrationWindow(job, interrupted=Run(lab.home, lab.top) if interrupted else None)


def _planned(window: MigrationWindow) -> None:
    plan = window.job.make_plan(_lab().source, "Anna", progress())
    window.choose._planned = (window.job.source, window.job.user)
    window.choose.show_plan(plan)
    window.job.selected = window.choose.chosen()


def _at(window: MigrationWindow, page: Page) -> QWidget:
    window.stack.go_to(page)
    return window


def welcome() -> QWidget:
    """The first start."""
    return _window()


def welcome_interrupted() -> QWidget:
    """After an interruption."""
    return _window(interrupted=True)


def source() -> QWidget:
    """Two drives, and one that nobody has opened."""
    window = _window()
    window.source.entered = lambda: None  # type: ignore[method-assign]
    made = _at(window, window.source)
    window.source.show_drives(
        (
            Drive(Path("/media/anna/Windows"), "/dev/sda3", 500 << 30, 100 << 30, ("Anna", "Bob")),
            Drive(Path("/media/anna/STICK"), "/dev/sdb1", 32 << 30, 1 << 30, ()),
            Drive(Path("/dev/sdc4"), "/dev/sdc4", 1000 << 30, 0, (), is_open=False),
        )
    )
    return made


def source_locked() -> QWidget:
    """A drive that BitLocker has locked."""
    made = source()
    assert isinstance(made, MigrationWindow)
    made.source.path.setText("/media/anna/windows.vhdx")
    made.source._failed(MigrationError("migration.bitlocker", path="/media/anna/windows.vhdx"))
    return made


def source_none() -> QWidget:
    """No drive."""
    window = _window()
    window.source.entered = lambda: None  # type: ignore[method-assign]
    window.source.show_drives(())
    return _at(window, window.source)


def person() -> QWidget:
    """Two people."""
    window = _window()
    return _at(window, window.person)


def choose() -> QWidget:
    """The plan as a list."""
    window = _window()
    _planned(window)
    return _at(window, window.choose)


def choose_scanning() -> QWidget:
    """While every file is looked at."""
    window = _window()
    window.choose.entered = lambda: None  # type: ignore[method-assign]
    window.choose.panel.show_view(
        ProgressView(48_213, None, "files", "Users/Anna/Pictures/2019", 3000.0, None, True, False)
    )
    return _at(window, window.choose)


def review() -> QWidget:
    """Before agreeing."""
    window = _window()
    _planned(window)
    return _at(window, window.review)


def copying() -> QWidget:
    """Half-way."""
    window = _window()
    made = _at(window, window.copying)
    window.copying.panel.show_view(
        ProgressView(3 << 30, 9 << 30, "bytes", "IMG_1.jpg", 9e7, 70.0, True, False)
    )
    return made


def copying_stopped() -> QWidget:
    """Interrupted."""
    window = _window()
    made = _at(window, window.copying)
    window.copying._cancelled()
    window.stack.next.setFocus()
    return made


def done() -> QWidget:
    """The end, with something that could not come."""
    window = _window()
    lab = Lab(Path(tempfile.mkdtemp(prefix="neuron-scene-"))).make(FILES)
    window.job.source = lab.source
    run = lab.begin()
    window.job.run = run
    window.job.ended = window.job.copy(run, progress())
    return _at(window, window.done)


SCENES = {
    "migration-welcome": welcome,
    "migration-welcome-interrupted": welcome_interrupted,
    "migration-source": source,
    "migration-source-locked": source_locked,
    "migration-source-none": source_none,
    "migration-person": person,
    "migration-choose": choose,
    "migration-choose-scanning": choose_scanning,
    "migration-review": review,
    "migration-copying": copying,
    "migration-copying-stopped": copying_stopped,
    "migration-done": done,
}
DATA = (
    "Anna",
    "Bob",
    "/media/anna/Windows",
    "/media/anna/STICK",
    "/media/anna/windows.vhdx",
    "/dev/sda3",
    "/dev/sdb1",
    "/dev/sdc4",
    "Google Chrome",
    "Git",
    "Users/Anna/Pictures/2019",
    "Users/Anna",
    "IMG_1.jpg",
    "~/.config/google-chrome",
    "~/From Windows",
    "~/Documents",
    "~/Downloads",
    "~/Pictures",
    "4.1 MiB",
    "4 bytes",
    "46 bytes",
    "2 bytes",
    "0 bytes",
)
