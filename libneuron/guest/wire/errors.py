"""What the wire layer raises. Whatever bytes the peer sends, nothing else comes out."""

from __future__ import annotations


class ProtocolError(Exception):
    """The peer broke the protocol, or is not who it must be. The session is over; the stream may go on."""


class AuthenticationError(ProtocolError):
    """One end does not accept the other's certificate."""


class FieldError(ValueError):
    """A message's field is missing or wrong. ``field`` is its name as the peer spelled it ("data.width")."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.problem = problem
