"""Builds what runs inside Windows: the agent, and a Python for Windows that is given as an argument.

``python packaging/windows/build.py --python FOLDER --out FOLDER [--version TEXT]``

``--python`` is an unpacked "embeddable package" of CPython 3.11 or newer for amd64, or a folder with
``python.exe``, its libraries and ``Lib`` (the tests' own). The result, ``OUT``, holds::

    setup.cmd            what the person starts
    agent/               python.exe and its libraries, python3NN.zip, python3NN._pth, app/, manifest.json

The agent needs the standard library alone, so there is nothing else to bring. ``python3NN._pth`` makes the
interpreter ignore the environment, the registry and the folder it was started in (CPython, "The embeddable
package").
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib.util
import json
import py_compile
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_APP = ("apps/neuron_guest",)
_LIBRARY = ("libneuron/__init__.py", "libneuron/guest/__init__.py", "libneuron/guest/wire")
_NOT_FOR_WINDOWS = ("platform/linux",)
_SETUP = (
    "@echo off\r\n"
    "rem Installs NeuronGuest, or renews it. Windows asks for permission.\r\n"
    '"%~dp0agent\\python.exe" -I -m neuron_guest.platform.windows.setup install %*\r\n'
    "if errorlevel 1 pause\r\n"
)
# Of the standard library, what no agent uses.
_SKIP = (
    "__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "pydoc_data",
    "distutils", "venv", "site-packages",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Build; 1 and a sentence if the Python given is not one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", type=Path, required=True, help="folder with Windows' python.exe")
    parser.add_argument("--out", type=Path, required=True, help="folder to create")
    parser.add_argument("--version", help="instead of the tree's own")
    options = parser.parse_args(argv)
    try:
        build(options.python, options.out, version=options.version)
    except ValueError as error:
        sys.stderr.write(f"build: {error}\n")
        return 1
    return 0


def build(python: Path, out: Path, *, version: str | None = None) -> None:
    """Make the folder ``out``. Raises: ValueError."""
    number = _python_number(python)
    out.mkdir(parents=True)
    agent = out / "agent"
    agent.mkdir()
    for item in sorted(python.iterdir()):
        if item.suffix.lower() in (".exe", ".dll", ".pyd"):
            shutil.copyfile(item, agent / item.name)
    _standard_library(python, agent / f"python{number}.zip", number)
    (agent / f"python{number}._pth").write_text(f"python{number}.zip\r\n.\r\napp\r\n", newline="")
    _application(agent / "app", version)
    (out / "setup.cmd").write_bytes(_SETUP.encode())
    manifest = {"version": version or _tree_version(), "files": _checksums(agent)}
    (agent / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True))


def _python_number(python: Path) -> str:
    found = sorted(
        match[1]
        for item in python.glob("python3*.dll")
        if (match := re.fullmatch(r"python(3\d+)\.dll", item.name))
    )
    if not found or not (python / "python.exe").is_file():
        raise ValueError(f"{python} holds no python.exe with its python3NN.dll")
    if int(found[-1][1:]) < 11:
        raise ValueError(f"Python 3.{found[-1][1:]} is too old: 3.11 or newer is needed")
    return found[-1]


def _standard_library(python: Path, target: Path, number: str) -> None:
    ready = python / target.name
    if ready.is_file():
        shutil.copyfile(ready, target)
        return
    if not (python / "Lib" / "os.py").is_file():
        raise ValueError(f"{python} has neither {target.name} nor Lib")
    same = number == f"{sys.version_info[0]}{sys.version_info[1]}"
    with tempfile.TemporaryDirectory() as work, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for source, name in _modules(python / "Lib"):
            if same:
                # Compiled, as in the embeddable package: a zip cannot keep what it compiles at each start.
                compiled = Path(work) / "module.pyc"
                _compile(source, compiled, name)
                archive.write(compiled, f"{name}c")
            else:
                archive.write(source, name)


def _modules(folder: Path) -> Iterator[tuple[Path, str]]:
    for source in sorted(folder.rglob("*.py")):
        name = source.relative_to(folder)
        if not any(part in _SKIP for part in name.parts):
            yield source, name.as_posix()


def _compile(source: Path, target: Path, shown: str) -> None:
    py_compile.compile(
        str(source),
        cfile=str(target),
        dfile=shown,
        doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _application(target: Path, version: str | None) -> None:
    for place in _APP:
        shutil.copytree(ROOT / place, target / Path(place).name, ignore=_ignored)
    for place in _LIBRARY:
        source, made = ROOT / place, target / place
        if source.is_dir():
            shutil.copytree(source, made, ignore=_ignored)
        else:
            made.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, made)
    if version is not None:
        module = target / "neuron_guest" / "__init__.py"
        text = module.read_text(encoding="utf-8")
        module.write_text(text.replace(f'"{_tree_version()}"', f'"{version}"'), encoding="utf-8")
    for source, name in list(_modules(target)):
        _compile(source, Path(importlib.util.cache_from_source(str(source))), name)


def _ignored(folder: str, names: list[str]) -> list[str]:
    inside = Path(folder)
    return [
        name
        for name in names
        if name == "__pycache__"
        or any((inside / name).as_posix().endswith(part) for part in _NOT_FOR_WINDOWS)
    ]


def _tree_version() -> str:
    tree = ast.parse((ROOT / "apps" / "neuron_guest" / "__init__.py").read_text(encoding="utf-8"))
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="VERSION")], value=ast.Constant(value=str(found))):
                return found
    raise ValueError("neuron_guest has no VERSION")


def _checksums(folder: Path) -> dict[str, str]:
    files = sorted(item for item in folder.rglob("*") if item.is_file())
    return {
        item.relative_to(folder).as_posix(): hashlib.sha256(item.read_bytes()).hexdigest() for item in files
    }


if __name__ == "__main__":
    sys.exit(main())
