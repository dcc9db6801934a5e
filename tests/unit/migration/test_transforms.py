"""What changes in a file on the way."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libneuron.migration.transforms import chromium, firefox, git, jsonc, npm, ssh, vscode
from libneuron.migration.transforms.common import Context, NotUnderstood, Result
from libneuron.migration.windowspath import PathMap, is_windows

PAIRS = (
    ("C:\\Users\\Anna", "/home/anna/From Windows"),
    ("C:\\Users\\Anna\\Documents", "/home/anna/Dokumente"),
    ("C:\\Users\\Anna\\.ssh", "/home/anna/.ssh"),
    ("C:\\Users\\Anna\\AppData", ""),
)


def context(destination: str = "/home/anna/x", existing: bytes | None = None, **params: object) -> Context:
    return Context(destination, PathMap(PAIRS), params, existing)


def codes(result: Result) -> list[str]:
    return [code for code, _params in result.notes]


def text(result: Result) -> str:
    assert result.data is not None
    return result.data.decode()


# Chromium


def test_extension_paths_are_turned_and_foreign_folders_dropped() -> None:
    listed = {
        "a" * 32: {"path": "aaa\\1.0_0"},
        "b" * 32: {"path": "C:\\dev\\mine"},
        "c" * 32: {"path": "C:\\Program Files\\Google\\Chrome\\Application\\1\\resources\\pdf"},
    }
    before = json.dumps({"extensions": {"settings": listed}, "protection": {"macs": {}}}).encode()
    result = chromium.secure_preferences(before, context())
    left = json.loads(text(result))["extensions"]["settings"]
    assert left == {"a" * 32: {"path": "aaa/1.0_0"}}
    assert codes(result) == ["extension-dropped"]


def test_dialog_folders_with_drive_letters_go_and_others_stay() -> None:
    value = {"savefile": {"default_directory": "C:\\x"}, "selectfile": {"last_directory": "/a"}}
    result = chromium.preferences(json.dumps(value).encode(), context())
    assert json.loads(text(result)) == {"savefile": {}, "selectfile": {"last_directory": "/a"}}


def test_preferences_without_anything_to_change_stay_byte_identical() -> None:
    data = b'{ "a" :\n 1 }'
    assert chromium.preferences(data, context()).data == data


def test_local_state_keeps_profiles_and_no_key_of_windows() -> None:
    source = {"profile": {"info_cache": {"Default": {"name": "Anna"}}}, "os_crypt": {"k": 1}}
    result = chromium.local_state(
        json.dumps(source).encode(), context(profiles={"Default": "Default", "Profile 1": "Profile 1"})
    )
    value = json.loads(text(result))
    assert value["profile"]["info_cache"]["Default"]["name"] == "Anna"
    assert "Profile 1" in value["profile"]["info_cache"]
    assert "os_crypt" not in value


def test_local_state_in_use_gets_the_profiles_added() -> None:
    there = {"profile": {"info_cache": {"Default": {"name": "me"}}, "profiles_order": ["Default"]}, "x": 1}
    source = {"profile": {"info_cache": {"Default": {"name": "Anna"}}}}
    result = chromium.local_state(
        json.dumps(source).encode(),
        context(existing=json.dumps(there).encode(), profiles={"Default": "Profile 1"}),
    )
    value = json.loads(text(result))
    assert value["x"] == 1
    assert {name: info["name"] for name, info in value["profile"]["info_cache"].items()} == {
        "Default": "me",
        "Profile 1": "Anna",
    }
    assert value["profile"]["profiles_order"] == ["Default", "Profile 1"]


@pytest.mark.parametrize("transform", [chromium.preferences, chromium.local_state])
def test_broken_json_is_not_understood(transform: object) -> None:
    with pytest.raises(NotUnderstood):
        transform(b"{", context())  # type: ignore[operator]


# Firefox

WINDOWS_PROFILES = b"""[Install308046B0AF4A39CB]\r
Default=Profiles/ab.default-release\r
Locked=1\r
\r
[Profile1]\r
Name=default\r
IsRelative=1\r
Path=Profiles/cd.default\r
Default=1\r
\r
[Profile0]\r
Name=default-release\r
IsRelative=1\r
Path=Profiles/ab.default-release\r
"""
MAPPING = {"Profiles/ab.default-release": "ab.default-release", "Profiles/cd.default": "cd.default"}


def test_a_fresh_firefox_gets_one_default_and_no_install_sections() -> None:
    result = text(firefox.profiles(WINDOWS_PROFILES, context(profiles=MAPPING, installs=[])))
    assert "[Install" not in result
    assert result.count("Default=1") == 1
    assert result.index("Path=ab.default-release") < result.index("Default=1") < result.index("[Profile1]")
    assert "Path=cd.default" in result


def test_a_used_firefox_is_pointed_to_the_profile_and_keeps_its_own() -> None:
    there = b"[Profile0]\nName=default-esr\nIsRelative=1\nPath=zz.default-esr\nDefault=1\n"
    result = text(
        firefox.profiles(
            WINDOWS_PROFILES, context(existing=there, profiles=MAPPING, installs=["4F96D1932A9F858E"])
        )
    )
    assert "[Install4F96D1932A9F858E]\nDefault=ab.default-release\nLocked=1\n" in result
    assert "Path=zz.default-esr" in result
    assert "[Profile1]" in result
    assert "[Profile2]" in result


def test_compatibility_loses_windows_folders_or_goes() -> None:
    data = b"[Compatibility]\r\nLastVersion=1\r\nLastPlatformDir=C:\\x\r\nLastAppDir=C:\\x\\browser\r\n"
    assert text(firefox.compatibility(data, context(installs=[]))) == "[Compatibility]\nLastVersion=1\n"
    gone = firefox.compatibility(data, context(installs=["4F96D1932A9F858E"]))
    assert (gone.data, gone.reason) == (None, "machine-bound")


def test_pkcs11_names_the_new_profile_folder() -> None:
    data = b"library=\r\nname=NSS\r\nparameters=configdir='sql:C:\\\\Users\\\\Anna\\\\x' certPrefix=''\r\n"
    result = text(firefox.pkcs11(data, context("/home/anna/.mozilla/firefox/ab/pkcs11.txt")))
    assert "configdir='sql:/home/anna/.mozilla/firefox/ab' certPrefix=''" in result


# VS Code

SETTINGS = """{
    // colours
    "workbench.colorTheme": "Dark", /* nice */
    "terminal.integrated.defaultProfile.windows": "PowerShell",
    "python.defaultInterpreterPath": "C:\\\\Python\\\\python.exe",
    "files.dialog": "C:\\\\Users\\\\Anna\\\\Documents\\\\code",
    "url": "https://example.org//x", "n": [1, 2,],
    "git.path": "C:/Program Files/Git/git.exe",
}
"""


def test_settings_keep_comments_and_lose_what_only_windows_understands() -> None:
    result = vscode.settings(SETTINGS.encode(), context())
    made = text(result)
    assert "// colours" in made
    assert "/* nice */" in made
    assert jsonc.loads(made) == {
        "workbench.colorTheme": "Dark",
        "files.dialog": "/home/anna/Dokumente/code",
        "url": "https://example.org//x",
        "n": [1, 2],
    }
    assert codes(result) == ["setting-dropped", "setting-dropped", "setting-changed", "setting-dropped"]


def test_no_comma_is_left_before_the_brace() -> None:
    made = text(vscode.settings(b'{"a": 1, "terminal.external.windowsExec": "cmd"}', context()))
    assert json.loads(made) == {"a": 1}


def test_broken_settings_name_the_line() -> None:
    with pytest.raises(NotUnderstood, match="line 2"):
        vscode.settings(b'{"a": 1,\n oops}', context())


NONE: st.SearchStrategy[list[jsonc.Member]] = st.just([])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=6))
def test_plain_json_reads_as_json_does(value: dict[str, object]) -> None:
    assert jsonc.loads(json.dumps(value, indent=2)) == value


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=6), st.data())
def test_dropping_members_leaves_exactly_the_others(value: dict[str, object], data: st.DataObject) -> None:
    written = json.dumps(value, indent=1)
    listed = jsonc.members(written)
    drop = data.draw(st.lists(st.sampled_from(listed), unique_by=lambda one: one.start) if listed else NONE)
    left = {member.key: member.value for member in listed if member not in drop}
    assert json.loads(jsonc.edited(written, listed, drop=drop, change=[])) == left


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused(written: str) -> None:
    with contextlib.suppress(ValueError):
        jsonc.members(written)


# git

GITCONFIG = """\ufeff[user]\r
\tname = Anna "A" Müller\r
[core]\r
\tautocrlf = true\r
\teditor = 'C:/Program Files/Notepad++/notepad++.exe' -multiInst\r
\texcludesfile = C:\\\\Users\\\\Anna\\\\Documents\\\\.gitignore_global\r
\tsshCommand = C:/Windows/System32/OpenSSH/ssh.exe\r
[credential]\r
\thelper = manager-core\r
[credential "https://dev.azure.com"]\r
\tuseHttpPath = true\r
[http]\r
\tsslBackend = schannel\r
\tsslCAInfo = C:/Program Files/Git/mingw64/ssl/certs/ca-bundle.crt\r
[gpg]\r
\tprogram = C:\\\\Program Files (x86)\\\\GnuPG\\\\bin\\\\gpg.exe\r
[includeIf "gitdir/i:C:/Users/Anna/Documents/work/"]\r
\tpath = C:/Users/Anna/Documents/work.gitconfig\r
[includeIf "gitdir:D:/elsewhere/"]\r
\tpath = D:/elsewhere/x\r
[alias]\r
\tlg = log --graph \\\r
 --oneline\r
[safe]\r
\tdirectory = D:/repos/x\r
[url "git@github.com:"]\r
\tinsteadOf = https://github.com/\r
"""


def test_git_itself_reads_the_result_and_no_windows_path_is_left(tmp_path: Path) -> None:
    result = git.config(GITCONFIG.encode(), context())
    path = tmp_path / "config"
    path.write_text(text(result))
    done = subprocess.run(
        ["git", "config", "--file", str(path), "--list"], capture_output=True, text=True, check=True
    )
    values = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert not [line for line in done.stdout.splitlines() if is_windows(line.split("=", 1)[1])]
    assert values["core.autocrlf"] == "input"
    assert values["core.excludesfile"] == "/home/anna/Dokumente/.gitignore_global"
    assert values["user.name"] == "Anna A Müller"
    assert values["alias.lg"] == "log --graph  --oneline"
    assert values["includeif.gitdir/i:/home/anna/Dokumente/work/.path"] == (
        "/home/anna/Dokumente/work.gitconfig"
    )
    assert values["url.git@github.com:.insteadof"] == "https://github.com/"
    assert "credential.helper" not in values
    assert "http.sslcainfo" not in values
    assert "gpg.program" not in values
    assert "elsewhere" not in done.stdout


# ssh


@pytest.fixture(params=["ed25519", "rsa", "ecdsa"])
def key(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "some key.txt"
    kind = ["-m", "PEM"] if request.param == "rsa" else []
    subprocess.run(["ssh-keygen", "-q", "-t", request.param, *kind, "-N", "", "-f", path], check=True)
    return path


def test_a_key_with_windows_lines_and_no_end_is_read_by_ssh_keygen(key: Path) -> None:
    path = key.with_name("out")
    path.write_bytes(key.read_bytes().replace(b"\n", b"\r\n").rstrip())
    path.chmod(0o600)
    # OpenSSH's own format is refused with Windows' lines; PEM is read by OpenSSL, which is kinder.
    assert _readable(path) == (b"BEGIN OPENSSH" not in path.read_bytes())
    path.write_text(text(ssh.file(path.read_bytes(), context())))
    assert _readable(path)


def _readable(path: Path) -> bool:
    done = subprocess.run(["ssh-keygen", "-y", "-f", path], capture_output=True, check=False)
    return done.returncode == 0


def test_modes_follow_content_not_names(key: Path) -> None:
    assert ssh.file(key.read_bytes(), context("/h/.ssh/notes.txt")).mode == 0o600
    assert ssh.file(key.with_name(key.name + ".pub").read_bytes(), context("/h/.ssh/x")).mode == 0o644
    assert ssh.file(b"host ssh-rsa AAAA\r\n", context("/h/.ssh/known_hosts")).mode == 0o644
    assert ssh.file(b"\x00\x01", context("/h/.ssh/blob")) == Result(b"\x00\x01", mode=0o600)


def test_ssh_config_paths_are_mapped_and_ssh_parses_it(tmp_path: Path) -> None:
    before = (
        "Host work\r\n"
        "\tIdentityFile C:\\Users\\Anna\\.ssh\\id work\r\n"
        '    IdentityFile "%USERPROFILE%\\.ssh\\id_b"\r\n'
        "    UserKnownHostsFile ~\\.ssh\\known C:\\nowhere\\known\r\n"
        "    ProxyCommand C:\\Windows\\System32\\OpenSSH\\ssh.exe -W %h:%p jump\r\n"
        "Host *\r\n  ForwardAgent no"
    )
    result = ssh.config(before.encode(), context())
    path = tmp_path / "config"
    path.write_text(text(result))
    path.chmod(0o600)
    done = subprocess.run(["ssh", "-G", "-F", path, "work"], capture_output=True, text=True, check=True)
    assert "identityfile ~/.ssh/id_b" in done.stdout
    assert "proxycommand" not in done.stdout
    assert "\\" not in text(result)
    assert result.mode == 0o600


# npm


def test_npm_keeps_tokens_and_drops_places() -> None:
    data = b"prefix=C:\\npm\r\n//registry.npmjs.org/:_authToken=abc\r\ncafile=C:\\\\ca.pem\r\nfund=false\r\n"
    result = npm.config(data, context())
    assert text(result) == "//registry.npmjs.org/:_authToken=abc\nfund=false\n"
    assert result.mode == 0o600
    assert len(result.notes) == 2
