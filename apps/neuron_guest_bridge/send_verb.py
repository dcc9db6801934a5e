"""``send``: files and folders from the command line into a VM."""

from __future__ import annotations

import argparse
import sys

from libneuron.cli import ProgressLine, Reply, bytes_text, translate
from libneuron.guest.api import GuestApi
from libneuron.guest.errors import GuestError
from libneuron.guest.files import LARGEST, GuestFiles
from libneuron.guest.wire.transfers import Place
from libneuron.progress import Progress
from libneuron.system.clock import RealClock
from neuron_guest_bridge import targets


def send(options: argparse.Namespace) -> Reply:
    """``send``: they lie in the VM's folder of downloads then."""
    where = targets.paths()
    line = ProgressLine(sys.stderr)
    progress = Progress(clock=RealClock().monotonic, listener=line)
    paths = [path.absolute() for path in options.files]

    async def go(api: GuestApi) -> tuple[str, ...]:
        files = GuestFiles(api.requester, folder=where.cache / "clipboard" / "received")
        return await files.send(paths, Place.DOWNLOADS, most=LARGEST, progress=progress)

    try:
        with targets.guest(options) as guest:
            uris = guest.ask(go)
    except GuestError as error:
        if error.code != "guest.not-permitted":
            raise
        raise GuestError("guest.files-not-allowed", vm=options.vm, details=error.details) from error
    finally:
        line.clear()
    size = progress.view().done
    said = translate("Bridge", "{size} sent into the VM’s folder of downloads.")
    return Reply({"uris": list(uris), "size": size}, said.format(size=bytes_text(size)))
