"""PuTTY and WSL from a real registry hive, keys of the real puttygen, the result read by the real ssh."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest

from tests.system.migration import hive
from tests.unit.migration.maker import Lab, progress, report, totals, tree

SESSIONS = "Software\\SimonTatham\\PuTTY\\Sessions\\"
KEYS = {"plain": "ed25519", "rsa": "rsa", "curve": "ecdsa"}


def puttygen(path: Path, kind: str, *, version: int = 3, phrase: str = "") -> str:
    """Make a key; returns its public half as OpenSSH writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    secret = path.with_name("phrase")
    secret.write_text(phrase)
    words: list[str | Path] = ["--random-device", "/dev/urandom", "--new-passphrase", str(secret)]
    words += ["--ppk-param", f"version={version}", "-C", "anna@windows"]
    words += ["-b", "2048"] if kind == "rsa" else []
    subprocess.run(["puttygen", "-q", "-t", kind, *words, "-o", path], check=True)
    told: list[str | Path] = ["puttygen", path, "--old-passphrase", secret, "-O", "public-openssh"]
    made = subprocess.run(told, check=True, capture_output=True, text=True).stdout
    secret.unlink()
    return " ".join(made.split()[:2])


def ssh(lab: Lab, host: str) -> dict[str, list[str]]:
    """What ssh makes of the home's config for a host."""
    words = ["ssh", "-G", "-F", str(lab.home / ".ssh/config"), host]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    return found


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(tmp_path).make({"Documents/a.txt": "a"})
    profile = "C:\\Users\\Anna"
    hive.make_keys(
        made.profile / "NTUSER.DAT",
        {
            SESSIONS + "Default%20Settings": {"HostName": ""},
            SESSIONS + "work": {
                "HostName": "work.example.org", "UserName": "anna", "PortNumber": 2222, "Protocol": "ssh",
                "PublicKeyFile": profile + "\\Documents\\keys\\plain.ppk",
            },
            SESSIONS + "my%20lab": {"HostName": "lab", "PublicKeyFile": profile + "\\locked.ppk"},
            SESSIONS + "evil": {"HostName": "h\nProxyCommand reboot", "Protocol": "ssh"},
            SESSIONS + "console": {"HostName": "COM1", "Protocol": "serial"},
            "Software\\Microsoft\\Windows\\CurrentVersion\\Lxss\\{1}": {
                "BasePath": "\\\\?\\" + profile + "\\linux\\Debian", "DistributionName": "Debian",
            },
        },
    )  # fmt: skip
    return made


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_key_without_a_passphrase_is_read_by_ssh(lab: Lab, kind: str, version: int) -> None:
    public = puttygen(lab.profile / "Documents/keys/plain.ppk", kind, version=version)
    run = lab.migrate()
    key = lab.home / ".ssh/plain"
    done = subprocess.run(["ssh-keygen", "-y", "-f", key], check=True, capture_output=True, text=True)
    assert " ".join(done.stdout.split()[:2]) == public
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert totals(run).failed == 0


def test_sessions_become_hosts_and_keys_are_named(lab: Lab) -> None:
    puttygen(lab.profile / "Documents/keys/plain.ppk", "ed25519")
    puttygen(lab.profile / "locked.ppk", "ed25519", phrase="secret")
    run = lab.migrate()
    work = ssh(lab, "work")
    assert (work["hostname"], work["user"], work["port"]) == (["work.example.org"], ["anna"], ["2222"])
    assert work["identityfile"] == ["~/.ssh/plain"]
    assert ssh(lab, "my-lab")["hostname"] == ["lab"]
    assert "ProxyCommand" not in (lab.home / ".ssh/config").read_text()
    assert (lab.home / ".ssh/locked.ppk").read_bytes() == (lab.profile / "locked.ppk").read_bytes()
    text = json.dumps(report(run), ensure_ascii=False)
    assert "puttygen ~/.ssh/locked.ppk -O private-openssh-new -o ~/.ssh/locked" in text
    assert "were left out: console, evil" in text
    for name in (".ssh/config", ".ssh/plain", ".ssh/locked.ppk"):
        assert stat.S_IMODE((lab.home / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((lab.home / ".ssh").stat().st_mode) == 0o700


def test_the_command_in_the_report_makes_the_key_that_the_config_names(lab: Lab, tmp_path: Path) -> None:
    public = puttygen(lab.profile / "locked.ppk", "ed25519", phrase="secret")
    lab.migrate()
    (tmp_path / "phrase").write_text("secret")
    (tmp_path / "none").write_text("")
    folder = lab.home / ".ssh"
    words: list[str | Path] = [
        "-O",
        "private-openssh-new",
        "-o",
        folder / "locked",
        "--old-passphrase",
        tmp_path / "phrase",
    ]
    subprocess.run(
        ["puttygen", folder / "locked.ppk", *words, "--new-passphrase", tmp_path / "none"], check=True
    )
    key = Path(ssh(lab, "my-lab")["identityfile"][0].replace("~", str(lab.home)))
    done = subprocess.run(["ssh-keygen", "-y", "-f", key], check=True, capture_output=True, text=True)
    assert " ".join(done.stdout.split()[:2]) == public


def test_sessions_join_the_config_of_windows_and_that_of_the_home(lab: Lab) -> None:
    (lab.profile / ".ssh").mkdir()
    (lab.profile / ".ssh/config").write_text("Host windows\r\n  User w\r\n")
    (lab.home / ".ssh").mkdir()
    (lab.home / ".ssh/config").write_text("Host work\n  User mine\n")
    before = tree(lab.home, times=True)
    run = lab.migrate()
    assert ssh(lab, "work")["user"] == ["mine"]
    assert ssh(lab, "work")["port"] == ["2222"]
    assert ssh(lab, "windows")["user"] == ["w"]
    assert totals(run).kept_both == 0
    run.undo(progress())
    assert tree(lab.home, times=True) == before


def test_sessions_are_merged_where_only_the_home_has_a_config(lab: Lab) -> None:
    (lab.home / ".ssh").mkdir()
    (lab.home / ".ssh/config").write_text("Host work\n  User mine\n")
    before = tree(lab.home, times=True)
    run = lab.migrate()
    assert (ssh(lab, "work")["user"], ssh(lab, "work")["port"]) == (["mine"], ["2222"])
    run.undo(progress())
    assert tree(lab.home, times=True) == before


def test_sessions_stay_away_where_the_person_left_putty_out(lab: Lab) -> None:
    (lab.profile / ".ssh").mkdir()
    (lab.profile / ".ssh/config").write_text("Host windows\r\n  User w\r\n")
    lab.migrate(frozenset({"ssh"}))
    assert (lab.home / ".ssh/config").read_text() == "Host windows\n  User w\n"


def test_disks_of_wsl_are_left_out_and_told(lab: Lab) -> None:
    places = ("linux/Debian", "AppData/Local/Packages/Canonical.Ubuntu_x/LocalState", "AppData/Local/wsl/{2}")
    for place in places:
        (lab.profile / place).mkdir(parents=True)
        (lab.profile / place / "ext4.vhdx").write_bytes(b"vhdxfile")
    run = lab.migrate()
    text = json.dumps(report(run), ensure_ascii=False)
    for place in places:
        assert f"-a “Users/Anna/{place}/ext4.vhdx” -m /dev/sda" in text
    assert not list(lab.home.rglob("*.vhdx"))
    assert totals(run).failed == 0
