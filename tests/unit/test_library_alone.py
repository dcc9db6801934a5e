"""The library works where Qt is not installed: an installer, a server, a rescue shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import importlib, pkgutil, sys
class NoQt:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("PySide6", "shiboken6"):
            raise ImportError("Qt is not installed here")
sys.meta_path.insert(0, NoQt())
import libneuron
names = [m.name for m in pkgutil.walk_packages(libneuron.__path__, "libneuron.",) if ".ui" not in m.name]
for name in names:
    importlib.import_module(name)
print(len(names))
"""

LEAN = """
import sys
before = set(sys.modules)
import libneuron.guest
print(sorted(name for name in set(sys.modules) - before if not name.startswith("libneuron")))
"""


def _run(script: str, root: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_every_module_but_the_windows_imports_without_qt(root: Path) -> None:
    assert int(_run(SCRIPT, root)) >= 10


def test_the_packages_that_the_guest_shares_import_nothing(root: Path) -> None:
    assert _run(LEAN, root).strip() == "[]"
