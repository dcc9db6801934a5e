"""A home in use: settings of Windows are added to the person's, whose own values stay what they were."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libneuron.migration.transforms import git, jsonc, npm, ssh, vscode
from libneuron.migration.transforms.common import Context
from libneuron.migration.windowspath import PathMap
from tests.unit.migration.maker import Lab, progress, report, totals, tree

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def merged(existing: bytes | str, siblings: Mapping[str, str] | None = None) -> Context:
    data = existing.encode() if isinstance(existing, str) else existing
    return Context("/h/x", PathMap(()), {}, data, siblings or {})


# git, asked what it makes of the file

KEYS = st.sampled_from(["user.name", "user.email", "core.editor", "alias.st", "url.ssh://x/.insteadOf"])
GIT = st.lists(st.tuples(KEYS, st.sampled_from(["one", "two", "three"])), max_size=5)


def git_text(values: list[tuple[str, str]]) -> str:
    text = ""
    for key, value in values:
        section, _, rest = key.partition(".")
        sub, _, name = rest.rpartition(".")
        text += (f'[{section} "{sub}"]' if sub else f"[{section}]") + f"\n\t{name} = {value}\n"
    return text


def git_values(path: Path, data: bytes) -> dict[str, list[str]]:
    path.write_bytes(data)
    done = subprocess.run(
        ["git", "config", "-f", path, "--includes", "--list", "-z"],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, list[str]] = {}
    for one in done.stdout.split("\0")[:-1]:
        key, _, value = one.partition("\n")
        found.setdefault(key, []).append(value)
    return found


@SLOW
@given(own=GIT, theirs=GIT, mark=st.booleans())
def test_git_gives_the_persons_own_values_as_before(
    tmp_path: Path, own: list[tuple[str, str]], theirs: list[tuple[str, str]], mark: bool
) -> None:
    existing = (b"\xef\xbb\xbf" if mark else b"") + (git_text(own) + "# mine").encode()
    result = git.config(git_text(theirs).encode(), merged(existing))
    assert result.data is not None and result.data.endswith(existing.removeprefix(b"\xef\xbb\xbf"))
    before, after = git_values(tmp_path / "own", existing), git_values(tmp_path / "merged", result.data)
    assert {key: after[key][-1] for key in before} == {key: values[-1] for key, values in before.items()}
    told = {params["key"] for _code, params in result.notes}
    for key, value in theirs:
        known = [each for name, each in after.items() if name.lower() == key.lower()]
        assert any(value in each for each in known) or key in told


def test_what_the_person_includes_wins_over_windows(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("[user]\n\temail = mine@work\n")
    existing = f"[include]\n\tpath = {tmp_path}/work\n".encode()
    result = git.config(b"[user]\r\n\temail = old@windows\r\n\tname = Anna\r\n", merged(existing))
    found = git_values(tmp_path / "merged", result.data or b"")
    assert (found["user.email"][-1], found["user.name"][-1]) == ("mine@work", "Anna")


# ssh, asked what it makes of the file

HOSTS = ["a", "b", "c"]
BLOCK = st.tuples(
    st.sampled_from(["", *HOSTS, "*"]),
    st.dictionaries(
        st.sampled_from(["User", "Port", "HostName"]), st.sampled_from(["7001", "7002"]), min_size=1
    ),
)
SSH = st.lists(BLOCK, max_size=4)


def ssh_text(blocks: list[tuple[str, dict[str, str]]]) -> str:
    text = ""
    for host, values in sorted(blocks, key=lambda block: block[0] != ""):
        text += (f"Host {host}\n" if host else "") + "".join(
            f"  {key} {word}\n" for key, word in values.items()
        )
    return text


def ssh_values(path: Path, data: bytes, host: str) -> dict[str, str]:
    path.write_bytes(data)
    path.chmod(0o600)
    done = subprocess.run(["ssh", "-G", "-F", path, host], check=True, capture_output=True, text=True)
    lines = (line.partition(" ") for line in done.stdout.splitlines())
    return {key: value for key, _, value in lines if key in ("user", "port", "hostname")}


@SLOW
@given(own=SSH, theirs=SSH)
def test_ssh_gives_the_persons_own_values_as_before(
    tmp_path: Path, own: list[tuple[str, dict[str, str]]], theirs: list[tuple[str, dict[str, str]]]
) -> None:
    existing, windows = ssh_text(own).encode().rstrip(b"\n"), ssh_text(theirs).encode()
    result = ssh.config(windows, merged(existing))
    assert result.data is not None and result.data.startswith(existing)
    for host in HOSTS:
        unset = ssh_values(tmp_path / "none", b"", host)
        before = ssh_values(tmp_path / "own", existing, host)
        alone = ssh_values(tmp_path / "windows", windows, host)
        after = ssh_values(tmp_path / "merged", result.data, host)
        for key, value in after.items():
            # The person's where they set it, else that of Windows.
            assert value == (before[key] if before[key] != unset[key] else alone[key])
    assert ssh.config(windows, merged(result.data)).data == result.data


def test_a_key_that_had_to_take_another_name_is_found_under_it() -> None:
    data = b"Host work\r\n  IdentityFile ~/.ssh/id_rsa\r\n"
    result = ssh.config(data, merged("", {"id_rsa": "id_rsa (from Windows)"}))
    assert result.data == (
        b'Host work\n  IdentityFile "~/.ssh/id_rsa (from Windows)"\n  IdentityFile ~/.ssh/id_rsa\n'
    )


@given(
    own=st.lists(st.sampled_from(["h1 ssh-rsa A", "h2 ssh-rsa B", "# mine", ""])),
    theirs=st.lists(st.sampled_from(["h1 ssh-rsa A", "h2 ssh-rsa C", "h3 ssh-rsa D"])),
)
def test_known_hosts_are_added_once(own: list[str], theirs: list[str]) -> None:
    existing = "\n".join(own).encode()
    data = ssh.known_hosts("\r\n".join(theirs).encode(), merged(existing)).data or b""
    assert data.startswith(existing)
    added = data[len(existing) :].decode().split("\n")
    assert sorted(filter(None, added)) == sorted(set(theirs) - set(own))


# npm and VS Code

NPM = st.dictionaries(
    st.sampled_from(["registry", "//r/:_authToken", "save-exact", "email"]),
    st.sampled_from(["x", "y"]),
    max_size=4,
)


@given(own=NPM, theirs=NPM)
def test_npm_takes_the_persons_own_values(own: dict[str, str], theirs: dict[str, str]) -> None:
    def text(values: dict[str, str]) -> str:
        return "".join(f"{key}={value}\n" for key, value in values.items())

    result = npm.config(text(theirs).encode(), merged(text(own) + "[mine]\nx=1\n"))
    data = (result.data or b"").decode()
    assert data.endswith(text(own) + "[mine]\nx=1\n")
    last = dict(line.split("=", 1) for line in data.splitlines() if "=" in line)
    assert last == theirs | own | {"x": "1"}
    told = {params["key"] for _code, params in result.notes}
    assert told == {key for key in theirs if key in own and own[key] != theirs[key]}
    assert all(
        params["value"] == "…" for _code, params in result.notes if params["key"].endswith("_authToken")
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
OBJECT = st.dictionaries(st.sampled_from(["a.b", "editor.x", "ü", ""]), JSON, max_size=4)
ENDINGS = st.sampled_from(["", " // last", ",", " /* , */ ,  // c"])


@given(own=OBJECT, theirs=OBJECT, ending=ENDINGS)
def test_vscode_keeps_the_persons_own_values_and_comments(
    own: dict[str, object], theirs: dict[str, object], ending: str
) -> None:
    inner = json.dumps(own)[1:-1]
    existing = "// mine\n{" + inner + (ending if own or "," not in ending else "") + "\n}\n"
    data = (vscode.settings(json.dumps(theirs).encode(), merged(existing)).data or b"").decode()
    assert jsonc.loads(data) == theirs | own
    assert data.startswith("// mine\n{" + inner)
    assert ending not in existing or ending in data


# Whole runs

WINDOWS: dict[str, bytes | str] = {
    ".gitconfig": "[user]\r\n\tname = Anna\r\n\temail = old@windows\r\n[core]\r\n\tautocrlf = true\r\n",
    ".ssh/config": "Host work\r\n  User anna\r\n  IdentityFile ~/.ssh/id_x\r\n",
    ".ssh/known_hosts": "work ssh-rsa AAAA\r\n",
    ".ssh/id_x": "-----BEGIN OPENSSH PRIVATE KEY-----\r\ntheirs\r\n",
    ".npmrc": "//registry/:_authToken=windows\r\nregistry=https://w/\r\n",
    "AppData/Roaming/Code/User/settings.json": '{"editor.fontSize": 12, "files.eol": "\\r\\n"}',
    "AppData/Roaming/Code/User/tasks.json": '{"version": "2.0.0", "tasks": [1]}',
}
OWN: dict[str, bytes | str] = {
    ".gitconfig": "[user]\n\temail = mine@linux\n",
    ".ssh/config": "Host home\n  User me",
    ".ssh/known_hosts": "home ssh-rsa BBBB\n",
    ".ssh/id_x": "mine",
    ".npmrc": "registry=https://mine/\n",
    ".config/Code/User/settings.json": '{\n    // big\n    "editor.fontSize": 20,\n}\n',
    ".config/Code/User/tasks.json": '{"version": "2.0.0", "tasks": [2]}',
}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(tmp_path).make(WINDOWS, OWN)
    for name in OWN:
        (made.home / name).chmod(0o640 if name == ".gitconfig" else 0o600)
        os.utime(made.home / name, ns=(5, 1_000_000_007))
    return made


def test_settings_of_a_home_in_use_are_merged_and_undo_restores_every_byte(lab: Lab) -> None:
    before = tree(lab.home, times=True)
    run = lab.migrate()
    home = lab.home
    for name in (".gitconfig", ".ssh/config", ".ssh/known_hosts", ".npmrc"):
        assert str(OWN[name]).encode() in (home / name).read_bytes()
    assert stat.S_IMODE((home / ".gitconfig").stat().st_mode) == 0o640
    assert "name = Anna" in (home / ".gitconfig").read_text()
    assert "old@windows" not in (home / ".gitconfig").read_text()
    assert "work ssh-rsa AAAA" in (home / ".ssh/known_hosts").read_text()
    assert 'IdentityFile "~/.ssh/id_x (from Windows)"' in (home / ".ssh/config").read_text()
    assert (home / ".ssh/id_x").read_text() == "mine"
    assert "_authToken=windows" in (home / ".npmrc").read_text()
    code = jsonc.loads((home / ".config/Code/User/settings.json").read_text())
    assert code == {"editor.fontSize": 20, "files.eol": "\r\n"}
    assert (home / ".config/Code/User/tasks.json").read_text() == OWN[".config/Code/User/tasks.json"]
    assert (home / ".config/Code/User/tasks (from Windows).json").exists()
    text = json.dumps(report(run))
    assert "old@windows" in text and "Yours was kept for editor.fontSize" in text
    assert totals(run).failed == 0
    run.undo(progress())
    assert tree(lab.home, times=True) == before


def test_a_second_migration_adds_nothing_more(lab: Lab) -> None:
    lab.migrate()
    merged_names = (
        ".gitconfig",
        ".ssh/config",
        ".ssh/known_hosts",
        ".npmrc",
        ".config/Code/User/settings.json",
    )
    before = {name: (lab.home / name).read_bytes() for name in merged_names}
    lab.migrate()
    assert {name: (lab.home / name).read_bytes() for name in merged_names} == before


def test_a_file_that_cannot_be_merged_stays_and_gets_a_neighbour(tmp_path: Path) -> None:
    path = ".config/Code/User/settings.json"
    lab = Lab(tmp_path).make(WINDOWS, {path: "{ this is broken"})
    before = tree(lab.home, times=True)
    run = lab.migrate()
    assert (lab.home / path).read_text() == "{ this is broken"
    assert (lab.home / ".config/Code/User/settings (from Windows).json").read_bytes() == str(
        WINDOWS["AppData/Roaming/Code/User/settings.json"]
    ).encode()
    assert totals(run).kept_both == 1
    run.undo(progress())
    assert tree(lab.home, times=True) == before


def test_a_merged_file_that_was_changed_since_is_kept_aside_by_undo(lab: Lab) -> None:
    run = lab.migrate()
    with (lab.home / ".gitconfig").open("a") as file:
        file.write("[alias]\n\tmine = log\n")
    done = run.undo(progress())
    assert done.kept == ["Kept from Windows/.gitconfig"]
    assert "mine = log" in (lab.home / done.kept[0]).read_text()
    assert (lab.home / ".gitconfig").read_text() == OWN[".gitconfig"]
