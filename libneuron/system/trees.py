"""A machine's file system as questions and answers: asked for real, recorded, or answered from a recording.

What reads a machine takes a :class:`Tree`. :class:`~libneuron.system.files.Root` is one; a
:class:`RecordingTree` around it notes every question with its answer, and a :class:`ReplayTree` gives the
same answers on another machine. So a recording holds exactly what was read: nothing can be forgotten, and
nothing else leaves the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol


class Tree(Protocol):
    """Reads by absolute path; see :class:`~libneuron.system.files.Root` for the meaning of each."""

    def exists(self, absolute: str) -> bool:
        """Whether there is something at ``absolute``."""

    def bytes(self, absolute: str, *, limit: int = 1 << 20) -> bytes | None:
        """At most ``limit`` bytes, or None where absent or unreadable."""

    def text(self, absolute: str, *, limit: int = 1 << 20) -> str | None:
        """The same as text without surrounding white space."""

    def names(self, absolute: str) -> tuple[str, ...]:
        """Sorted names in a directory; empty where absent or unreadable."""

    def link(self, absolute: str) -> str | None:
        """A link's target as written, or None."""

    def link_name(self, absolute: str) -> str | None:
        """The last part of a link's target, or None."""


@dataclass(frozen=True)
class Recording:
    """What a reader asked and was told. A path that is missing here was absent or unreadable there."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    present: frozenset[str] = frozenset()


class ReplayTree:
    """Answers from a :class:`Recording`."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    def exists(self, absolute: str) -> bool:
        """Whether the recording says so, or holds anything at that path."""
        held = self.recording
        return (
            absolute in held.present
            or absolute in held.files
            or absolute in held.links
            or absolute in held.names
        )

    def bytes(self, absolute: str, *, limit: int = 1 << 20) -> bytes | None:
        """See :class:`Tree`."""
        data = self.recording.files.get(absolute)
        return None if data is None else data[:limit]

    def text(self, absolute: str, *, limit: int = 1 << 20) -> str | None:
        """See :class:`Tree`."""
        data = self.bytes(absolute, limit=limit)
        return None if data is None else data.decode("utf-8", "replace").strip()

    def names(self, absolute: str) -> tuple[str, ...]:
        """See :class:`Tree`."""
        return self.recording.names.get(absolute, ())

    def link(self, absolute: str) -> str | None:
        """See :class:`Tree`."""
        return self.recording.links.get(absolute)

    def link_name(self, absolute: str) -> str | None:
        """See :class:`Tree`."""
        target = self.link(absolute)
        return None if target is None else PurePosixPath(target).name


Keep = Callable[[str, bytes], bytes]
"""(path, content) → what of it may be recorded."""


class RecordingTree:
    """Asks another tree and notes the answers; ``keep`` cuts from a file what must not be recorded.

    The caller is told the same that will be recorded, so a recording always replays to the same result.
    """

    def __init__(self, tree: Tree, keep: Keep = lambda _path, data: data) -> None:
        self._tree = tree
        self._keep = keep
        self._files: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._present: set[str] = set()

    def recording(self) -> Recording:
        """What was asked so far."""
        return Recording(
            files=dict(sorted(self._files.items())),
            links=dict(sorted(self._links.items())),
            names=dict(sorted(self._names.items())),
            present=frozenset(self._present),
        )

    def exists(self, absolute: str) -> bool:
        """See :class:`Tree`."""
        found = self._tree.exists(absolute)
        if found:
            self._present.add(absolute)
        return found

    def bytes(self, absolute: str, *, limit: int = 1 << 20) -> bytes | None:
        """See :class:`Tree`."""
        data = self._tree.bytes(absolute, limit=limit)
        if data is None:
            return None
        kept = self._keep(absolute, data)
        self._files[absolute] = kept
        return kept

    def text(self, absolute: str, *, limit: int = 1 << 20) -> str | None:
        """See :class:`Tree`."""
        data = self.bytes(absolute, limit=limit)
        return None if data is None else data.decode("utf-8", "replace").strip()

    def names(self, absolute: str) -> tuple[str, ...]:
        """See :class:`Tree`."""
        found = self._tree.names(absolute)
        if found:
            self._names[absolute] = found
        return found

    def link(self, absolute: str) -> str | None:
        """See :class:`Tree`."""
        target = self._tree.link(absolute)
        if target is not None:
            self._links[absolute] = target
        return target

    def link_name(self, absolute: str) -> str | None:
        """See :class:`Tree`."""
        target = self.link(absolute)
        return None if target is None else PurePosixPath(target).name
