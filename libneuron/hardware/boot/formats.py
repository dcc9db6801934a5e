"""Where the kernel's words stand in each boot file, and changing them with every other byte left alone.

Formats: GRUB's /etc/default/grub and its drop-ins (shell), the Boot Loader Specification's type 1 entries,
/etc/kernel/cmdline of kernel-install, Limine's limine.conf (v8; older limine.cfg), limine-entry-tool's
/etc/default/limine. Only files that :func:`format_of` knows are ever written for kernel words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from libneuron.hardware.boot import assignments, cmdline
from libneuron.hardware.boot.assignments import OpenQuote
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.errors import BootError

GRUB = "/etc/default/grub"
GRUB_MORE = "/etc/default/grub.d"
CMDLINE = "/etc/kernel/cmdline"
ESPS = ("/efi", "/boot/efi", "/boot")
ENTRY_FOLDERS = tuple(f"{esp}/loader/entries" for esp in ESPS)
LIMINE = (
    "/boot/limine.conf", "/boot/limine/limine.conf", "/boot/EFI/limine/limine.conf", "/boot/efi/limine.conf",
    "/efi/limine.conf", "/boot/limine.cfg", "/boot/limine/limine.cfg",
)  # fmt: skip
LIMINE_ENTRY_TOOL = "/etc/default/limine"


@dataclass(frozen=True)
class Span:
    """One piece of a command line. ``bare``: it needs quotes around it once it changes."""

    start: int
    end: int
    bare: bool = False


@dataclass(frozen=True)
class CommandLine:
    """The pieces that make one kernel's command line; new words join the one at ``target``.

    Where ``target`` is None they are put at ``insert_at``, between ``before`` and ``after``.
    """

    spans: tuple[Span, ...]
    target: int | None
    insert_at: int = 0
    before: str = ""
    after: str = ""


Format = Callable[[str], tuple[CommandLine, ...]]
"""Finds the command lines of a text. Raises: NotSimple."""


def format_of(path: str) -> Format:
    """What understands the file at ``path``. Raises: BootError boot-file-foreign."""
    folder, _, name = path.rpartition("/")
    if path == GRUB or (folder == GRUB_MORE and name.endswith(".cfg")):
        return grub
    if path == CMDLINE:
        return kernel_cmdline
    if path in LIMINE:
        return limine
    if path == LIMINE_ENTRY_TOOL:
        return limine_entry_tool
    if folder in ENTRY_FOLDERS and name.endswith(".conf"):
        return entry
    raise BootError("hardware.boot-file-foreign", path=path)


def is_known(path: str) -> bool:
    """Whether the file at ``path`` may hold kernel words."""
    try:
        format_of(path)
    except BootError:
        return False
    return True


def change(text: str, form: Format, wish: Wish) -> str:
    """``text`` with ``wish`` done in each of its command lines. Raises: NotSimple."""
    for line in reversed(_closed(form, text)):
        old = [text[span.start : span.end] for span in line.spans]
        new, missing = cmdline.change_lines(old, wish, line.target)
        if missing:
            added = line.before + " ".join(missing) + line.after
            text = text[: line.insert_at] + added + text[line.insert_at :]
        text = _replace(text, line.spans, new)
    return text


@dataclass(frozen=True)
class Swap:
    """The words that a change brought (``given``), and those that it took away (``taken``)."""

    given: frozenset[str]
    taken: frozenset[str]

    @staticmethod
    def joined(parts: Iterable[Swap]) -> Swap:
        """All of ``parts`` as one."""
        swaps = list(parts)
        return Swap(
            frozenset[str]().union(*(one.given for one in swaps)),
            frozenset[str]().union(*(one.taken for one in swaps)),
        )


def swap_of(form: Format, before: str, after: str) -> Swap:
    """What made ``after`` of ``before``. Raises: NotSimple."""
    old, new = _words(_pieces(form, before)), _words(_pieces(form, after))
    return Swap(frozenset(new - old), frozenset(old - new))


def swap(form: Format, now: str, change: Swap, known: Mapping[str, set[str]] = MappingProxyType({})) -> str:
    """``now`` without the words of ``change``, and with what they replaced back in their place.

    ``known``: texts of lines with the one or more texts that they were made of. Raises: NotSimple.
    """
    there = {cmdline.name(word) for word in _words(_pieces(form, now))}
    ours = {cmdline.name(word) for word in change.given}
    # A word that only went comes back, unless the person has decided about that name since.
    taken = sorted(
        word for word in change.taken if cmdline.name(word) not in there or cmdline.name(word) in ours
    )
    for line in reversed(_closed(form, now)):
        texts = [now[span.start : span.end] for span in line.spans]
        untouched = [known.get(text, set()) for text in texts]
        if all(len(choice) == 1 for choice in untouched):
            new = [next(iter(choice)) for choice in untouched]
        else:
            new = cmdline.swap_lines(texts, change.given, taken, line.target)
        now = _replace(now, line.spans, new)
    return now


def take_back(form: Format, before: str, after: str, now: str) -> str:
    """``now``, which came from ``after`` by another hand, without what made ``after`` of ``before``.

    A line that nobody touched gets its old text; in the others only our own words go, and what they replaced
    comes back in their place. Raises: NotSimple.
    """
    old, ours = _pieces(form, before), _pieces(form, after)
    known: dict[str, set[str]] = {}
    if len(old) == len(ours):
        for was, became in zip(old, ours, strict=True):
            known.setdefault(became, set()).add(was)
    return swap(form, now, swap_of(form, before, after), known)


def _closed(form: Format, text: str) -> tuple[CommandLine, ...]:
    """The command lines of ``text``. Raises: NotSimple; OpenQuote (kernel ``lib/cmdline.c`` next_arg)."""
    found = form(text)
    for line in found:
        for span in line.spans:
            if text.count('"', span.start, span.end) % 2:
                raise OpenQuote(text[span.start : span.end])
    return found


def _replace(text: str, spans: tuple[Span, ...], new: list[str]) -> str:
    for span, piece in reversed(list(zip(spans, new, strict=True))):
        if piece != text[span.start : span.end]:
            quoted = f'"{piece}"' if span.bare else piece
            text = text[: span.start] + quoted + text[span.end :]
    return text


def _pieces(form: Format, text: str) -> list[str]:
    return [text[span.start : span.end] for line in form(text) for span in line.spans]


def _words(pieces: list[str]) -> set[str]:
    return {word for piece in pieces for word in cmdline.split(piece)}


def _gap(text: str) -> str:
    return "" if not text or text.endswith("\n") else "\n"


_DEFAULT = "GRUB_CMDLINE_LINUX_DEFAULT"


def grub(text: str) -> tuple[CommandLine, ...]:
    """A shell file of GRUB: new words join the last setting of the default words."""
    return (_shell(text, _DEFAULT, "GRUB_CMDLINE_LINUX"),)


def grub_sets(text: str) -> bool:
    """Whether a shell file of GRUB sets the default words afresh (and not only adds). Raises: NotSimple."""
    return any(not found.appends for found in assignments.find(text, _DEFAULT))


def limine_entry_tool(text: str) -> tuple[CommandLine, ...]:
    """The defaults of limine-entry-tool, which writes limine.conf from them."""
    return (_shell(text, "KERNEL_CMDLINE[default]"),)


def _shell(text: str, name: str, *also: str) -> CommandLine:
    found = assignments.find(text, name, *also)
    setting = [at for at, one in enumerate(found) if one.name == name and not one.appends]
    adding = [at for at, one in enumerate(found) if one.name == name and one.start < one.end]
    target = next(reversed(setting or adding), None)
    spans = tuple(Span(one.start, one.end, one.bare) for one in found)
    return CommandLine(spans, target, len(text), f'{_gap(text)}{name}="', '"\n')


def kernel_cmdline(text: str) -> tuple[CommandLine, ...]:
    """/etc/kernel/cmdline: usually one line; further lines count too, comments are mkinitcpio's."""
    lines = list(re.finditer(r"^(?![ \t]*#)[ \t]*(?P<words>\S[^\n]*)$", text, re.MULTILINE))
    spans = tuple(Span(*line.span("words")) for line in lines)
    return (CommandLine(spans, len(spans) - 1 if spans else None, len(text), _gap(text), "\n"),)


_LINUX = re.compile(r"^linux[ \t]", re.MULTILINE)
_OPTIONS = re.compile(r"^options[ \t]+([^\n]*)$", re.MULTILINE)


def entry(text: str) -> tuple[CommandLine, ...]:
    """A type 1 entry: all its ``options`` lines are one list. One that starts no Linux has none."""
    if not _LINUX.search(text):
        return ()
    spans = tuple(Span(*line.span(1)) for line in _OPTIONS.finditer(text))
    return (CommandLine(spans, len(spans) - 1 if spans else None, len(text), f"{_gap(text)}options ", "\n"),)


_LIMINE_ENTRY = re.compile(r"^[ \t]*[/:]", re.MULTILINE)
_LIMINE_LINUX = re.compile(r"^([ \t]*)protocol[ \t]*[:=][ \t]*linux[ \t]*$", re.MULTILINE | re.IGNORECASE)
_LIMINE_LINE = re.compile(
    r"^[ \t]*(?:kernel_)?cmdline[ \t]*[:=][ \t]*([^\n]*)$", re.MULTILINE | re.IGNORECASE
)


def limine(text: str) -> tuple[CommandLine, ...]:
    """limine.conf: one command line for each entry whose protocol is linux; other systems have none."""
    starts = [match.start() for match in _LIMINE_ENTRY.finditer(text)] or [0]
    parts = zip(starts, [*starts[1:], len(text)], strict=True)
    found = (_limine_entry(text, start, end) for start, end in parts)
    return tuple(line for line in found if line is not None)


def _limine_entry(text: str, start: int, end: int) -> CommandLine | None:
    linux = _LIMINE_LINUX.search(text[start:end])
    if linux is None:
        return None
    line = _LIMINE_LINE.search(text[start:end])
    if line is not None:
        return CommandLine((Span(start + line.start(1), start + line.end(1)),), 0)
    key = "cmdline=" if "=" in linux[0] else "cmdline: "
    return CommandLine((), None, start + linux.end(), f"\n{linux[1]}{key}")
