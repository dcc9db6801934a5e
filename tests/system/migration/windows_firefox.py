"""Firefox profiles as Windows has them: made by a real Firefox here, then re-laid.

What differs on Windows and is put in: profiles below "Profiles/", an [Install…] section with another hash,
folders of Windows in compatibility.ini, pkcs11.txt and extensions.json.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

from tests.system.migration.firefox import firefox

ADDON = "probe@neuron.invalid"
_PREFERENCES = """
user_pref("xpinstall.signatures.required", false);
user_pref("extensions.autoDisableScopes", 0);
user_pref("extensions.startupScanScopes", 15);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("app.normandy.enabled", false);
"""
_FILL = """
const [name, count] = args;
await PlacesUtils.bookmarks.insert({
    parentGuid: PlacesUtils.bookmarks.toolbarGuid, title: name, url: 'https://example.org/' + name});
await PlacesUtils.history.insertMany(Array.from({length: count}, (_, n) => (
    {url: 'https://example.org/visited/' + n, visits: [{date: new Date()}]})));
const login = Cc['@mozilla.org/login-manager/loginInfo;1'].createInstance(Ci.nsILoginInfo);
login.init('https://example.org', 'https://example.org', null, name, 'secret of ' + name, '', '');
await Services.logins.addLoginAsync(login);
"""
_ASK = """
const found = await PlacesUtils.bookmarks.search({query: 'example.org'});
const database = await PlacesUtils.promiseDBConnection();
const rows = await database.execute(
    'SELECT count(*) FROM moz_places WHERE url LIKE :like', {like: '%/visited/%'});
const logins = await Services.logins.getAllLogins();
const addon = await AddonManager.getAddonByID(args[0]);
const service = Cc['@mozilla.org/toolkit/profile-service;1'].getService(Ci.nsIToolkitProfileService);
return {
    bookmarks: found.map(one => one.title), history: rows[0].getResultByIndex(0),
    logins: logins.map(one => one.username + ': ' + one.password), addon: addon ? addon.isActive : null,
    profiles: Array.from(service.profiles, one => one.name).sort(),
    folder: Services.dirsvc.get('ProfD', Ci.nsIFile).path};
"""


def ask(home: Path, *flags: str) -> dict[str, Any]:
    """What a real Firefox finds when it starts as it likes."""
    with firefox(home, *flags) as browser:
        made = browser.ask(_ASK, ADDON)
        assert isinstance(made, dict)
        return made


def make(home: Path, data: Path) -> None:
    """Two profiles below ``data`` (…/Mozilla/Firefox), made in the helper's home ``home``."""
    for number, (name, visits) in enumerate((("anna", 30), ("work", 3))):
        profile = home / name
        (profile / "extensions").mkdir(parents=True)
        (profile / "user.js").write_text(_PREFERENCES)
        with zipfile.ZipFile(profile / "extensions" / f"{ADDON}.xpi", "w") as package:
            package.writestr("manifest.json", json.dumps(_MANIFEST))
        with firefox(home, "--profile", str(profile), "--no-remote") as browser:
            browser.ask(_FILL, name, visits)
        _relay(profile, data / "Profiles" / f"abc{number}.{name}")
    (data / "profiles.ini").write_text(_PROFILES.replace("\n", "\r\n"))
    (data / "installs.ini").write_text("[308046B0AF4A39CB]\r\nDefault=Profiles/abc0.anna\r\nLocked=1\r\n")


def _relay(profile: Path, place: Path) -> None:
    windows = "C:\\Users\\Anna\\AppData\\Roaming\\Mozilla\\Firefox\\Profiles\\" + place.name
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(profile, place, symlinks=True)
    (place / "lock").unlink(missing_ok=True)
    (place / ".parentlock").unlink(missing_ok=True)
    (place / "parent.lock").write_bytes(b"")
    for name in ("extensions.json", "pkcs11.txt"):
        path = place / name
        if path.exists():
            shown = windows.replace("\\", "\\\\") if name.endswith(".json") else windows
            path.write_text(path.read_text().replace(str(profile), shown))
    compatibility = place / "compatibility.ini"
    lines = compatibility.read_text().splitlines()
    kept = [line for line in lines if not line.startswith(("LastPlatformDir", "LastAppDir"))]
    kept += [
        "LastPlatformDir=C:\\Program Files\\Mozilla Firefox",
        "LastAppDir=C:\\Program Files\\Mozilla Firefox\\browser",
    ]
    compatibility.write_text(
        "\r\n".join(line.replace("Linux_x86_64-gcc3", "WINNT_x86_64-msvc") for line in kept)
    )


_MANIFEST = {
    "manifest_version": 2,
    "name": "Neuron probe",
    "version": "1.0",
    "browser_specific_settings": {"gecko": {"id": ADDON}},
}
_PROFILES = """[Install308046B0AF4A39CB]
Default=Profiles/abc0.anna
Locked=1

[Profile1]
Name=work
IsRelative=1
Path=Profiles/abc1.work

[Profile0]
Name=anna
IsRelative=1
Path=Profiles/abc0.anna
Default=1

[General]
StartWithLastProfile=1
Version=2
"""
