"""What the journal holds, as values: items, entries as the engine works on them, folders of the home."""

from __future__ import annotations

from dataclasses import dataclass

from libneuron.migration.model import Kind, State


@dataclass(frozen=True)
class Item:
    """One thing of the plan that can be chosen or left out."""

    id: str
    label: str
    target: str
    """Below the home; "" for the home itself."""
    selected: bool
    params: dict[str, object]


@dataclass(slots=True)
class Row:
    """One entry of the journal, as the engine works on it."""

    id: int
    item: str
    kind: Kind
    directory: int
    name: bytes
    size: int
    mtime: int
    state: State
    reason: str
    folder: int | None
    target: bytes | None
    transform: str
    private: bool
    placed: bytes | None = None
    """The name it has in its folder, chosen before its first byte was written; None for ``target``."""
    created: bool = False
    """Whether the run added it, and undo may remove it."""
    hash: bytes | None = None
    """SHA-256 of what was written."""
    inode: int | None = None
    written: int | None = None
    """Bytes written."""
    outcome: State | None = None
    """The final state it gets once it is renamed."""
    mode: int | None = None
    kept: bytes | None = None
    """For merges: the name of the copy, kept from before the run, in the run's folder."""
    kept_hash: bytes | None = None

    @property
    def there(self) -> bytes:
        """The name it has, or gets, in its folder."""
        return self.placed or self.target or b""


@dataclass(slots=True)
class Folder:
    """One folder of the home that the run needs. ``planned`` and ``actual`` are below the home."""

    id: int
    planned: bytes
    private: bool
    actual: bytes | None
    existed: bool | None
    before: int | None
    """Its mtime before the run, in nanoseconds, where it existed."""
    mtime: int | None
    """The mtime it gets: that of its source."""


COLUMNS = (
    "id, item, kind, directory, name, size, mtime, state, reason, folder, target, transform, private,"
    " placed, created, hash, inode, written, outcome, mode, kept, kept_hash"
)


def row_of(values: tuple[object, ...]) -> Row:
    """An entry from its columns."""
    row = Row(*values)  # type: ignore[arg-type] # columns in the order of the fields
    row.kind = _KINDS[row.kind]
    row.state = _STATES[row.state]
    row.private = bool(row.private)
    row.created = bool(row.created)
    row.outcome = None if row.outcome is None else _STATES[row.outcome]
    return row


# Looked up a million times, where calling the enumeration takes five times as long.
_KINDS: dict[str, Kind] = {kind.value: kind for kind in Kind}
_STATES: dict[int, State] = {state.value: state for state in State}


def came_as_planned(row: Row) -> bool:
    """Whether the general statement about renamed entries says all about this one."""
    if row.kind is Kind.FOLDER:
        return not row.reason
    return (
        row.created
        and row.there == row.target
        and row.kept is None
        and not row.reason
        and row.outcome in (State.COPIED, State.TRANSFORMED)
    )
