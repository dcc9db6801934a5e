"""What can go wrong between the host and a guest, in words (the sentences stand in :mod:`.texts`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from libneuron.errors import Message, NeuronError
from libneuron.guest.texts import TEXTS


class GuestError(NeuronError):
    """A VM, its channel, or the agent in it did not do what was asked."""

    texts: ClassVar[Mapping[str, Message]] = TEXTS
