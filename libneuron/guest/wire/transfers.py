"""Requests that move content between the two clipboards when somebody pastes: promises and supplies.

The host promises a copy (``clipboard_promise``); when a program in the guest pastes, the guest tells of it
(event ``clipboard_wanted {serial, wanted, mime}``) and the host answers with ``clipboard_supply``. An agent
of protocol version 1 does not know these verbs; one whose desktop cannot promise answers "unsupported". Both
get the whole copy by ``clipboard_set`` instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from libneuron.guest.wire.fields import Fields

WANTED = "clipboard_wanted"
"""The guest's event: a program there pastes what the host has promised."""
_SERIAL = (1 << 53) - 1  # the largest number that every JSON reader keeps exactly


@dataclass(frozen=True)
class ClipboardPromise:
    """A copy without its content, richest format first. No formats: the promise is taken back."""

    serial: int
    formats: tuple[str, ...]
    secret: bool

    @classmethod
    def parse(cls, fields: Fields) -> ClipboardPromise:
        """Raises: FieldError."""
        return cls(
            fields.integer("serial", 0, _SERIAL),
            fields.texts("formats", count=10, limit=128),
            fields.flag("secret", default=False),
        )


@dataclass(frozen=True)
class ClipboardSupply:
    """The answer to ``wanted``: the body, or, with ``problem``, why there is none."""

    wanted: int
    problem: str

    @classmethod
    def parse(cls, fields: Fields) -> ClipboardSupply:
        """Raises: FieldError."""
        return cls(fields.integer("wanted", 0, _SERIAL), fields.line("problem", "", limit=128))
