"""What a person allows each VM: kept on the host, enforced on the host, and told to the guest."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from libneuron.guest.wire.requests import VERBS, Permission
from libneuron.system.errors import SystemAccessError
from libneuron.system.files import make_private_directory, write_atomic
from libneuron.system.tables import load

_Stamp = tuple[int, int, int, int]

DEFAULT = frozenset(Permission) - {Permission.SECRETS, Permission.FILES}
"""A new VM may do what the person sees happening; secrets and files wait for a decision."""


def needed(verb: str) -> Permission | None:
    """The permission ``verb`` needs, None for none (an unknown verb is the guest's to refuse)."""
    known = VERBS.get(verb)
    return known.permission if known is not None else None


@dataclass(frozen=True)
class PermissionStore:
    """One TOML file per VM below ``folder``; a VM without one has :data:`DEFAULT`.

    A file is read again when it changed only: a guest causes a look with each of its events.
    """

    folder: Path
    _read: dict[Path, tuple[_Stamp, frozenset[Permission]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def _path(self, vm: str) -> Path:
        return self.folder / "permissions" / f"{vm}.toml"

    def get(self, vm: str) -> frozenset[Permission]:
        """What ``vm`` may do. Raises: SystemAccessError table-invalid, where the file is there at all."""
        path = self._path(vm)
        try:
            found = path.stat()
            stamp = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            known = self._read.get(path)
            if known is not None and known[0] == stamp:
                return known[1]
            table = load(path)
        except FileNotFoundError:
            return DEFAULT
        except OSError as error:
            raise SystemAccessError(
                "system.table-invalid", file=str(path), problem=error.strerror or "unreadable"
            ) from error
        allowed = frozenset(item for item in Permission if table.get(item.value, bool, item in DEFAULT))
        table.done()
        self._read[path] = (stamp, allowed)
        return allowed

    def set(self, vm: str, allowed: frozenset[Permission]) -> None:
        """Store what ``vm`` may do."""
        path = self._path(vm)
        make_private_directory(path.parent)
        lines = [f"{item.value} = {str(item in allowed).lower()}\n" for item in Permission]
        write_atomic(path, "".join(lines).encode(), mode=0o600)
