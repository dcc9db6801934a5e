"""Whatever goes wrong around it, Guest Bridge's window answers, says what is wrong, and goes on by itself.

How quickly it answers is measured by ``./dev bench trouble``. Here it must answer many times while the
trouble lasts: a window that waits for what stands still would not answer once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench.start import BARE
from tests.system.lab.libvirtd import Libvirtd
from tests.ui.desktop.atspi import Client
from tests.ui.desktop.mishaps import MISHAPS, Around, Beat
from tests.ui.desktop.pulse import Pulse
from tests.ui.desktop.session import Desktop
from tests.ui.desktop.tray import TrayClient
from tests.ui.desktop.troubles import Running, small_disk, stopped


@pytest.fixture(scope="module")
def disk() -> Iterator[Path]:
    with small_disk() as folder:
        yield folder


@pytest.fixture(scope="module")
def libvirt() -> Iterator[Libvirtd]:
    with Libvirtd() as made:
        yield made


@pytest.fixture(scope="module")
def running(
    desktop: Desktop,
    panel: TrayClient,
    libvirt: Libvirtd,
    disk: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("home")
    (home / "cache").symlink_to(disk)
    with Client(desktop) as assistive:
        # libvirt's test driver with its one domain, behind a real libvirtd
        uri = f"test+unix:///default?socket={libvirt.socket}"
        made = Running(desktop, assistive, panel, home=home, libvirt=uri)
        panel.pid = made.process.pid
        yield made
        made.close()


@pytest.fixture
def around(running: Running, libvirt: Libvirtd, disk: Path) -> Around:
    return Around(running, libvirt, disk)


@pytest.fixture(scope="module")
def bare(desktop: Desktop, panel: TrayClient) -> Iterator[Pulse]:
    """The pulse of a tray program that does nothing."""
    source = desktop.home / "bare.py"
    source.write_text(BARE)
    process = desktop.start_python(str(source), name="bare")
    with Pulse(desktop, panel, process.pid) as made:
        yield made
    desktop.stop(process)


@pytest.fixture
def pulse(running: Running) -> Iterator[Pulse]:
    with Pulse(running.desktop, running.tray, running.process.pid) as made:
        yield made


def test_the_pulse_stands_still_while_the_program_does(running: Running, pulse: Pulse) -> None:
    pulse.beats()
    with stopped(running.process.pid):
        before = len(pulse.answers)
        for _ in range(20):
            assert running.desktop.owns("org.kde.StatusNotifierWatcher")  # others answer
        assert len(pulse.answers) <= before + 1  # one was under way
    pulse.beats()


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.__name__)
def test_it_answers_while(
    mishap: Callable[[Around, Beat], None], around: Around, pulse: Pulse, bare: Pulse
) -> None:
    mishap(around, lambda: pulse.beats_beside(bare))
