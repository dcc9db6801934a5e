"""Only the named modules touch the outside: processes, D-Bus, sockets, absolute paths. No shell, ever."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = sorted(
    path
    for top in ("libneuron", "apps", "packaging")
    for path in (ROOT / top).rglob("*.py")
    if "build" not in path.parts
)

# module → the folders and files that may import it
DOORS = {
    "subprocess": ("libneuron/system/", "apps/neuron_guest/platform/"),
    "multiprocessing": ("libneuron/system/apart.py",),
    "pty": (),
    "dbus_fast": ("libneuron/system/", "apps/neuron_helper/"),
    "libvirt": ("libneuron/guest/hypervisor/",),
    "libvirt_qemu": ("libneuron/guest/hypervisor/",),
    "pickle": (),
    "marshal": (),
}
STARTERS = {
    "system", "popen", "execl", "execle", "execlp", "execv", "execve", "execvp", "spawnl", "spawnv",
    "spawnvp", "posix_spawn", "fork", "forkpty", "startfile",
}  # fmt: skip


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def _violations(path: str, source: str) -> list[str]:
    tree = ast.parse(source)
    found = [
        f"imports {name}"
        for name in _imports(tree)
        if name in DOORS and not path.startswith(DOORS[name] or "\0")
    ]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if any(word.arg == "shell" for word in node.keywords):
            found.append(f"line {node.lineno} names a shell")
        called = node.func
        if (
            isinstance(called, ast.Attribute)
            and isinstance(called.value, ast.Name)
            and called.value.id == "os"
        ):
            allowed = path.startswith(("libneuron/system/", "apps/neuron_guest/platform/"))
            if called.attr in STARTERS and not allowed:
                found.append(f"line {node.lineno} starts a process with os.{called.attr}")
        if (
            path.startswith("libneuron/")
            and not path.startswith("libneuron/system/")
            and isinstance(called, ast.Name)
            and called.id in ("open", "Path")
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
            and node.args[0].value.startswith(("/sys", "/proc", "/etc", "/boot", "/run"))
        ):
            found.append(f"line {node.lineno} opens {node.args[0].value} past the root prefix")
    return found


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_outside_is_reached_through_its_doors(path: Path) -> None:
    assert _violations(str(path.relative_to(ROOT)), path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess",
        "from subprocess import run",
        "import os\nos.system('x')",
        "f(shell=True)",
        "open('/sys/class')",
        "from pathlib import Path\nPath('/etc/fstab')",
        "import pickle",
    ],
)
def test_each_rule_can_fail(source: str) -> None:
    assert _violations("libneuron/guest/x.py", source)
