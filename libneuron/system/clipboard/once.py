"""The text that the desktop's clipboard holds, read once, with patience that ends.

Qt waits five seconds for each of several formats, on the thread that draws the window, when the program that
holds the clipboard stands still (``QXcbClipboard``, ``QWaylandDataOffer``): seen as 15 seconds of nothing.
"""

from __future__ import annotations

import queue
from collections.abc import Mapping
from pathlib import Path

from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.ladder import open_clipboard
from libneuron.system.clipboard.manual import ManualClipboard
from libneuron.system.clipboard.model import ClipboardOffer
from libneuron.system.clipboard.spool import SpoolLimits
from libneuron.system.clipboard.targets import TEXT

_PATIENCE = 20.0  # seconds: the clipboards themselves give up sooner


def text_once(environment: Mapping[str, str], *, spool: Path, most: int) -> str | None:
    """The text, empty where there is none; None where this desktop lets no program look. Blocks.

    Raises: ClipboardError; owner-silent where the program that holds it does not answer, too-large for more
    than ``most`` bytes.
    """
    clipboard = open_clipboard(environment, spool=spool).clipboard
    if isinstance(clipboard, ManualClipboard):
        return None
    offers: queue.SimpleQueue[ClipboardOffer | Exception] = queue.SimpleQueue()
    clipboard.start(offers.put, offers.put)
    try:
        offer = offers.get(timeout=_PATIENCE)
        if isinstance(offer, Exception):
            raise offer
        if offer.silent:
            raise ClipboardError("clipboard.owner-silent")
        if TEXT not in offer.formats:
            return ""
        content = clipboard.read(offer.number, TEXT, SpoolLimits(most=most)).result(_PATIENCE)
        return content.whole().decode("utf-8", "replace")
    except (queue.Empty, TimeoutError) as error:
        raise ClipboardError("clipboard.owner-silent") from error
    finally:
        clipboard.close()
