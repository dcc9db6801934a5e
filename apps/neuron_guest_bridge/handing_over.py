"""How a machine gets its first keys: through qemu-ga, on a set-up disc, or as a file to be copied."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from libneuron.guest.errors import GuestError
from libneuron.guest.keys import GUEST_PLACES
from libneuron.guest.wire.content import ENROLMENT_FILE
from libneuron.system.files import write_atomic
from neuron_guest_bridge.leftovers import Claim, Drive, burn

if TYPE_CHECKING:
    from libneuron.guest.hypervisor.connection import Hypervisor
    from libneuron.guest.hypervisor.domains import Domain

_log = logging.getLogger(__name__)
_DISCS = Path("/var/tmp")  # noqa: S108 — in a folder made anew; of /tmp a service may have one of its own


class HandOver(Enum):
    """The ways, in the order in which they ask more of the person."""

    AGENT = "agent"  # qemu-ga writes it: nothing to do
    DISC = "disc"  # a disc in the machine's drive, with everything to install
    FILE = "file"  # the person copies a file


def through_agent(hypervisor: Hypervisor, domain: Domain, text: str) -> None:
    """Have qemu-ga write ``text`` where NeuronGuest looks. Raises: GuestError."""
    from libneuron.guest.hypervisor import handover

    family = handover.system(hypervisor, domain).family
    handover.write_file(hypervisor, domain, GUEST_PLACES[family], text.encode())


@contextmanager
def on_disc(
    hypervisor: Hypervisor,
    domain: Domain,
    text: str,
    *,
    resources: Path,
    claim: Claim,
) -> Iterator[None]:
    """Inside, the set-up disc is in the drive. ``claim`` is told of each thing before it is made.

    A disc that cannot be taken out again is no failure: the pairing stands, and the key on the disc is spent.
    Raises: GuestError.
    """
    from libneuron.guest.hypervisor import disc

    def about_to(planned: disc.Inserted) -> None:
        drive = planned.drive
        claim.drive(Drive(drive.target, drive.bus, plugged=planned.plugged, before=planned.before or ""))

    with burnt(text, resources=resources, about_to=claim.image) as image:
        inserted = disc.insert(hypervisor, domain, image, about_to=about_to)
        try:
            yield
        finally:
            try:
                disc.remove(hypervisor, domain, inserted)
            except GuestError as error:
                _log.info("the set-up disc stayed in: %s", error)
                claim.stuck()


@contextmanager
def burnt(text: str, *, resources: Path, about_to: Callable[[Path], None]) -> Iterator[Path]:
    """The disc's image where QEMU's own user can read it and nobody can list it; deleted afterwards.
    ``about_to`` hears its path before it is made.

    QEMU's user has another name on each distribution, so everybody may read it: its key is no secret (every
    user of the guest reads the disc), is good once, and is worth something only to who reaches the channel.
    """
    from libneuron.guest import setup_disc

    # The folder's name can be listed, so the image's protects it.
    image = _DISCS / f"neuron-setup-{secrets.token_hex(8)}" / f"neuron-setup-{secrets.token_hex(8)}.iso"
    about_to(image)
    image.parent.mkdir(mode=0o700)
    try:
        files = setup_disc.contents(text, resources=resources)
        image.write_bytes(setup_disc.image(files))
        image.chmod(0o644)
        image.parent.chmod(0o711)
        yield image
    finally:
        burn(image)


def file_of(state: Path, vm: str) -> Path:
    """Where the file to copy lies for the machine ``vm``."""
    return state / "hand-over" / vm / ENROLMENT_FILE


@contextmanager
def as_file(path: Path, text: str, *, about_to: Callable[[Path], None]) -> Iterator[None]:
    """``path`` holds the hand-over inside; it is deleted afterwards, spent or given up.

    ``about_to`` hears it before it is written.
    """
    about_to(path)
    made = not path.parent.is_dir()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomic(path, text.encode(), mode=0o600)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        if made:
            with contextlib.suppress(OSError):  # somebody keeps other things there
                path.parent.rmdir()
