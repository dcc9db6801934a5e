"""The set-up disc and the bundle on it: complete, runnable without any library, the same from the same."""

from __future__ import annotations

import ast
import configparser
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from libneuron.guest import bundle, setup_disc
from libneuron.guest.hypervisor.disc import unreadable_part
from libneuron.guest.wire.content import ENROLMENT_FILE
from libneuron.system.paths import resources
from neuron_guest.iso9660 import find


@pytest.fixture(scope="module")
def agent() -> bytes:
    return bundle.build()


@pytest.fixture(scope="module")
def image() -> bytes:
    return setup_disc.image(setup_disc.contents('{"id": "äöü"}', resources=resources()))


def test_the_bundle_runs_isolated_and_without_site_packages(agent: bytes, tmp_path: Path) -> None:
    path = tmp_path / "neuron-guest.pyz"
    path.write_bytes(agent)
    done = subprocess.run(
        [sys.executable, "-I", "-S", path, "selftest", "--json"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env={}, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    assert json.loads(done.stdout)


def test_the_bundle_holds_only_the_agent_and_the_wire(agent: bytes) -> None:
    names = zipfile.ZipFile(io.BytesIO(agent)).namelist()
    assert all(name.startswith(("neuron_guest/", "libneuron/guest/wire/")) for name in names[2:-1])
    assert names[:2] == ["libneuron/__init__.py", "libneuron/guest/__init__.py"]
    assert names[-1] == "__main__.py"


def test_the_bundle_imports_nothing_but_the_standard_library(agent: bytes) -> None:
    archive = zipfile.ZipFile(io.BytesIO(agent))
    allowed = {*sys.stdlib_module_names, "neuron_guest", "libneuron"}
    for name in archive.namelist():
        for node in ast.walk(ast.parse(archive.read(name))):
            modules = [item.name for item in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                modules.append(node.module or "")
            foreign = [module for module in modules if module.split(".")[0] not in allowed]
            assert foreign == [], name


def test_the_same_sources_make_the_same_bundle(agent: bytes) -> None:
    assert bundle.build() == agent


def test_the_agent_finds_its_hand_over_on_the_disc(image: bytes) -> None:
    def read(offset: int, size: int) -> bytes:
        return image[offset : offset + size]

    assert find(read, ENROLMENT_FILE, limit=65536) == '{"id": "äöü"}'.encode()


def test_the_disc_holds_what_its_script_installs(image: bytes) -> None:
    files = setup_disc.read(image)
    script = files["/setup.sh"].decode()
    for name in re.findall(r'"\$disc/([^"]+)"', script):
        assert f"/{name}" in files
    assert files["/linux/neuron-guest.pyz"] == files["/windows/neuron-guest.pyz"] == bundle.build()
    assert b"sudo sh setup.sh" in files["/README.txt"]


def test_modes_and_names_are_right_for_linux(image: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.iso").write_bytes(image)
    done = subprocess.run(
        ["xorriso", "-indev", tmp_path / "x.iso", "-find", "/", "-exec", "lsdl"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    listed = {line.split("'")[1]: line.split()[0] for line in done.stdout.splitlines() if "'" in line}
    assert listed["/setup.sh"] == "-r-xr-xr-x"
    assert listed["/neuron-enrolment.json"] == "-r--r--r--"
    assert listed["/linux/neuron-guest.service"] == "-r--r--r--"


def test_deep_folders_and_odd_names_survive() -> None:
    files = (
        setup_disc.DiscFile(PurePosixPath("a/b/c/ein Name mit Leerzeichen & mehr.txt"), b"1"),
        setup_disc.DiscFile(PurePosixPath("a/b/d.txt"), b""),
    )
    found = setup_disc.read(setup_disc.image(files))
    assert found == {"/a/b/c/ein Name mit Leerzeichen & mehr.txt": b"1", "/a/b/d.txt": b""}


def test_the_linux_installer_is_a_correct_script() -> None:
    script = resources() / "guest" / "linux" / "setup.sh"
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_service_is_a_correct_unit() -> None:
    unit = resources() / "guest" / "linux" / "neuron-guest.service"
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if "neuron-guest.service:" in line]
    assert [line for line in complaints if "is not executable" not in line] == []


def test_the_service_comes_back_however_often_it_ends() -> None:
    unit = configparser.ConfigParser()
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # systemd's names are case-sensitive
    unit.read(resources() / "guest" / "linux" / "neuron-guest.service")
    assert unit["Service"]["Restart"] == "always"
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"


def test_the_part_that_qemu_may_not_pass_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "x").write_bytes(b"")
    found = unreadable_part(closed / "x")
    assert found is not None
    assert found in (closed, *closed.parents)
    assert unreadable_part(Path("/etc/passwd")) is None
