"""A real machine on btrfs with the Guardian installed, and packages that are good and bad for it."""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dbus_fast
import platformdirs

from tests.conftest import ROOT
from tests.system.lab.image import Layout, Recipe, build
from tests.system.lab.machine import Machine
from tests.system.lab.shell import until

NAMED = Recipe("guardian", packages=("login",), layout=Layout("btrfs", (("@", "/"), ("@home", "/home"))))
DEFAULT = Recipe("guardian", packages=("login",), layout=Layout("btrfs", (("system", "/"),), default=True))

_PROGRAM = "/usr/bin/neuron-update-guardian"
SETUP = f"""
mkdir -p /opt/neuron /srv/debs
tar -C /opt/neuron -xf /dev/vdb
python3 -m compileall -q -j 2 /opt/neuron || true
cat >{_PROGRAM} <<'EOF'
#!/bin/sh
PYTHONPATH=/opt/neuron:/opt/neuron/apps exec python3 -m neuron_update_guardian "$@"
EOF
chmod 755 {_PROGRAM}
cp /opt/neuron/resources/systemd/system/neuron-update-*.service /etc/systemd/system/
systemctl enable -q neuron-update-early neuron-update-return neuron-update-verify
echo 'UUID='$(blkid -o value -s UUID /dev/vda)' / btrfs defaults 0 0' >/etc/fstab
mkdir -p /etc/neuron/health.d
cat >/etc/neuron/health.d/slow.toml <<'EOF'
[[check]]
id = "kernel"
kind = "kernel"
title = "Kernel, modules, initramfs and boot entries"
limit = 300.0
EOF
{_PROGRAM} hooks install apt
"""
"""Unpacking an initramfs takes an emulated processor longer than the limit for real ones."""


def debian_package(work: Path, name: str, version: str, *, after: str = "") -> Path:
    """A package of one file; ``after`` is its postinst script."""
    tree = work / f"{name}-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    place = tree / f"usr/share/{name}/version"
    place.parent.mkdir(parents=True)
    place.write_text(version)
    control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@example.org>\n"
    (tree / "DEBIAN/control").write_text(f"{control}Description: {name}\n")
    if after:
        script = tree / "DEBIAN/postinst"
        script.write_text(f"#!/bin/sh\n{after}\nexit 0\n")
        script.chmod(0o755)
    made = work / f"{name}_{version}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, made], check=True, capture_output=True)
    return made


def code_disc(work: Path, packages: list[Path]) -> Path:
    """The checkout, its two libraries and ``packages`` as a tar file that the guest sees as a disk."""
    made = work / "code.tar"
    with tarfile.open(made, "w") as archive:
        for name in ("libneuron", "apps", "resources"):
            archive.add(ROOT / name, name)
        for module in (dbus_fast, platformdirs):
            place = Path(str(module.__file__)).parent
            archive.add(place, place.name)
        for package in packages:
            archive.add(package, f"debs/{package.name}")
    with made.open("ab") as file:
        file.truncate(-(-made.stat().st_size // 512) * 512)
    return made


class Guarded:
    """The running machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.shell = machine.shell

    def guardian(self, *words: str, check: bool = False) -> dict[str, Any]:
        """One command of ours, its JSON."""
        done = self.shell.run(_PROGRAM, *words, "--json", timeout=180, check=check)
        answer: dict[str, Any] = json.loads(done.text)
        return answer

    def apt(self, package: str) -> int:
        """Install one of the packages of the disc with apt; its status."""
        words = ("/usr/bin/apt-get", "install", "-y", "-q", f"/opt/neuron/debs/{package}")
        env = {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        return self.shell.run(*words, env=env, timeout=300, check=False).status

    def restart(self) -> None:
        """Restart in an orderly way, and wait until our unit has looked at the new start."""
        before = self.shell.sh("cat /proc/sys/kernel/random/boot_id")
        self.shell.start("/bin/systemctl", "reboot")

        def again() -> bool:
            try:
                return self.shell.sh("cat /proc/sys/kernel/random/boot_id") != before
            except (RuntimeError, OSError):
                return False

        until(again, timeout=1200, what="the restart", every=1)
        asked = "systemctl show -P ExecMainExitTimestampMonotonic neuron-update-verify.service"
        until(lambda: self.shell.sh(asked) not in ("", "0"), timeout=900, what="our unit", every=1)


@contextmanager
def guarded(
    recipe: Recipe, work: Path, packages: list[Path], *, ports: tuple[str, ...] = ()
) -> Iterator[Guarded]:
    """Boot ``recipe`` and install the Guardian with its units and apt's hook."""
    drive = f"file={code_disc(work, packages)},format=raw,if=virtio,readonly=on"
    with Machine(build(recipe), folder=work, memory=512, ports=ports, arguments=("-drive", drive)) as machine:
        machine.wait_ready()
        machine.shell.sh(SETUP, timeout=300)
        yield Guarded(machine)
