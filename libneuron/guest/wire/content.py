"""Names and sizes that both ends must agree on."""

from __future__ import annotations

ENROLMENT_FILE = "neuron-enrolment.json"
"""The hand-over: at the top of every disc, and in the agent's own folder."""
TEXT = "text/plain;charset=utf-8"
"""Plain text, with LF line ends."""
TEXT_IN_DATA = 1024 * 1024
"""Bytes of text in a message; more travels as a body, which costs no more memory than it has."""
