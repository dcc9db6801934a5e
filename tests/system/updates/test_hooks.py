"""No snapshot, no update: apt, pacman and zypper run for real, on roots of their own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from libneuron.system import btrfs
from libneuron.system.paths import resources
from libneuron.updates import guardian, hooks
from libneuron.updates.errors import UpdateError
from libneuron.updates.store import open_store
from tests.conftest import ROOT
from tests.system.updates.disk import Disk, disk, run


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path, named="@") as made:
        yield made


WITHOUT_BUS = """
import sys
from dataclasses import replace
from libneuron.system.bus import LoopThread
from libneuron.system.calls import BlockingBus
from libneuron.system.files import Root
from neuron_update_guardian import __main__, commands
real, leader = commands.machine, commands.find_leader
commands.find_leader = lambda root, pid: leader(Root(), pid)  # processes are this machine's
commands.machine = lambda options: replace(
    real(options), bus=BlockingBus(LoopThread(), address="unix:path=/gone"))
sys.exit(__main__.main(sys.argv[1:]))
"""


def program(machine: Disk) -> Path:
    """The command that the hooks call: ours, for the test machine, which has a system bus that is dead."""
    made = machine.work / "neuron-update-guardian"
    path = f"{ROOT}:{ROOT}/apps"
    code = machine.work / "program.py"
    code.write_text(WITHOUT_BUS)
    made.write_text(
        f'#!/bin/sh\nPYTHONPATH={path} exec {sys.executable} {code} "$@" --root {machine.point}\n'
    )
    made.chmod(0o755)
    return made


def no_space(machine: Disk) -> None:
    """From now on no snapshot can be taken."""
    (machine.point / "etc/neuron").mkdir(exist_ok=True)
    (machine.point / "etc/neuron/guardian.toml").write_text("free_mib = 1000000\n")


def enough_space(machine: Disk) -> None:
    (machine.point / "etc/neuron").mkdir(exist_ok=True)
    (machine.point / "etc/neuron/guardian.toml").write_text("free_mib = 1\n")


@contextmanager
def swap_file(machine: Disk) -> Iterator[None]:
    swap = machine.point / "swapfile"
    swap.touch(0o600)
    run("chattr", "+C", swap)
    swap.write_bytes(bytes(8 << 20))
    run("mkswap", swap)
    run("swapon", swap)
    try:
        yield
    finally:
        run("swapoff", swap)


@contextmanager
def full_disk(machine: Disk) -> Iterator[None]:
    no_space(machine)
    yield


@contextmanager
def dead_snapperd(machine: Disk) -> Iterator[None]:
    place = machine.point / "etc/snapper/configs"
    place.mkdir(parents=True)
    (place / "root").write_text(f'SUBVOLUME="{machine.point}"\n')
    yield


@contextmanager
def read_only(machine: Disk) -> Iterator[None]:
    """The subvolume with the snapshots takes no writes."""
    with open_store(machine.machine().root, machine.machine().clock) as store:
        assert store.volume is not None
        btrfs.set_readonly(store.volume.path("@neuron"), readonly=True)
    yield


FAILURES = {
    "no space": full_disk,
    "swap file": swap_file,
    "snapperd dead": dead_snapperd,
    "read-only": read_only,
}


class Apt:
    """The host's apt-get and dpkg, pointed at the test machine."""

    def __init__(self, machine: Disk) -> None:
        self.machine = machine
        self.config = machine.work / "apt.conf"
        root = machine.point
        for folder in (
            "etc/apt/apt.conf.d",
            "etc/apt/preferences.d",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
            "var/log/apt",
            "var/lib/dpkg/info",
            "var/lib/dpkg/updates",
        ):
            (root / folder).mkdir(parents=True, exist_ok=True)  # fmt: skip
        (root / "etc/apt/sources.list").write_text("")
        self.config.write_text(
            f'Dir "{root}";\nDir::State::status "{root}/var/lib/dpkg/status";\n'
            f'Dir::Bin::dpkg "/usr/bin/dpkg";\nDir::Bin::Methods "/usr/lib/apt/methods";\n'
            f'DPkg::Options {{ "--root={root}"; "--log=/dev/null"; }};\nDPkg::Path "{os.environ["PATH"]}";\n'
            'APT::Sandbox::User "root";\n'
        )

    def package(self, version: str) -> Path:
        """A package "guest" of one file."""
        tree = self.machine.work / f"deb-{version}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "usr/share/guest").mkdir(parents=True)
        (tree / "usr/share/guest/version").write_text(version)
        (tree / "DEBIAN/control").write_text(
            f"Package: guest\nVersion: {version}\nArchitecture: all\n"
            "Maintainer: x <x@example.org>\nDescription: x\n"
        )
        made = self.machine.work / f"guest_{version}_all.deb"
        run("dpkg-deb", "--build", "--root-owner-group", tree, made)
        return made

    def install(self, package: Path, **env: str) -> subprocess.CompletedProcess[str]:
        words = ["apt-get", "install", "-y", "-q", "--allow-downgrades", str(package)]
        given = {**os.environ, "APT_CONFIG": str(self.config), "DEBIAN_FRONTEND": "noninteractive", **env}
        return subprocess.run(words, env=given, capture_output=True, text=True, check=False, timeout=120)

    def installed(self) -> str:
        place = self.machine.point / "usr/share/guest/version"
        return place.read_text() if place.exists() else ""


def test_apt_takes_a_snapshot_with_the_versions_and_judges_afterwards(machine: Disk) -> None:
    apt = Apt(machine)
    enough_space(machine)
    hooks.install(machine.machine().root, resources(), ("apt",), program=str(program(machine)))
    done = apt.install(apt.package("1"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert apt.installed() == "1"
    (update,) = guardian.history(machine.machine()).updates
    assert (update.tool, update.stage.value, update.healthy) == ("apt", "ended", True)
    assert update.packages == {"guest": ("", "1")}


def test_apt_does_not_start_the_update_without_a_snapshot_unless_told(machine: Disk) -> None:
    apt = Apt(machine)
    no_space(machine)
    hooks.install(machine.machine().root, resources(), ("apt",), program=str(program(machine)))
    package = apt.package("1")
    done = apt.install(package)
    assert done.returncode != 0
    assert "Too little space" in done.stderr
    assert not apt.installed()
    assert apt.install(package, NEURON_UPDATE_WITHOUT_SNAPSHOT="1").returncode == 0
    assert apt.installed() == "1"
    assert guardian.history(machine.machine()).updates[-1].overridden


UNATTENDED = """#!/bin/sh
for package; do apt-get install -y -q "$package" || exit; done
"""


def unattended(apt: Apt, *packages: Path) -> subprocess.CompletedProcess[str]:
    """Several runs of apt by one program whose process has unattended-upgrades' name."""
    made = apt.machine.work / "unattended-upgrade"
    made.write_text(UNATTENDED)
    made.chmod(0o755)
    env = {**os.environ, "APT_CONFIG": str(apt.config), "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(
        [made, *packages], env=env, capture_output=True, text=True, check=False, timeout=240
    )


def test_what_unattended_upgrades_does_in_several_runs_is_one_update(machine: Disk) -> None:
    apt = Apt(machine)
    enough_space(machine)
    hooks.install(machine.machine().root, resources(), ("apt",), program=str(program(machine)))
    done = unattended(apt, apt.package("1"), apt.package("2"), apt.package("3"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert apt.installed() == "3"
    (update,) = guardian.history(machine.machine()).updates
    assert (update.tool, update.stage.value, update.healthy) == ("apt", "ended", True)
    assert update.leader.startswith("unattended-upgr ")
    assert update.packages == {"guest": ("", "3")}, "from before the first run to after the last"
    again = unattended(apt, apt.package("4"))
    assert again.returncode == 0
    assert len(guardian.history(machine.machine()).updates) == 2, "the next day's is another"


def test_offline_updates_of_packagekit_and_dnf_are_wrapped_and_fail_closed(machine: Disk) -> None:
    root = machine.machine().root
    enough_space(machine)
    call = program(machine)
    files = hooks.install(root, resources(), ("packagekit", "dnf"), program=str(call))
    assert [Path(file).parent.name for file in files] == [
        "packagekit-offline-update.service.d",
        "dnf-system-upgrade.service.d",
    ]
    lines = dict(
        line.split("=", 1) for line in root.path(files[0]).read_text().splitlines() if line.startswith("Exec")
    )
    before, after = lines["ExecStartPre"].split(), lines["ExecStopPost"].split()
    generator = machine.point / "run/systemd/generator.early"
    generator.mkdir(parents=True)
    (generator / "default.target").symlink_to("/usr/lib/systemd/system/system-update.target")
    run(*before)
    update = guardian.history(machine.machine()).updates[-1]
    assert (update.tool, update.stage.value, update.offline) == ("offline", "open", True)
    machine.update_badly()
    (generator / "default.target").unlink()  # as after a daemon-reload in the middle of the update
    run(*after)
    update = guardian.history(machine.machine()).updates[-1]
    assert (update.stage.value, update.offline) == ("ended", True)
    assert update.packages == {"app": ("1", "2")}
    no_space(machine)
    refused = subprocess.run(before, capture_output=True, text=True, check=False)
    assert refused.returncode != 0, "ExecStartPre fails: systemd does not start the update"
    assert "Too little space" in refused.stderr
    assert hooks.remove(root, ("packagekit", "dnf")) == files


@pytest.mark.parametrize("failure", FAILURES)
def test_apt_and_zypper_and_dnf5_do_not_start_whatever_keeps_the_snapshot_away(
    machine: Disk, failure: str
) -> None:
    apt = Apt(machine)
    enough_space(machine)
    (machine.work / "suse").mkdir()
    root = machine.machine().root
    hooks.install(root, resources(), ("apt", "zypper", "dnf5"), program=str(program(machine)))
    package = apt.package("1")
    with FAILURES[failure](machine):
        done = apt.install(package)
        assert done.returncode != 0
        assert not apt.installed()
        refused = zypper(machine, "install", "nothing")
        assert refused.returncode != 0
        assert "nothing" not in refused.stdout, "zypper itself was not started"
        assert dnf5_begins(machine) != 0


def test_dnf5_is_told_to_stop_on_failure_and_to_go_on_otherwise(machine: Disk) -> None:
    enough_space(machine)
    hooks.install(machine.machine().root, resources(), ("dnf5",), program=str(program(machine)))
    assert dnf5_begins(machine) == 0
    assert guardian.history(machine.machine()).open is not None


def dnf5_begins(machine: Disk) -> int:
    """What libdnf5's actions plugin does before a transaction (libdnf5-actions(8)); there is no dnf5 in
    Debian: the status with which it would go on (0) or stop."""
    text = (machine.point / hooks.MANAGERS["dnf5"][0].target.lstrip("/")).read_text()
    lines = [line.split(":", 4) for line in text.splitlines() if line.startswith("pre_transaction:")]
    ((_callback, package_filter, direction, options, command),) = lines
    assert (package_filter, direction) == ("", ""), "once per transaction, not per package"
    assert "raise_error=1" in options.split()
    return subprocess.run(command.split(), capture_output=True, check=False, timeout=60).returncode


def test_apt_refuses_exactly_the_version_that_was_rolled_back(machine: Disk) -> None:
    apt = Apt(machine)
    enough_space(machine)
    hooks.install(machine.machine().root, resources(), ("apt",), program=str(program(machine)))
    two, three = apt.package("2"), apt.package("3")
    assert apt.install(two).returncode == 0
    guardian.roll_back(machine.machine(), None)
    machine.restart()
    over = guardian.resume(machine.machine())
    assert over is not None
    assert over.outcome == "restored"
    assert apt.installed() == ""
    refused = apt.install(two)
    assert refused.returncode != 0
    assert "guest 2" in refused.stderr
    assert apt.install(three).returncode == 0
    assert apt.installed() == "3"


def busybox_answering(machine: Disk) -> tuple[str, threading.Thread]:
    """pacman runs hooks inside its root: a shell in there passes each call on to the real command outside."""
    root = machine.point
    (root / "bin").mkdir(exist_ok=True)
    run("cp", "/bin/busybox", root / "bin/busybox")
    (root / "bin/sh").symlink_to("busybox")
    (root / "run").mkdir(exist_ok=True)
    for name in ("ask", "answer"):
        os.mkfifo(root / "run" / name)
    shim = root / "usr/bin/neuron-update-guardian"
    shim.write_text('#!/bin/sh\necho "$*" >/run/ask\nread status </run/answer\nexit "$status"\n')
    shim.chmod(0o755)
    real = program(machine)

    def serve() -> None:
        while True:
            with (root / "run/ask").open() as ask:
                words = ask.read().split()
            if words == ["stop"]:
                return
            done = subprocess.run([real, *words], capture_output=True, check=False, timeout=60)
            (root / "run/answer").write_text(f"{done.returncode}\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return "/usr/bin/neuron-update-guardian", thread


def pacman_package(machine: Disk) -> Path:
    made = machine.work / "guest-1-1-any.pkg.tar"
    info = "pkgname = guest\npkgbase = guest\npkgver = 1-1\npkgdesc = x\narch = any\nsize = 1\n"
    with tarfile.open(made, "w") as archive:
        for name, text in ((".PKGINFO", info), ("usr/share/guest-version", "1")):
            item = tarfile.TarInfo(name)
            item.size = len(text)
            archive.addfile(item, io.BytesIO(text.encode()))
    return made


@pytest.mark.parametrize("failure", ["", *FAILURES])
def test_pacman_updates_only_with_a_snapshot(machine: Disk, failure: str) -> None:
    enough_space(machine)
    if failure:
        with FAILURES[failure](machine):
            pacman_tries(machine, can=False)
    else:
        pacman_tries(machine, can=True)


def pacman_tries(machine: Disk, *, can: bool) -> None:
    root = machine.point
    (root / "var/lib/dpkg/status").unlink()
    (root / "var/lib/pacman/local").mkdir(parents=True)
    config = machine.work / "pacman.conf"
    config.write_text("[options]\nArchitecture = auto\nSigLevel = Never\nLocalFileSigLevel = Never\n")
    name, thread = busybox_answering(machine)
    hooks.install(machine.machine().root, resources(), ("pacman",), program=name)
    done = subprocess.run(
        ["pacman", "--config", config, "--root", root, "--dbpath", root / "var/lib/pacman", "--cachedir",
        machine.work,
         "--hookdir", root / "etc/pacman.d/hooks", "--logfile", machine.work / "pacman.log",
         "--noconfirm", "-U",
         pacman_package(machine)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    (root / "run/ask").write_text("stop\n")
    thread.join(20)
    assert (done.returncode == 0) is can, done.stdout + done.stderr
    assert (root / "usr/share/guest-version").exists() is can
    if can:
        last = guardian.history(machine.machine()).updates[-1]
        assert last.stage.value == "ended"
        assert last.packages == {"guest": ("", "1-1")}
        guardian.roll_back(machine.machine(), None)
        machine.restart()
        over = guardian.resume(machine.machine())
        assert over is not None
        assert over.outcome == "restored"
        assert not (root / "var/lib/pacman/db.lck").exists(), (
            "the lock of the snapshot's moment is not restored"
        )


def zypper(machine: Disk, *words: str) -> subprocess.CompletedProcess[str]:
    """Our wrapper around the real zypper."""
    wrapper = machine.point / "usr/local/bin/zypper"
    given = [str(wrapper), "--root", str(machine.work / "suse"), "--non-interactive", *words]
    return subprocess.run(given, capture_output=True, text=True, check=False, timeout=120)


def test_zypper_updates_only_with_a_snapshot_and_looks_without(machine: Disk) -> None:
    (machine.work / "suse").mkdir()
    enough_space(machine)
    hooks.install(machine.machine().root, resources(), ("zypper",), program=str(program(machine)))
    looked = zypper(machine, "repos")
    assert looked.returncode == 6, "6 is zypper's own: no repositories"
    assert not guardian.history(machine.machine()).updates
    tried = zypper(machine, "install", "nothing")
    assert tried.returncode == 104 or "nothing" in tried.stdout, "zypper itself was asked"
    assert guardian.history(machine.machine()).updates[-1].stage.value == "ended"
    no_space(machine)
    refused = zypper(machine, "install", "nothing")
    assert "Too little space" in refused.stderr
    assert "nothing" not in refused.stdout, "zypper was not started"


def test_a_strangers_file_is_never_overwritten_and_removing_takes_only_ours(machine: Disk) -> None:
    root = machine.machine().root
    foreign = machine.point / "etc/apt/apt.conf.d/05neuron-update-guardian"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("// mine\n")
    with pytest.raises(UpdateError):
        hooks.install(root, resources(), ("apt",), program="/usr/bin/x")
    assert foreign.read_text() == "// mine\n"
    hooks.install(root, resources(), ("pacman", "dnf5"), program="/usr/bin/neuron-update-guardian")
    assert set(hooks.remove(root, ())) == {
        item.target for name in ("pacman", "dnf5") for item in hooks.MANAGERS[name]
    }
    assert foreign.exists()


def test_the_command_line_keeps_its_contract(machine: Disk) -> None:
    guard = program(machine)
    enough_space(machine)
    (machine.point / "etc/passwd").write_text("root:x:0:0::/root:/usr/bin/app\n")

    def say(*words: str) -> tuple[int, dict[str, object]]:
        done = subprocess.run(
            [guard, *words, "--json"], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.stdout.count("\n") == 1, done.stderr
        return done.returncode, json.loads(done.stdout)

    base = machine.work / "base.json"
    status, before = say("check")
    base.write_text(json.dumps(before))
    assert {"healthy", "checks", "regressions"} <= set(before)
    checks = before["checks"]
    assert isinstance(checks, list)
    assert {"id", "ok", "required", "state", "detail", "ms"} <= set(checks[0])
    assert status in (0, 1, 3)
    (machine.point / "etc/passwd").write_text("root:x:0:0::/root:/bin/gone\n")
    status, after = say("check", "--baseline", str(base))
    assert (status, after["regressions"], after["healthy"]) == (1, ["accounts"], False)
    assert say("begin", "--tool", "x")[0] == 0
    assert say("status")[1]["open"] is True
    assert say("end")[0] in (0, 3)
    assert say("check", "--baseline", "1")[0] in (0, 3)
    assert say("rollback", "--dry-run")[1]["target"] == "@neuron/points/1"
    assert say("points")[1]["others"] == []
    assert say("pin", "1")[1] == {"update": "1", "pinned": True}
    assert say("settings", "--keep", "5", "--skip", "ssh")[1]["skip"] == ["ssh"]
    assert say("settings", "--do", "ssh")[1]["keep"] == 5
    assert say("settings", "--keep", "1")[0] != 0
    (machine.point / "etc/app.conf").write_text("changed\n")
    assert say("restore", "1")[1]["files"]
    assert say("restore", "1", "/etc/app.conf")[1]["kept"] == "/etc/app.conf.before-restore"
    report = machine.work / "report.json"
    assert say("report", "--output", str(report))[1] == {"file": str(report)}
    assert json.loads(report.read_text())["settings"]["keep"] == 5
    assert say("diff", "1")[1] == {"packages": {}}
    assert say("rollback", "99")[1]["error"] is not None
    assert say("doctor")[1]["findings"]
    assert say("confirm")[1] == {"update": "1"}
    assert say("rollback", "1")[1]["state"] == "waits-for-restart"
    assert say("history")[1]["rollbacks"]
