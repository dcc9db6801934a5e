"""Layouts by the name that rules use."""

from __future__ import annotations

from collections.abc import Callable

from libneuron.migration.layouts.chromium import chromium
from libneuron.migration.layouts.common import Layout, Setting, known_folder, plain
from libneuron.migration.layouts.firefox import firefox
from libneuron.migration.layouts.putty import putty_layout
from libneuron.migration.layouts.vscode import vscode
from libneuron.migration.layouts.wsl import wsl
from libneuron.migration.rules import Rule

LAYOUTS: dict[str, Callable[[Rule, Setting], Layout | None]] = {
    "plain": plain,
    "known-folder": known_folder,
    "chromium": chromium,
    "firefox": firefox,
    "vscode": vscode,
    "putty": putty_layout,
    "wsl": wsl,
}
