"""Transforms by the name that rules use."""

from __future__ import annotations

from libneuron.migration.transforms import (
    chromium,
    filezilla,
    firefox,
    git,
    npm,
    putty,
    ssh,
    thunderbird,
    vscode,
)
from libneuron.migration.transforms.common import Transform, lines

TRANSFORMS: dict[str, Transform] = {
    "lines": Transform(lines),
    "chromium-preferences": Transform(chromium.preferences),
    "chromium-secure-preferences": Transform(chromium.secure_preferences),
    "chromium-local-state": Transform(chromium.local_state, merges=True),
    "firefox-profiles": Transform(firefox.profiles, merges=True),
    "firefox-compatibility": Transform(firefox.compatibility),
    "firefox-pkcs11": Transform(firefox.pkcs11),
    "thunderbird-prefs": Transform(thunderbird.prefs),
    "filezilla-xml": Transform(filezilla.xml),
    "vscode-settings": Transform(vscode.settings, merges=True),
    "vscode-file": Transform(vscode.settings),
    "git-config": Transform(git.config, merges=True),
    "ssh-file": Transform(ssh.file),
    "ssh-config": Transform(ssh.config, merges=True),
    "ssh-known-hosts": Transform(ssh.known_hosts, merges=True),
    "putty-sessions": Transform(putty.sessions, merges=True),
    "putty-key": Transform(putty.key),
    "npm-config": Transform(npm.config, merges=True),
}
