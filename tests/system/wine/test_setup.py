"""Installing, renewing, going back, removing without a trace: a real service manager, the real agent."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.guest import setup_disc
from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.keys import KeyStore
from libneuron.guest.permissions import DEFAULT
from libneuron.guest.transport import UnixSocketEndpoint
from libneuron.system.bus import LoopThread
from tests.system.wine import bundles
from tests.system.wine.bridge import PortBridge
from tests.system.wine.lab import WineLab, windows_path

_COM = 7


class Installation:
    """A place to build bundles in, the port of the service, and the host's keys."""

    def __init__(self, wine: WineLab, folder: Path) -> None:
        self.wine = wine
        self.folder = folder
        self.bridge = PortBridge(folder / "port")
        self.port = wine.link_port(_COM, self.bridge.pty)
        self.store = KeyStore(folder / "host")
        self.programs = wine.prefix / "drive_c" / "Program Files" / "NeuronGuest"
        self.data = wine.prefix / "drive_c" / "ProgramData" / "NeuronGuest"

    def setup(self, bundle: Path, *words: str) -> tuple[int, str]:
        python = windows_path(bundle / "agent" / "python.exe")
        done = self.wine.run(python, "-I", "-m", "neuron_guest.platform.windows.setup", *words)
        return done.returncode, done.stdout

    def install(self, bundle: Path) -> tuple[int, str]:
        return self.setup(bundle, "install", "--port", self.port)

    def versions(self) -> list[str]:
        return sorted(item.name for item in self.programs.iterdir()) if self.programs.is_dir() else []

    def service(self) -> str:
        return self.wine.run("sc", "query", "NeuronGuest").stdout

    def answer(self) -> dict[str, object]:
        """What the guest says about itself through the channel."""
        with LoopThread() as io:
            client = GuestClient(
                UnixSocketEndpoint(self.bridge.path, "Wine"),
                VmKeys(self.store, "wine"),
                permissions=lambda: DEFAULT,
            )
            guest = BlockingGuest(io, client)
            try:
                guest.wait_ready(60)
                return dict(guest.run(lambda api: api.info()))
            finally:
                guest.close()


@pytest.fixture(scope="module")
def installation(wine: WineLab) -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="neuron-wine-setup-") as name:
        made = Installation(wine, Path(name))
        yield made
        made.bridge.close()


@pytest.fixture(scope="module")
def installed(installation: Installation) -> Installation:
    """The first version, installed as a person does: ``setup`` on the set-up disc in drive D."""
    resources = installation.folder / "resources"
    bundles.build(resources / "guest" / "windows")
    hand_over = installation.store.begin_enrolment("wine", "Wine")
    image = setup_disc.image(setup_disc.contents(hand_over, resources=resources))
    installation.wine.insert_disc(setup_disc.read(image))
    words = ["cmd", "/c", r"d:\windows\setup.cmd", "--port", installation.port]
    done = installation.wine.run(*words)
    assert done.returncode == 0, done.stdout
    installation.wine.insert_disc({})
    return installation


def test_installing_makes_a_service_that_the_host_can_pair_with(installed: Installation) -> None:
    assert "RUNNING" in installed.service()
    assert installed.answer()["backend"] == "windows"
    assert len(installed.versions()) == 1


def test_the_service_serves_the_persons_session_through_its_helper(installed: Installation) -> None:
    info = installed.answer()
    assert info["session"] == "active"
    assert info["user"]


def test_renewing_replaces_the_version_and_keeps_the_pairing(installed: Installation) -> None:
    bundle = bundles.build(installed.folder / "second", version="0.9.0")
    status, said = installed.install(bundle)
    assert status == 0, said
    assert installed.versions() == ["0.9.0"]
    assert installed.answer()["backend"] == "windows"


def test_a_version_that_does_not_answer_is_taken_back(installed: Installation) -> None:
    before = installed.versions()
    bundle = bundles.build(installed.folder / "broken", version="1.0.0")
    bundles.break_it(bundle)
    status, said = installed.install(bundle)
    assert status == 1
    assert "old one runs again" in said
    assert installed.versions() == before
    assert installed.answer()["backend"] == "windows"


def test_a_damaged_bundle_is_not_installed(installed: Installation) -> None:
    before = installed.versions()
    bundle = shutil.copytree(installed.folder / "second", installed.folder / "damaged")
    with (bundle / "agent" / "libssl-3.dll").open("r+b") as file:
        file.seek(1000)
        file.write(b"x")
    status, said = installed.setup(bundle, "install", "--port", installed.port)
    assert status == 1
    assert "damaged" in said
    assert installed.versions() == before


def test_uninstalling_leaves_nothing(installed: Installation) -> None:
    bundle = installed.folder / "second"
    status, said = installed.setup(bundle, "uninstall")
    assert status == 0, said
    assert not installed.programs.exists()
    assert not installed.data.exists()
    key = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall\NeuronGuest"
    assert installed.wine.run("reg", "query", key).returncode != 0
    assert installed.wine.run("sc", "start", "NeuronGuest").returncode != 0
