"""Kernel arguments in the files of each boot loader: text in, text out, everything else left as it was.

Formats: GRUB's /etc/default/grub (a shell file), the Boot Loader Specification's entries (systemd-boot),
/etc/kernel/cmdline of kernel-install, and Limine's limine.conf (and the older limine.cfg).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from libneuron.hardware.errors import HardwareError


@dataclass(frozen=True)
class Arguments:
    """Kernel arguments to add and to remove, each a whole word such as "intel_iommu=on"."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    @property
    def reverse(self) -> Arguments:
        """What takes this back."""
        return Arguments(add=self.remove, remove=self.add)


_WORD = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.,:=@/+-]*")
"""Arguments we ever write: nothing that a shell or a boot loader could read as more than a word."""


def checked(arguments: Arguments) -> Arguments:
    """The arguments, if each is a plain word. Raises: HardwareError argument-unsafe."""
    for word in (*arguments.add, *arguments.remove):
        if not _WORD.fullmatch(word):
            raise HardwareError("hardware.argument-unsafe", argument=word)
    return arguments


def _without(line: str, words: tuple[str, ...]) -> str:
    for word in words:
        line = re.sub(rf"(?:(?<=\s)|^){re.escape(word)}(?:\s+|$)", "", line)
    return line


def change_line(line: str, arguments: Arguments) -> str:
    """A line of arguments changed; an argument that stands there already is not added again.

    White space at the end belongs to what follows the arguments and stays there.
    """
    body = line.rstrip()
    end = line[len(body) :]
    less = _without(body, arguments.remove).rstrip() if arguments.remove else body
    present = set(less.split())
    missing = [word for word in dict.fromkeys(arguments.add) if word not in present]
    return " ".join([less, *missing] if less else missing) + end


def _still_missing(arguments: Arguments, whole: str) -> Arguments:
    """Less what some line of the same list already holds."""
    present = set(whole.split()) - set(arguments.remove)
    return Arguments(tuple(word for word in arguments.add if word not in present), arguments.remove)


_GRUB = "GRUB_CMDLINE_LINUX_DEFAULT"
_ASSIGNMENT = re.compile(
    r"""^(?P<head>[ \t]*(?:export[ \t]+)?(?P<name>GRUB_CMDLINE_LINUX(?:_DEFAULT)?)=)
    (?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'#;]*))
    (?P<tail>[ \t]*(?:[#;][^\n]*)?)$""",
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
_ANY_ASSIGNMENT = re.compile(r"^[ \t]*(?:export[ \t]+)?GRUB_CMDLINE_LINUX(?:_DEFAULT)?=", re.MULTILINE)


def grub_assigns(text: str) -> bool:
    """Whether a shell file of GRUB sets the default arguments afresh (and not only adds to them).

    Raises: HardwareError boot-file-unclear.
    """
    return any(match["name"] == _GRUB and f"${_GRUB}" not in match.group() for match in _assignments(text))


def _assignments(text: str) -> list[re.Match[str]]:
    found = []
    for start in _ANY_ASSIGNMENT.finditer(text):
        match = _ASSIGNMENT.match(text, start.start())
        if match is None:
            raise HardwareError("hardware.boot-file-unclear", path="/etc/default/grub")
        found.append(match)
    return found


def grub(text: str, arguments: Arguments) -> str:
    """/etc/default/grub: removes from both variables, adds to the last ``GRUB_CMDLINE_LINUX_DEFAULT``.

    Raises: HardwareError boot-file-unclear where an assignment is not a plain text.
    """
    matches = _assignments(text)
    values = (match["double"] or match["single"] or match["bare"] or "" for match in matches)
    arguments = _still_missing(arguments, " ".join(values))
    last = next((match for match in reversed(matches) if match["name"] == _GRUB), None)
    for match in reversed(matches):
        wanted = Arguments(arguments.add if match is last else (), arguments.remove)
        text = text[: match.start()] + _assign(match, wanted) + text[match.end() :]
    if last is None and arguments.add:
        line = change_line("", Arguments(arguments.add))
        text += ("" if not text or text.endswith("\n") else "\n") + f'{_GRUB}="{line}"\n'
    return text


def _assign(match: re.Match[str], arguments: Arguments) -> str:
    if match["double"] is not None:
        quote, value = '"', match["double"]
    elif match["single"] is not None:
        quote, value = "'", match["single"]
    else:
        quote, value = "", match["bare"]
    changed = change_line(value, arguments)
    if changed == value:
        return match.group()
    if not quote:
        quote = '"'
    return f"{match['head']}{quote}{changed}{quote}{match['tail']}"


def cmdline(text: str, arguments: Arguments) -> str:
    """/etc/kernel/cmdline: the arguments, usually on one line; comments and further lines stay."""
    lines = text.split("\n")
    content = [at for at, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")]
    for at in content:
        lines[at] = change_line(lines[at], Arguments((), arguments.remove))
    if content:
        lines[content[-1]] = change_line(lines[content[-1]], Arguments(arguments.add))
    elif arguments.add:
        added = change_line("", Arguments(arguments.add))
        if any(lines):
            lines.insert(len(lines) - 1, added)
        else:
            lines[0] = added
    return "\n".join(lines)


_LINUX = re.compile(r"^linux[ \t]", re.MULTILINE)
_OPTIONS = re.compile(r"^(options[ \t]+)([^\n]*)$", re.MULTILINE)


def entry(text: str, arguments: Arguments) -> str:
    """A Boot Loader Specification entry: all its ``options`` lines are one list; adds to the last.

    An entry that starts something else than Linux is left alone.
    """
    if not _LINUX.search(text):
        return text
    matches = list(_OPTIONS.finditer(text))
    arguments = _still_missing(arguments, " ".join(match[2] for match in matches))
    for match in reversed(matches):
        wanted = Arguments(arguments.add if match is matches[-1] else (), arguments.remove)
        text = text[: match.start(2)] + change_line(match[2], wanted) + text[match.end(2) :]
    if not matches and arguments.add:
        line = change_line("", Arguments(arguments.add))
        text += ("" if not text or text.endswith("\n") else "\n") + f"options {line}\n"
    return text


_LIMINE_ENTRY = re.compile(r"^[ \t]*[/:]", re.MULTILINE)
_LIMINE_LINUX = re.compile(r"^([ \t]*)protocol[ \t]*[:=][ \t]*linux[ \t]*$", re.MULTILINE | re.IGNORECASE)
_LIMINE_LINE = re.compile(
    r"^([ \t]*(?:kernel_)?cmdline[ \t]*[:=][ \t]*)([^\n]*)$", re.MULTILINE | re.IGNORECASE
)


def limine(text: str, arguments: Arguments) -> str:
    """limine.conf: the ``cmdline`` of every entry whose protocol is linux; other systems are left alone."""
    starts = [match.start() for match in _LIMINE_ENTRY.finditer(text)]
    if not starts:
        return _limine_entry(text, arguments)
    parts = [text[: starts[0]]]
    parts += [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return "".join(_limine_entry(part, arguments) for part in parts)


def _limine_entry(part: str, arguments: Arguments) -> str:
    linux = _LIMINE_LINUX.search(part)
    if linux is None:
        return part
    line = _LIMINE_LINE.search(part)
    if line is not None:
        return part[: line.start(2)] + change_line(line[2], arguments) + part[line.end(2) :]
    if not arguments.add:
        return part
    added = f"\n{linux[1]}cmdline: {change_line('', Arguments(arguments.add))}"
    return part[: linux.end()] + added + part[linux.end() :]


Editor = Callable[[str, Arguments], str]
