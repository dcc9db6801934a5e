"""A real CPython 3.11 for Windows without Windows: made of a PyPI wheel's libraries and our own stdlib.

The wheel ``panda3d`` for win_amd64 ships CPython's own ``python311.dll``, OpenSSL and extension modules (it
deploys games with them); the pure-Python library is the same on all systems and comes from the Python that
runs the tests; the launcher is ten lines of C. Cached by the checksum of this recipe.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

_WHEEL = "panda3d==1.10.16"
_VERSION = (3, 11)
_SKIP_LIBRARIES = ("tcl86t", "tk86t", "_tkinter", "winsound", "_msi")
_SKIP_STDLIB = (
    "__pycache__", "test", "tests", "idlelib", "tkinter", "site-packages", "dist-packages", "lib-dynload",
    "config-*", "ensurepip", "lib2to3", "pydoc_data", "turtledemo", "*.so",
)  # fmt: skip
_LAUNCHER = """\
#include <windows.h>
typedef int (*py_main)(int, wchar_t **);
int wmain(int argc, wchar_t **argv) {
    HMODULE dll = LoadLibraryW(L"python311.dll");
    py_main run = dll ? (py_main)(void *)GetProcAddress(dll, "Py_Main") : NULL;
    return run ? run(argc, argv) : 103;
}
"""


class WrongPythonError(Exception):
    """The tests run on a Python whose Windows twin does not exist; the text says what to install."""


def cache_folder() -> Path:
    """Where slow things are kept between runs: NEURON_CACHE, else ``.cache`` in the tree."""
    chosen = os.environ.get("NEURON_CACHE")
    return Path(chosen) if chosen else Path(__file__).resolve().parents[3] / ".cache"


def windows_python() -> Path:
    """The folder with ``python.exe``; built on first use (a 65 MB download, a few seconds)."""
    if sys.version_info[:2] != _VERSION:
        wanted = ".".join(map(str, _VERSION))
        found = ".".join(map(str, sys.version_info[:2]))
        raise WrongPythonError(
            f"The Wine tests need Python {wanted} (this is {found}): install python{wanted} and make .venv "
            "with it. The wheel with Windows' Python exists for that version only."
        )
    recipe = hashlib.sha256(f"{_WHEEL}{_SKIP_LIBRARIES}{_SKIP_STDLIB}{_LAUNCHER}{sys.version}".encode())
    target = cache_folder() / "wine" / f"python-{recipe.hexdigest()[:16]}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=target.parent) as work:
                made = Path(work) / "python"
                made.mkdir()
                _build(made, Path(work))
                made.rename(target)
    return target


def _build(made: Path, work: Path) -> None:
    _run(
        sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
        "--only-binary=:all:", "--platform", "win_amd64", "--python-version", "311", "-d", work, _WHEEL,
    )  # fmt: skip
    (wheel,) = work.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            folder, _, file = name.rpartition("/")
            if folder == "deploy_libs" and not file.startswith(_SKIP_LIBRARIES):
                (made / file).write_bytes(archive.read(name))
    stdlib = sysconfig.get_path("stdlib")
    shutil.copytree(stdlib, made / "Lib", ignore=shutil.ignore_patterns(*_SKIP_STDLIB))
    source = work / "python.c"
    source.write_text(_LAUNCHER)
    _run("x86_64-w64-mingw32-gcc", "-municode", "-Os", "-s", "-o", made / "python.exe", source)


def _run(*argv: str | Path) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]} failed while the Windows Python was built:\n{done.stderr}")
