"""Whether an app is running on the settings that a migration would change.

Sources: Chromium, chrome/browser/process_singleton_posix.cc (``SingletonLock`` → "host-pid"); Firefox,
toolkit/profile/nsProfileLock.cpp (``lock`` → "address:+pid").
"""

from __future__ import annotations

import os
import re

from libneuron.migration.home import Home

_CHROMIUM = re.compile(r"-(\d+)$")
_FIREFOX = re.compile(r":\+?(\d+)$")


def _held(home: Home, path: str, pattern: re.Pattern[str]) -> bool:
    try:
        target = os.readlink(home.path / path)
    except OSError:
        return False
    found = pattern.search(target)
    return found is not None and home.runs(int(found.group(1)))


def is_running(home: Home, target: str, layout: str) -> bool:
    """Whether the app whose settings are in ``target`` (below the home) runs, judged by its lock."""
    if layout == "chromium":
        return _held(home, f"{target}/SingletonLock", _CHROMIUM)
    if layout == "firefox":
        return any(_held(home, f"{target}/{name}/lock", _FIREFOX) for name in home.names(target))
    return False
