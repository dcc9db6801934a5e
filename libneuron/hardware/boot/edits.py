"""A planned change as values: file contents before and after, and the programs that make it count."""

from __future__ import annotations

import difflib
from dataclasses import dataclass


@dataclass(frozen=True)
class FileEdit:
    """One file's whole content before and after; None: the file is not there. ``path`` is absolute."""

    path: str
    before: bytes | None
    after: bytes | None

    @property
    def reverse(self) -> FileEdit:
        """The edit that undoes this one."""
        return FileEdit(self.path, self.after, self.before)

    def diff(self) -> str:
        """A unified diff for a person."""
        old = (self.before or b"").decode("utf-8", "replace").splitlines(keepends=True)
        new = (self.after or b"").decode("utf-8", "replace").splitlines(keepends=True)
        lines = difflib.unified_diff(
            old, new, self.path if self.before is not None else "/dev/null", self.path
        )
        return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


@dataclass(frozen=True)
class BootPlan:
    """Everything one change does. ``commands`` run after the files, in order, also after an undo.

    ``loader`` and ``initramfs`` name what the machine uses; empty ``edits`` mean that nothing is to be done.
    """

    loader: str
    initramfs: str | None
    edits: tuple[FileEdit, ...]
    commands: tuple[tuple[str, ...], ...]

    @property
    def undo(self) -> BootPlan:
        """The plan that puts everything back."""
        edits = tuple(edit.reverse for edit in reversed(self.edits))
        return BootPlan(self.loader, self.initramfs, edits, self.commands)

    def diff(self) -> str:
        """All diffs, one after the other."""
        return "".join(edit.diff() for edit in self.edits)
