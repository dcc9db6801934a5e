"""Git's settings: line by line, so that comments and order stay.

Source: git-config(1); gitcredentials(7). ``core.autocrlf=true`` would write CRLF files on Linux; "input"
keeps what Windows people have in their repositories as it is.
"""

from __future__ import annotations

import re

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
    text = "\n".join(editor.out)
    return Result((text + "\n" if text else "").encode(), tuple(editor.notes))
