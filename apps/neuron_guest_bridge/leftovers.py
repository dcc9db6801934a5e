"""What pairing leaves if it ends in the middle (kill -9, power cut): noted first, swept at the next start.

A note lies in ``<state>/guest/pairing/<vm>.json``. Who pairs holds the lock beside it, and the kernel lets
go of that when its holder dies: a note whose lock is free belongs to nobody any more.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from libneuron.guest.errors import GuestError
from libneuron.guest.wire.errors import FieldError
from libneuron.guest.wire.fields import Fields
from libneuron.system.files import is_private, make_private_directory, write_atomic

if TYPE_CHECKING:
    from libneuron.guest.hypervisor.connection import Hypervisor
    from libneuron.guest.keys import KeyStore

_log = logging.getLogger(__name__)
_FOLDER = Path("guest", "pairing")
_LONGEST = 64 * 1024  # bytes of a hand-over


@dataclass(frozen=True)
class Drive:
    """The drive of a set-up disc: ``plugged`` it came with it; ``before`` was in it, empty: nothing."""

    target: str
    bus: str
    plugged: bool
    before: str


@dataclass(frozen=True)
class Note:
    """What one pairing is about to make. ``uri``: libvirt's address, empty where it was not asked.

    ``paired``: the machine was paired before; ``image``: the disc's image, alone in a folder made for it;
    ``drive``: where that is put; ``file``: the file to copy. Empty: not made.
    """

    vm: str
    name: str
    uri: str
    paired: bool
    image: str = ""
    drive: Drive | None = None
    file: str = ""


def _parse(text: str) -> Note:
    """A note from its JSON. Raises: FieldError, ValueError."""
    fields = Fields(json.loads(text), "note")
    drive = None
    if fields.has("drive"):
        of = fields.object("drive")
        drive = Drive(of.line("target"), of.line("bus"), of.flag("plugged"), of.text("before"))
    return Note(
        fields.line("vm"),
        fields.text("name"),
        fields.text("uri"),
        fields.flag("paired"),
        fields.text("image"),
        drive,
        fields.text("file"),
    )


class Claim:
    """The one pairing of a machine under way; :attr:`note` is durable before what it tells of exists."""

    def __init__(self, path: Path, note: Note) -> None:
        self._path = path
        self._stuck = False
        self.note = note
        self._write()

    def _write(self) -> None:
        try:
            write_atomic(self._path, json.dumps(asdict(self.note)).encode(), mode=0o600)
        except OSError as error:
            raise GuestError("guest.not-written", path=self._path, details=str(error)) from error

    def image(self, image: Path) -> None:
        """The disc's image is about to be made."""
        self.note = replace(self.note, image=str(image))
        self._write()

    def drive(self, drive: Drive) -> None:
        """The image is about to be put into ``drive``."""
        self.note = replace(self.note, drive=drive)
        self._write()

    def file(self, file: Path) -> None:
        """The file to copy is about to be written."""
        # Where it will lie: a link of its own name is replaced, not followed.
        self.note = replace(self.note, file=str(file.parent.resolve() / file.name))
        self._write()

    def stuck(self) -> None:
        """The disc could not be taken out: the note stays, and the next start tries again."""
        self._stuck = True

    def end(self) -> None:
        """Pairing ended, and has taken away what it made."""
        if not self._stuck:
            self._path.unlink(missing_ok=True)


def noted(state: Path) -> bool:
    """Whether there is a note below ``state``, of a pairing under way or of one that ended in the middle."""
    return any((state / _FOLDER).glob("*.json"))


class Leftovers:
    """The notes below ``state``, and the way to sweep what they tell of."""

    def __init__(self, state: Path, store: KeyStore, hypervisor: Callable[[str], Hypervisor]) -> None:
        self._folder = state / _FOLDER
        self._store = store
        self._hypervisor = hypervisor

    def _locked(self, vm: str) -> contextlib.AbstractContextManager[bool]:
        from libneuron.system.filesystem import only_one

        make_private_directory(self._folder)
        return only_one(self._folder / f"{vm}.lock")

    @contextmanager
    def claim(self, vm: str, name: str, uri: str) -> Iterator[Claim]:
        """Be the only one that pairs ``vm``; what an earlier pairing left is swept first.

        Raises: GuestError pairing-busy; what the sweep met, where something could not be taken away.
        """
        with self._locked(vm) as free:
            if not free:
                raise GuestError("guest.pairing-busy", vm=name)
            self._sweep(vm)
            paired = "paired" in self._store.candidates(vm)
            claim = Claim(self._folder / f"{vm}.json", Note(vm, name, uri, paired))
            try:
                yield claim
            finally:
                claim.end()

    def sweep(self) -> None:
        """Take away what pairings that ended in the middle have left. What cannot be done now stays noted."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                with self._locked(path.stem) as free:
                    if free:
                        self._sweep(path.stem)
            except (
                GuestError,
                OSError,
            ) as error:  # a full disk, say: no reason not to start
                _log.info("what pairing left is still there: %s", error)

    def _sweep(self, vm: str) -> None:
        """Raises: GuestError; the note stays then."""
        path = self._folder / f"{vm}.json"
        try:
            note = _parse(path.read_text())
        except FileNotFoundError:
            return
        except (ValueError, RecursionError, FieldError) as error:
            _log.info("%s cannot be read: %s", path, error)
            path.unlink(missing_ok=True)
            return
        _log.info("an earlier pairing of %s ended in the middle", note.name)
        now = self._store.candidates(note.vm)
        if {"enrol", "next"} & set(now):  # it may have been paired a moment before it was killed
            self._store.give_up_enrolment(note.vm, paired_before=note.paired or "paired" in now)
        try:
            if note.file and _hands_over(Path(note.file), note.vm):
                Path(note.file).unlink()
            if note.image:
                burn(Path(note.image))
        except OSError as error:
            raise GuestError("guest.not-written", path=error.filename, details=str(error)) from error
        if note.drive is not None:
            self._take_out(note, note.drive)
        path.unlink(missing_ok=True)

    def _take_out(self, note: Note, drive: Drive) -> None:
        """The drive as it was; with a machine that is off or gone the disc is too. Raises: GuestError."""
        vms = self._hypervisor(note.uri)
        from libneuron.guest.hypervisor import disc
        from libneuron.guest.hypervisor.domains import Disc

        was = Disc(drive.target, drive.bus, drive.before or None)
        inserted = disc.Inserted(was, Path(note.image), drive.plugged, drive.before or None)
        try:
            disc.remove(vms, vms.domain(note.vm), inserted)
        except GuestError as error:
            if error.code not in ("guest.no-vm", "guest.no-vm-near"):
                raise
        finally:
            vms.close()


def _hands_over(file: Path, vm: str) -> bool:
    """Whether ``file`` is a hand-over to ``vm``, as we write them.

    A name the person chose may be somebody else's by now: a FIFO would hold us for ever, and what another
    user put there can neither be believed nor, in a folder like /tmp, be deleted.
    """
    try:
        if not is_private(file) or file.lstat().st_size > _LONGEST:
            return False
        found = json.loads(file.read_text())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("vm") == vm and "peer" in found


def burn(image: Path) -> None:
    """Delete an image and the folder made for it, as far as they are there. Raises: OSError."""
    image.unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        image.parent.rmdir()
