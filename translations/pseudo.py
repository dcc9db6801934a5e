"""The pseudo-locale: every text 40 % longer, accented and in brackets, readable all the same.

What shows up without brackets cannot be translated; what is cut off would be cut off in German or Finnish.
Kept as they are: ``{placeholders}``, ``%n`` and ``%1``, ``&`` mnemonics and line breaks.
"""

from __future__ import annotations

import re

_ACCENTS = str.maketrans(
    "AaBCcDdEeGgHhIiJjKkLlNnOoRrSsTtUuWwYyZz",
    "ÅåßÇçĐđÉéĜĝĤĥÎîĴĵĶķĻļÑñÖöŔŕŠšŢţÛûŴŵÝýŽž",
)
KEPT = re.compile(r"\{[^{}]*\}|%n|%\d|&\w|<[^<>]+>")
"""What a translation must carry over unchanged."""
_PADDING = "~" * 11 + " "
"""Breaks as words do: no language has a word of a hundred letters."""


def pseudo(text: str) -> str:
    """``text`` in the pseudo-locale; an empty text stays empty."""
    if not text:
        return text
    made = []
    end = 0
    for kept in KEPT.finditer(text):
        made += [text[end : kept.start()].translate(_ACCENTS), kept.group()]
        end = kept.end()
    made.append(text[end:].translate(_ACCENTS))
    length = len(KEPT.sub("x", text))
    more = max(1, round(length * 0.4))
    padding = (_PADDING * (more // len(_PADDING) + 1))[:more]
    return f"[{''.join(made)} {padding}]"
