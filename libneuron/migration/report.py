"""The report: HTML that prints well and that a screen reader walks by headings and tables; and JSON.

Everything from the source is escaped: a file's name can hold anything.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from pathlib import Path

from libneuron.errors import QT_TRANSLATE_NOOP, Translate, english
from libneuron.migration import summary
from libneuron.migration.journal import Journal
from libneuron.migration.model import State
from libneuron.migration.programs import UNKNOWN
from libneuron.migration.verify import Verification

_STATES = {
    "copied": QT_TRANSLATE_NOOP("migration", "Copied"),
    "transformed": QT_TRANSLATE_NOOP("migration", "Adapted to Linux"),
    "excluded": QT_TRANSLATE_NOOP("migration", "Left out"),
    "kept_both": QT_TRANSLATE_NOOP("migration", "Kept beside yours"),
    "unavailable": QT_TRANSLATE_NOOP("migration", "Not to be had"),
    "failed": QT_TRANSLATE_NOOP("migration", "Failed"),
    "planned": QT_TRANSLATE_NOOP("migration", "Planned"),
    "empty": QT_TRANSLATE_NOOP("migration", "Empty"),
    "seen": QT_TRANSLATE_NOOP("migration", "Found in all"),
    "waiting": QT_TRANSLATE_NOOP("migration", "Still waiting"),
}
_WORDS = {
    "title": QT_TRANSLATE_NOOP("migration", "What came over from Windows"),
    "from": QT_TRANSLATE_NOOP("migration", "From {source}, person {user}, to {home}, begun {started}."),
    "totals": QT_TRANSLATE_NOOP("migration", "In numbers"),
    "items": QT_TRANSLATE_NOOP("migration", "What was brought over"),
    "by-hand": QT_TRANSLATE_NOOP("migration", "What is left for you to do"),
    "exceptions": QT_TRANSLATE_NOOP("migration", "Every exception"),
    "left-out": QT_TRANSLATE_NOOP("migration", "Left out, by reason"),
    "checked": QT_TRANSLATE_NOOP(
        "migration", "Files read again from the disk: {checked}. Damaged: {damaged}. Missing: {missing}."
    ),
    "none": QT_TRANSLATE_NOOP("migration", "None."),
    "state": QT_TRANSLATE_NOOP("migration", "Outcome"),
    "count": QT_TRANSLATE_NOOP("migration", "Entries"),
    "name": QT_TRANSLATE_NOOP("migration", "Name"),
    "file": QT_TRANSLATE_NOOP("migration", "File or folder"),
    "reason": QT_TRANSLATE_NOOP("migration", "Reason"),
    "placed": QT_TRANSLATE_NOOP("migration", "Where it is now"),
    "notes": QT_TRANSLATE_NOOP("migration", "Notes"),
    "programs": QT_TRANSLATE_NOOP("migration", "Your programs"),
    "windows": QT_TRANSLATE_NOOP("migration", "In Windows"),
    "linux": QT_TRANSLATE_NOOP("migration", "On Linux"),
    "install": QT_TRANSLATE_NOOP("migration", "How to install it"),
}
_STYLE = """
body{font:1rem/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #767676;padding:.3rem .5rem;text-align:start;
vertical-align:top;overflow-wrap:anywhere}th{background:#eee}caption{text-align:start;font-weight:bold}
@media(prefers-color-scheme:dark){body{color:#eee;background:#1a1a1a}th{background:#333}}
@media print{body{margin:0;max-width:none}tr{break-inside:avoid}}
"""


def word(state: str, translate: Translate = english) -> str:
    """A state's word for a person."""
    return translate(*_STATES[state])


def data(journal: Journal, found: Verification | None, translate: Translate = english) -> dict[str, object]:
    """The report as JSON-ready values, without the list of exceptions."""
    totals = journal.totals()
    return {
        "ok": summary.ok(totals) and (found is None or found.ok),
        "source": journal.get("source"),
        "user": journal.get("user"),
        "home": journal.get("home"),
        "started": journal.get("started"),
        "totals": totals.as_json(),
        "items": [
            {
                "id": one.item.id,
                "label": one.item.label,
                "state": one.state,
                "count": one.count,
                "size": one.size,
                "totals": one.totals.as_json(),
                "notes": list(one.notes),
            }
            for one in summary.items(journal, translate)
        ],
        "programs": [one.as_json() for one in summary.programs(journal)],
        "notes": list(summary.general_notes(journal, translate)),
        "verified": None if found is None else found.as_json(),
    }


def _table(caption: str, heads: list[str], rows: Iterator[list[str]]) -> Iterator[str]:
    yield f"<table><caption>{html.escape(caption)}</caption><thead><tr>"
    yield from (f'<th scope="col">{html.escape(head)}</th>' for head in heads)
    yield "</tr></thead><tbody>"
    for cells in rows:
        first, *rest = (html.escape(cell) for cell in cells)
        yield f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>\n"
    yield "</tbody></table>\n"


def _page(journal: Journal, found: Verification | None, translate: Translate) -> Iterator[str]:
    def say(key: str, **values: object) -> str:
        return translate(*_WORDS[key]).format_map(values)

    head = {key: journal.get(key) for key in ("source", "user", "home", "started")}
    totals = journal.totals().as_json()
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{html.escape(say('title'))}</title><style>{_STYLE}</style></head><body><main>\n"
    yield f"<h1>{html.escape(say('title'))}</h1>\n<p>{html.escape(say('from', **head))}</p>\n"
    if found is not None:
        values = {
            "checked": found.checked,
            "damaged": len(found.damaged),
            "missing": len(found.missing),
        }
        yield f"<p>{html.escape(say('checked', **values))}</p>\n"
    yield f"<h2>{html.escape(say('totals'))}</h2>\n"
    yield from _table(
        say("totals"),
        [say("state"), say("count")],
        ([word(state, translate), str(count)] for state, count in totals.items()),
    )
    yield f"<h2>{html.escape(say('items'))}</h2>\n"
    listed = summary.items(journal, translate)
    yield from _table(
        say("items"),
        [say("name"), say("state"), say("count")],
        ([one.item.label, word(one.state, translate), str(one.count)] for one in listed),
    )
    yield f"<h2>{html.escape(say('by-hand'))}</h2>\n"
    general = summary.general_notes(journal, translate)
    yield "<ul>" + "".join(f"<li>{html.escape(note)}</li>" for note in general) + "</ul>\n" if general else ""
    for one in listed:
        if one.notes:
            yield f"<h3>{html.escape(one.item.label)}</h3>\n<ul>"
            yield from (f"<li>{html.escape(note)}</li>" for note in one.notes)
            yield "</ul>\n"
    programs = summary.programs(journal)
    if programs:
        yield f"<h2>{html.escape(say('programs'))}</h2>\n"
        yield from _table(
            say("programs"),
            [say("windows"), say("linux"), say("install")],
            ([one.windows, one.linux or translate(*UNKNOWN), one.command or one.source] for one in programs),
        )
    yield f"<h2>{html.escape(say('exceptions'))}</h2>\n"
    exceptions = summary.lines(journal, State.FAILED, State.UNAVAILABLE, State.KEPT_BOTH, translate=translate)
    yield from _table(
        say("exceptions"),
        [say("file"), say("state"), say("reason"), say("placed")],
        ([one.path, word(one.state, translate), one.reason, one.placed] for one in exceptions),
    )
    yield f"<h2>{html.escape(say('left-out'))}</h2>\n"
    yield from _table(
        say("left-out"),
        [say("reason"), say("count")],
        ([reason, str(count)] for reason, count in summary.left_out(journal, translate)),
    )
    yield "</main></body></html>\n"


def write_reports(
    journal: Journal, folder: Path, found: Verification | None, translate: Translate = english
) -> Path:
    """Write ``report.html`` and ``report.json`` into ``folder``; returns the former."""
    path = folder / "report.html"
    _write(path, _page(journal, found, translate))
    _write(folder / "report.json", _json(journal, found, translate))
    return path


def _json(journal: Journal, found: Verification | None, translate: Translate) -> Iterator[str]:
    # The exceptions are written one by one: a drive can have a million entries.
    yield json.dumps(data(journal, found, translate), ensure_ascii=False)[:-1] + ', "exceptions": [\n'
    states = (State.EXCLUDED, State.FAILED, State.UNAVAILABLE, State.KEPT_BOTH, State.TRANSFORMED)
    for index, one in enumerate(summary.lines(journal, *states, translate=translate)):
        values = {
            "item": one.item,
            "path": one.path,
            "state": one.state,
            "reason": one.reason,
            "placed": one.placed,
        }
        yield (",\n" if index else "") + json.dumps(values, ensure_ascii=False)
    yield "\n]}\n"


def _write(path: Path, parts: Iterator[str]) -> None:
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("w", encoding="utf-8", errors="replace") as file:
        for part in parts:
            file.write(part)
    temporary.replace(path)
