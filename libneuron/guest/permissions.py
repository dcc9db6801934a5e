"""What a person allows each VM: kept on the host, enforced on the host, and told to the guest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from libneuron.guest.wire.requests import VERBS, Permission
from libneuron.system.errors import SystemAccessError
from libneuron.system.files import make_private_directory, write_atomic
from libneuron.system.tables import load

DEFAULT = frozenset(Permission) - {Permission.SECRETS, Permission.FILES}
"""A new VM may do what the person sees happening; secrets and files wait for a decision."""


def needed(verb: str) -> Permission | None:
    """The permission ``verb`` needs, None for none (an unknown verb is the guest's to refuse)."""
    known = VERBS.get(verb)
    return known.permission if known is not None else None


@dataclass(frozen=True)
class PermissionStore:
    """One TOML file per VM below ``folder``; a VM without one has :data:`DEFAULT`."""

    folder: Path

    def _path(self, vm: str) -> Path:
        return self.folder / "permissions" / f"{vm}.toml"

    def get(self, vm: str) -> frozenset[Permission]:
        """What ``vm`` may do. Raises: SystemAccessError table-invalid, where the file is there at all."""
        path = self._path(vm)
        try:
            table = load(path)
        except FileNotFoundError:
            return DEFAULT
        except OSError as error:
            raise SystemAccessError(
                "system.table-invalid", file=str(path), problem=error.strerror or "unreadable"
            ) from error
        allowed = frozenset(item for item in Permission if table.get(item.value, bool, item in DEFAULT))
        table.done()
        return allowed

    def set(self, vm: str, allowed: frozenset[Permission]) -> None:
        """Store what ``vm`` may do."""
        path = self._path(vm)
        make_private_directory(path.parent)
        lines = [f"{item.value} = {str(item in allowed).lower()}\n" for item in Permission]
        write_atomic(path, "".join(lines).encode(), mode=0o600)
