"""A Chrome profile as Windows has it: made by a real Chromium here, then re-laid.

What differs on Windows and is put in: "\\" in extension paths, HMACs of another machine, a key locked by
DPAPI in "Local State", logins that nobody here can decrypt.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.system.migration.chromium import Chromium, chromium

_FILL = """
await chrome.bookmarks.create({parentId: '1', title: NAME, url: 'https://example.org/' + NAME});
for (const n of [1, 2, 3]) await chrome.history.addUrl({url: 'https://example.org/visited/' + n});
await chrome.storage.local.set({note: NAME});
"""
_ASK = """
const found = await chrome.bookmarks.search({});
const seen = await chrome.history.search({text: 'visited', startTime: 0});
const kept = await chrome.storage.local.get('note');
return {bookmarks: found.filter(one => one.url).map(one => one.title), history: seen.length, note: kept.note};
"""


class Probe:
    """An extension that makes and reads bookmarks, history and its own storage."""

    def __init__(self, folder: Path) -> None:
        key = rsa.generate_private_key(65537, 2048).public_key()
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.id = "".join(chr(ord("a") + int(digit, 16)) for digit in hashlib.sha256(der).hexdigest()[:32])
        self.folder = folder
        self.manifest = {
            "name": "Neuron probe",
            "version": "1.0",
            "manifest_version": 3,
            "permissions": ["bookmarks", "history", "storage"],
            "key": base64.b64encode(der).decode(),
        }
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps(self.manifest))
        (folder / "page.html").write_text("<!DOCTYPE html><title>probe</title>")

    def fill(self, data: Path, profile: str, name: str) -> None:
        """Have a real browser make a profile with a bookmark, three visits and a stored note."""
        with chromium(data, f"--profile-directory={profile}", f"--load-extension={self.folder}") as browser:
            browser.ask(self._page(browser), _FILL.replace("NAME", json.dumps(name)))

    def ask(self, data: Path, profile: str) -> dict[str, Any]:
        """What a real browser finds in a profile; the extension has to be installed there, and work."""
        with chromium(data, f"--profile-directory={profile}") as browser:
            made = browser.ask(self._page(browser), _ASK)
            assert isinstance(made, dict)
            return made

    def _page(self, browser: Chromium) -> str:
        return browser.page(f"chrome-extension://{self.id}/page.html")

    def relay(self, data: Path) -> None:
        """Turn a user-data folder made here into what Windows would have."""
        for profile in ("Default", "Profile 1"):
            if (data / profile).is_dir():
                self._relay_profile(data / profile)
        state = json.loads((data / "Local State").read_text())
        state["os_crypt"] = {"encrypted_key": base64.b64encode(b"DPAPI" + bytes(200)).decode()}
        (data / "Local State").write_text(json.dumps(state))
        for lock in data.glob("Singleton*"):
            lock.unlink()

    def _relay_profile(self, profile: Path) -> None:
        shutil.copytree(self.folder, profile / "Extensions" / self.id / "1.0_0")
        for name in ("Preferences", "Secure Preferences"):
            path = profile / name
            if not path.exists():
                continue
            value = json.loads(path.read_text())
            settings = value.get("extensions", {}).get("settings", {})
            if self.id in settings:
                settings[self.id].update(
                    path=f"{self.id}\\1.0_0", location=1, manifest=self.manifest, from_webstore=False
                )
            _spoil(value.get("protection", {}).get("macs", {}))
            value.setdefault("savefile", {})["default_directory"] = "C:\\Users\\Anna\\Downloads"
            path.write_text(json.dumps(value))
        _lock_a_login(profile / "Login Data")


def _spoil(macs: dict[str, Any]) -> None:
    for key, value in macs.items():
        if isinstance(value, dict):
            _spoil(value)
        else:
            macs[key] = "0123456789ABCDEF" * 4


def _lock_a_login(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        needed = [
            (name, kind)
            for _, name, kind, required, default, key in database.execute("PRAGMA table_info(logins)")
            if required and default is None and not key
        ]
        values: list[object] = [
            "" if "CHAR" in kind else b"v10locked" if kind == "BLOB" else 0 for _, kind in needed
        ]
        names, marks = ", ".join(name for name, _ in needed), ", ".join("?" * len(needed))
        database.execute(f"INSERT INTO logins ({names}) VALUES ({marks})", values)
