"""Small words that several parts of the window share."""

from __future__ import annotations

from libneuron.hardware.findings import Answer, Severity
from libneuron.ui.widgets import Tone

ANSWER_TONES = {
    Answer.CAN: Tone.GOOD,
    Answer.AFTER_CHANGES: Tone.WARN,
    Answer.CANNOT: Tone.DANGER,
    Answer.UNKNOWN: Tone.UNKNOWN,
}

SEVERITY_TONES = {
    Severity.BLOCKER: Tone.DANGER,
    Severity.CHANGE: Tone.WARN,
    Severity.UNKNOWN: Tone.UNKNOWN,
    Severity.WARNING: Tone.INFO,
}

STATE_TONES = {True: Tone.GOOD, False: Tone.WARN, None: Tone.UNKNOWN}
