"""Git's settings: line by line, so that comments and order stay.

Source: git-config(1); gitcredentials(7). ``core.autocrlf=true`` would write CRLF files on Linux; "input"
keeps what Windows people have in their repositories as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from libneuron.migration.transforms import merging
from libneuron.migration.transforms.common import Context, Result, decode, unix_lines
from libneuron.migration.windowspath import is_windows

_SECTION = re.compile(r'^\s*\[\s*([A-Za-z0-9.-]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\]\s*(?:[#;].*)?$')
_VALUE = re.compile(r"^\s*([A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*(.*?))?\s*$")
_DROP = {
    ("core", "symlinks"),
    ("core", "fscache"),
    ("core", "longpaths"),
    ("core", "protectntfs"),
    ("http", "sslbackend"),
    ("http", "schannelcheckrevoke"),
    ("http", "schannelusesslcainfo"),
}
_PATHS = {("core", "excludesfile"), ("core", "attributesfile"), ("include", "path"), ("includeif", "path"),
          ("core", "hookspath"), ("commit", "template"), ("init", "templatedir")}  # fmt: skip

_SEVERAL = {("safe", "directory"), ("include", "path"), ("includeif", "path"), ("url", "insteadof"),
            ("url", "pushinsteadof")}  # fmt: skip
"""Keys whose values add up, so that one does not replace another."""


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1]
    return value.replace("\\\\", "\\").replace('\\"', '"')


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _logical(text: str) -> list[str]:
    """Lines, those that end in a backslash joined with the next; such lines keep their inner break."""
    out: list[str] = []
    for line in text.split("\n"):
        if out and len(out[-1]) - len(out[-1].rstrip("\\")) & 1 and not _SECTION.match(out[-1]):
            out[-1] += "\n" + line
        else:
            out.append(line)
    return out


class _Editor:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.notes: list[tuple[str, dict[str, str]]] = []
        self.section = ""
        self.out: list[str] = []
        self.skipping = False

    def home_path(self, text: str) -> str | None:
        """A path as the home has it: "~" stays, what came along is translated."""
        if not is_windows(text):
            return text.replace("\\", "/")
        return self.context.paths.translate(text)

    def header(self, line: str, section: str, sub: str | None) -> None:
        self.section = section.lower()
        self.skipping = False
        if sub is None:
            self.out.append(line)
            return
        raw = _unquoted(sub)
        if self.section == "includeif" and ":" in raw:
            kind, _, pattern = raw.partition(":")
            if kind.startswith("gitdir") and is_windows(pattern):
                moved = self.home_path(pattern)
                if moved is None:
                    self.drop(f"includeIf.{raw}", "")
                    self.skipping = True
                    return
                if pattern.endswith(("/", "\\")):  # "everything below", to git
                    moved += "/"
                line = f"[includeIf {_quoted(f'{kind}:{moved}')}]"
                self.changed(f"includeIf.{raw}", moved)
        elif is_windows(raw):  # safe directories and the like, named by a Windows path
            self.drop(f"{section}.{raw}", "")
            self.skipping = True
            return
        self.out.append(line)

    def drop(self, key: str, value: str) -> None:
        self.notes.append(("setting-dropped", {"key": key, "value": value}))

    def changed(self, key: str, value: str) -> None:
        self.notes.append(("setting-changed", {"key": key, "value": value}))

    def value(self, line: str, key: str, value: str) -> None:
        name = (self.section, key.lower())
        shown = f"{self.section}.{key}"
        plain = _unquoted(value)
        if name == ("core", "autocrlf") and plain.lower() in ("true", "1", "yes", "on"):
            self.out.append("\tautocrlf = input")
            self.changed(shown, "input")
        elif name in _DROP or (
            self.section == "credential" and name[1] == "helper" and _windows_helper(plain)
        ):
            self.drop(shown, value)
        elif name in _PATHS and ("\\" in plain or is_windows(plain)):
            moved = self.home_path(plain)
            if moved is None:
                self.drop(shown, value)
            else:
                self.out.append(f"\t{key} = {_quoted(moved)}")
                self.changed(shown, moved)
        elif is_windows(plain) or plain.lower().endswith(".exe") or ".exe " in plain.lower():
            self.drop(shown, value)
        else:
            self.out.append(line)


def _windows_helper(value: str) -> bool:
    lowered = value.lower()
    return lowered.startswith(("manager", "wincred")) or "manager" in lowered or ".exe" in lowered


def config(data: bytes, context: Context) -> Result:
    """``.gitconfig``: no path, helper or switch that only Git for Windows understands is left."""
    editor = _Editor(context)
    for line in _logical(unix_lines(decode(data)).removesuffix("\n")):
        section = _SECTION.match(line)
        if section:
            editor.header(line, section.group(1), section.group(2))
            continue
        if editor.skipping:
            continue
        value = _VALUE.match(line.replace("\\\n", ""))
        if value and value.group(2) is not None:
            editor.value(line, value.group(1), value.group(2))
        else:
            editor.out.append(line)
    if context.existing is not None:
        added, more = _missing(editor.out, context.existing)
        return Result(merging.in_front(context.existing, added), (*editor.notes, *more))
    text = "\n".join(editor.out)
    return Result((text + "\n" if text else "").encode(), tuple(editor.notes))


_Key = tuple[str, str, str]
"""Section, subsection, key; the outer two without regard to case."""


def _values(lines: Iterable[str]) -> Iterator[tuple[_Key, str, str]]:
    """(key, value, line) of each setting; "" as the section of what stands before the first one."""
    section = sub = ""
    for line in lines:
        found = _SECTION.match(line)
        if found:
            section, sub = found.group(1).lower(), found.group(2) or ""
            continue
        value = _VALUE.match(line.replace("\\\n", ""))
        if value:
            yield (section, sub, value.group(1).lower()), _unquoted(value.group(2) or ""), line


def _missing(lines: list[str], existing: bytes) -> tuple[str, list[merging.Note]]:
    """The settings that the person's file does not have.

    They go in front, because the last value of a key wins, be it in a file that the person's includes.
    """
    there: dict[_Key, set[str]] = {}
    for key, value, _line in _values(_logical(unix_lines(merging.text_of(existing)))):
        there.setdefault(key, set()).add(value)
    added: list[str] = []
    notes = []
    last: tuple[str, str] | None = None
    for key, value, line in _values(lines):
        section, sub, name = key
        if value in there.get(key, ()):
            continue
        if key in there and (section, name) not in _SEVERAL:
            notes.append(merging.kept(".".join(part for part in key if part), value))
            continue
        if last != (section, sub):
            added.append(f'[{section} "{sub}"]' if sub else f"[{section}]")
            last = (section, sub)
        added.append(line)
    return "".join(f"{line}\n" for line in added), notes
