"""Mail and other programs, in the form their own files have in Windows."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from libneuron.migration.transforms import filezilla, thunderbird
from libneuron.migration.transforms.common import Context, NotUnderstood
from libneuron.migration.windowspath import PathMap, is_windows
from tests.unit.migration.maker import Lab, report, totals

PATHS = PathMap((("C:\\Users\\Anna", ""), ("C:\\Users\\Anna\\Documents", "/home/anna/Documents")))
PROFILES = "C:\\\\Users\\\\Anna\\\\AppData\\\\Roaming\\\\Thunderbird\\\\Profiles"
PREFS = (
    "// Mozilla User Preferences\r\n"
    'user_pref("app.update.lastUpdateTime.x", 1700000000);\r\n'
    f'user_pref("mail.root.none", "{PROFILES}\\\\ab.default\\\\Mail");\r\n'
    'user_pref("mail.root.none-rel", "[ProfD]Mail");\r\n'
    f'user_pref("mail.server.server1.directory", "{PROFILES}\\\\ab.default\\\\ImapMail'
    '\\\\mail.example.org");\r\n'
    'user_pref("mail.server.server1.hostname", "mail.example.org");\r\n'
    'user_pref("mail.server.server2.directory", "D:\\\\Mail\\\\Old");\r\n'
    'user_pref("mail.identity.id1.fullName", "Anna \\u00c4");\r\n'
)
SITES = """<?xml version="1.0" encoding="UTF-8"?>
<FileZilla3 version="3.66.5" platform="windows">
\t<Servers>
\t\t<Server>
\t\t\t<Host>ftp.example.org</Host>
\t\t\t<Pass encoding="base64">c2VjcmV0</Pass>
\t\t\t<LocalDir>C:\\Users\\Anna\\Documents\\site &amp; co</LocalDir>
\t\t\t<RemoteDir>1 0 3 www</RemoteDir>Example</Server>
\t</Servers>
\t<Settings><Setting name="Last local directory">D:\\away</Setting></Settings>
</FileZilla3>
"""


def context() -> Context:
    return Context("/home/anna/x", PATHS)


def test_thunderbirds_folders_become_relative_to_the_profile() -> None:
    result = thunderbird.prefs(PREFS.encode(), context())
    made = (result.data or b"").decode()
    assert 'user_pref("mail.server.server1.directory-rel", "[ProfD]ImapMail/mail.example.org");\n' in made
    assert 'user_pref("mail.root.none-rel", "[ProfD]Mail");\n' in made
    assert 'user_pref("mail.identity.id1.fullName", "Anna \\u00c4");\n' in made
    assert not any(is_windows(line.replace("\\\\", "\\")) for line in made.splitlines())
    assert result.notes == (
        ("setting-dropped", {"key": "mail.server.server2.directory", "value": "D:\\Mail\\Old"}),
    )


def test_what_is_no_preferences_file_is_left_alone() -> None:
    with pytest.raises(NotUnderstood):
        thunderbird.prefs(b"<html>", context())


def test_filezilla_keeps_sites_and_maps_folders() -> None:
    result = filezilla.xml(SITES.encode(), context())
    made = ElementTree.fromstring(result.data or b"")
    assert made.findtext(".//Pass") == "c2VjcmV0"
    assert made.findtext(".//LocalDir") == "/home/anna/Documents/site & co"
    assert made.findtext(".//RemoteDir") == "1 0 3 www"
    assert (made.findtext(".//Setting") or "") == ""
    assert [code for code, _params in result.notes] == ["setting-changed", "setting-dropped"]
    with pytest.raises(NotUnderstood):
        filezilla.xml(b"<FileZilla3>", context())


def lab(tmp_path: Path, installed: str = "") -> Lab:
    made = Lab(tmp_path).make(
        {
            "AppData/Roaming/Thunderbird/profiles.ini": "[Profile0]\r\nName=default\r\nIsRelative=1\r\n"
            "Path=Profiles/ab.default\r\nDefault=1\r\n",
            "AppData/Roaming/Thunderbird/Profiles/ab.default/prefs.js": PREFS,
            "AppData/Roaming/Thunderbird/Profiles/ab.default/Mail/Local Folders/Inbox": "From - Mon\r\n",
            "AppData/Roaming/Thunderbird/Profiles/ab.default/compatibility.ini": "[Compatibility]\r\n"
            "LastVersion=140.2.0_20250901/20250901\r\nLastPlatformDir=C:\\x\r\n",
            "AppData/Local/Thunderbird/Profiles/ab.default/cache2/x": "x",
            "AppData/Roaming/FileZilla/sitemanager.xml": SITES,
            "AppData/Roaming/FileZilla/queue.sqlite3": "x",
            "AppData/Roaming/JetBrains/PyCharm2024.1/keymaps/mine.xml": "<keymap/>",
            "AppData/Roaming/JetBrains/PyCharm2024.1/options/windows/x.xml": "<x/>",
            "AppData/Roaming/JetBrains/PyCharm2024.1/plugins/a/b.jar": "PK",
            "AppData/Roaming/Notepad++/backup/new 1@2024": "never saved",
            "AppData/Local/Packages/Microsoft.WindowsTerminal_8wekyb3d8bbwe/LocalState/settings.json": "{}",
            "AppData/Local/Microsoft/Outlook/archive.pst": "!BDN",
            "AppData/Local/Microsoft/Outlook/anna@example.org.ost": "!BDN",
            "AppData/Roaming/Opera Software/Opera Stable/Local State": "{}",
            "AppData/Roaming/Opera Software/Opera Stable/Default/Bookmarks": "{}",
        }
    )
    if installed:
        place = tmp_path / "machine/usr/lib/thunderbird"
        place.mkdir(parents=True)
        (place / "application.ini").write_text(f"[App]\nVersion={installed}\n")
    return made


def test_each_program_arrives_where_linux_looks_for_it(tmp_path: Path) -> None:
    made = lab(tmp_path)
    run = made.migrate()
    home = made.home
    assert totals(run).failed == 0
    assert "Path=ab.default" in (home / ".thunderbird/profiles.ini").read_text()
    assert (home / ".thunderbird/ab.default/Mail/Local Folders/Inbox").exists()
    assert "[ProfD]ImapMail" in (home / ".thunderbird/ab.default/prefs.js").read_text()
    assert (home / ".config/filezilla/sitemanager.xml").stat().st_mode & 0o777 == 0o600
    assert not (home / ".config/filezilla/queue.sqlite3").exists()
    product = home / ".config/JetBrains/PyCharm2024.1"
    assert sorted(str(path.relative_to(product)) for path in product.rglob("*.*")) == ["keymaps/mine.xml"]
    assert (home / "From Windows/Notepad++/backup/new 1@2024").read_text() == "never saved"
    assert (home / "From Windows/Windows Terminal/settings.json").exists()
    assert [path.name for path in (home / "From Windows/Outlook").iterdir()] == ["archive.pst"]
    assert (home / ".config/opera/Default/Bookmarks").exists()
    told = str(report(run)["items"])
    for words in ("readpst", "plugins of the JetBrains", "never saved", "Windows Terminal;"):
        assert words in told


@pytest.mark.parametrize(
    ("installed", "sentence"),
    [
        ("115.3.1", "Mozilla Thunderbird 140.2.0, but 115.3.1 is installed here"),
        ("", "an older Mozilla Thunderbird refuses"),
        ("140.2.0", None),
        ("141.0", None),
    ],
)
def test_a_profile_is_compared_with_the_installed_version(
    tmp_path: Path, installed: str, sentence: str | None
) -> None:
    made = lab(tmp_path, installed)
    told = str(report(made.migrate(frozenset({"thunderbird"})))["items"])
    if sentence is None:
        assert "140.2.0" not in told
    else:
        assert sentence in told
