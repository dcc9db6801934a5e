"""`./dev install` and `./dev uninstall`: the suite's desktop and system files, pointing into this checkout.

Everything is planned before anything is written: a file that is there and not ours stops the whole plan.
What was placed is listed with its hash in a manifest; uninstall removes exactly that, and keeps (and names)
what somebody has changed since.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from libneuron.system.files import write_atomic

CHECKOUT = Path(__file__).resolve().parents[1]

# below resources/ → where a person's own files go (None: needs root) → where the machine's go
PLACES: tuple[tuple[str, str | None, str], ...] = (
    ("applications/*.desktop", "share/applications", "/usr/local/share/applications"),
    ("metainfo/*.xml", "share/metainfo", "/usr/local/share/metainfo"),
    ("icons/hicolor/**/*.svg", "share/icons", "/usr/local/share/icons"),
    ("dbus/services/*.service", "share/dbus-1/services", "/usr/local/share/dbus-1/services"),
    ("dbus/system-services/*.service", None, "/usr/local/share/dbus-1/system-services"),
    ("dbus/system.d/*.conf", None, "/etc/dbus-1/system.d"),
    ("polkit/*.policy", None, "/usr/share/polkit-1/actions"),
    ("systemd/system/*", None, "/etc/systemd/system"),
    ("systemd/user/*", "share/systemd/user", "/etc/systemd/user"),
)


@dataclass(frozen=True)
class Item:
    """One file to place: whole content, and its mode."""

    destination: Path
    content: bytes
    mode: int = 0o644

    @property
    def digest(self) -> str:
        """SHA-256 of the content, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Target:
    """Where to place: ``root`` prefixes machine paths; ``home`` is a person's ~/.local or None."""

    root: Path
    home: Path | None

    @property
    def manifest(self) -> Path:
        """The list of what was placed."""
        top = self.home if self.home is not None else self.root / "usr/local"
        return top / "share/neuron/checkout.json"

    @property
    def commands(self) -> Path:
        """Where commands go."""
        return (self.home if self.home is not None else self.root / "usr/local") / "bin"

    def place(self, personal: str | None, machine: str) -> Path | None:
        """The directory of one row of :data:`PLACES`, or None where it needs root."""
        if self.home is None:
            return self.root / machine.lstrip("/")
        return None if personal is None else self.home / personal


def plan(target: Target, *, checkout: Path = CHECKOUT) -> list[Item]:
    """Every file that an installation from ``checkout`` places."""
    items = list(_commands(target, checkout))
    for pattern, personal, machine in PLACES:
        top = target.place(personal, machine)
        if top is None:
            continue
        base = (checkout / "resources" / pattern.split("*")[0]).resolve()
        keep = base.parent if pattern.startswith("icons") else base  # icons keep their theme folder
        for source in sorted((checkout / "resources").glob(pattern)):
            items.append(Item(top / source.relative_to(keep), _pointed(source.read_bytes(), target)))
    return items


def _commands(target: Target, checkout: Path) -> Iterator[Item]:
    for module in sorted((checkout / "apps").glob("neuron_*/__main__.py")):
        name = module.parent.name
        start = f'PYTHONPATH={checkout}:{checkout}/apps exec {checkout}/.venv/bin/python -m {name} "$@"'
        yield Item(target.commands / name.replace("_", "-"), f"#!/bin/sh\n{start}\n".encode(), 0o755)


def _pointed(content: bytes, target: Target) -> bytes:
    """``content`` with commands named by their whole path, as services and menus need it."""
    commands = b"/" + os.fsencode(target.commands.relative_to(target.root))
    for key in (b"Exec=", b"ExecStart=", b"ExecStop="):
        for installed in (b"", b"/usr/bin/", b"/usr/libexec/"):
            content = content.replace(
                b"\n" + key + installed + b"neuron-", b"\n" + key + commands + b"/neuron-"
            )
    return content


def _placed(target: Target) -> dict[str, str]:
    try:
        loaded = json.loads(target.manifest.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return {str(path): str(digest) for path, digest in loaded.items()}


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def install(target: Target, *, checkout: Path = CHECKOUT) -> list[Path]:
    """Place everything; returns the foreign files in the way (then nothing was touched)."""
    items = plan(target, checkout=checkout)
    before = _placed(target)
    foreign = [
        item.destination
        for item in items
        if _digest(item.destination) not in (None, item.digest, before.get(str(item.destination)))
    ]
    if foreign:
        return foreign
    target.manifest.parent.mkdir(parents=True, exist_ok=True)
    listed = {**before, **{str(item.destination): item.digest for item in items}}
    # First the list, then the files: after a cut in between, uninstall still knows everything.
    write_atomic(target.manifest, json.dumps(listed, indent=1).encode())
    for item in items:
        item.destination.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(item.destination, item.content, mode=item.mode, durable=False)
    return []


def uninstall(target: Target) -> list[Path]:
    """Remove what was placed; returns what was kept because somebody changed it since."""
    kept = []
    for name, digest in _placed(target).items():
        path = Path(name)
        there = _digest(path)
        if there == digest:
            path.unlink()
        elif there is not None:
            kept.append(path)
    target.manifest.unlink(missing_ok=True)
    return kept


def main(argv: list[str]) -> int:
    """The two verbs of ``./dev``."""
    parser = argparse.ArgumentParser(prog="./dev")
    parser.add_argument("verb", choices=["install", "uninstall"])
    parser.add_argument(
        "--root", type=Path, default=Path("/"), help="install below this directory (for tests)"
    )
    options = parser.parse_args(argv)
    machine = os.geteuid() == 0
    target = Target(options.root, None if machine else Path.home() / ".local")
    if options.verb == "install":
        foreign = install(target)
        for path in foreign:
            sys.stderr.write(f"{path} is there already and not ours: move it away, then try again.\n")
        if foreign:
            return 1
        sys.stdout.write(f"Installed. {target.manifest} lists every file; ./dev uninstall removes them.\n")
        if not machine:
            sys.stdout.write("The privileged helper was left out: run `sudo ./dev install` to add it.\n")
        return 0
    for path in uninstall(target):
        sys.stdout.write(f"Kept, because it was changed since: {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
