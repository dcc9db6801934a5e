"""The set-up disc: an image with the agent, its installers and an enrolment key that is good once.

Anybody in the guest can read a disc in its drive, so the key on it proves nothing for long: the first
session replaces it, then the disc is taken out and deleted (decision 5).

    /neuron-enrolment.json   the hand-over
    /setup.sh                run by root in a Linux guest
    /linux/…                 what setup.sh installs
    /windows/…               what the Windows installer needs
    /README.txt
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pycdlib

from libneuron.guest import bundle
from libneuron.guest.wire.content import ENROLMENT_FILE

VOLUME = "NEURON_SETUP"
BUNDLE = "neuron-guest.pyz"

_README = """\
NeuronGuest set-up
==================

Linux:    sudo sh setup.sh
Windows:  open the folder "windows" and start "setup"

This disc can pair this virtual machine once. It is taken out by itself afterwards.
"""


@dataclass(frozen=True)
class DiscFile:
    """One file of the disc: its path there, and whether it is a program."""

    path: PurePosixPath
    data: bytes
    program: bool = False


def contents(enrolment: str, *, resources: Path) -> tuple[DiscFile, ...]:
    """What belongs on the disc: the hand-over's JSON, the agent, and ``resources/guest`` as it stands.

    Raises: FileNotFoundError where the agent's package is not installed.
    """
    agent = bundle.build()
    files = [
        DiscFile(PurePosixPath(ENROLMENT_FILE), enrolment.encode()),
        DiscFile(PurePosixPath("README.txt"), _README.replace("\n", "\r\n").encode()),
        DiscFile(PurePosixPath("linux", BUNDLE), agent, program=True),
        DiscFile(PurePosixPath("windows", BUNDLE), agent),
    ]
    top = resources / "guest"
    for path in sorted(top.rglob("*")):
        if path.is_file():
            inside = PurePosixPath(path.relative_to(top).as_posix())
            if inside == PurePosixPath("linux/setup.sh"):
                inside = PurePosixPath("setup.sh")
            files.append(DiscFile(inside, path.read_bytes(), program=path.suffix == ".sh"))
    return tuple(files)


def image(files: tuple[DiscFile, ...]) -> bytes:
    """An ISO 9660 image with Joliet names (Windows) and Rock Ridge names and modes (Linux)."""
    disc = pycdlib.PyCdlib()
    disc.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=VOLUME)
    folders: dict[PurePosixPath, str] = {PurePosixPath(): ""}
    for number, file in enumerate(files):
        for folder in reversed(file.path.parents[:-1]):
            if folder not in folders:
                # Plain ISO 9660 knows short names only; nobody sees them beside Joliet and Rock Ridge.
                folders[folder] = f"{folders[folder.parent]}/D{len(folders):04}"
                disc.add_directory(folders[folder], rr_name=folder.name, joliet_path=f"/{folder}")
        disc.add_fp(
            io.BytesIO(file.data),
            len(file.data),
            f"{folders[file.path.parent]}/F{number:04}.;1",
            rr_name=file.path.name,
            joliet_path=f"/{file.path}",
            file_mode=0o100555 if file.program else 0o100444,
        )
    made = io.BytesIO()
    disc.write_fp(made)
    disc.close()
    return made.getvalue()


def read(data: bytes) -> Mapping[str, bytes]:
    """The files of an image by their Joliet paths, for checks."""
    disc = pycdlib.PyCdlib()
    disc.open_fp(io.BytesIO(data))
    found = {}
    for folder, _, names in disc.walk(joliet_path="/"):
        for name in names:
            target = io.BytesIO()
            path = f"{folder.rstrip('/')}/{name}"
            disc.get_file_from_iso_fp(target, joliet_path=path)
            found[path] = target.getvalue()
    disc.close()
    return found
