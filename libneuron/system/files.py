"""Files: a root prefix for everything that is read by absolute path, and writes that cannot tear.

Two doors: :class:`Root` reads (and lists) a machine that may be this one or a recorded tree; the functions
write. Opening below a directory that another user could change goes through :func:`open_beneath`, which
follows no links.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from libneuron.system.errors import SystemAccessError
from libneuron.system.places import make_private_directory as make_private_directory


class Root:
    """A machine's file system seen through a prefix: ``Root(Path("/"))`` is this machine.

    Links are resolved inside the prefix, so a recorded ``/sys`` tree answers as the recorded machine did.
    """

    def __init__(self, prefix: Path = Path("/")) -> None:
        self.prefix = prefix
        self.live = prefix == Path("/")

    def __repr__(self) -> str:
        return f"Root({str(self.prefix)!r})"

    def path(self, absolute: str | PurePosixPath) -> Path:
        """Where ``absolute`` lies on this machine; absolute links are re-anchored below the prefix."""
        return Path(self._place(str(absolute)))

    def _place(self, absolute: str) -> str:
        # In texts: a scan of 100 devices comes here thousands of times, and paths as objects doubled it.
        if self.live:
            return f"{str(self.prefix).rstrip('/')}/{absolute.lstrip('/')}"
        top = here = str(self.prefix)
        parts = absolute.split("/")[::-1]
        for _ in range(400):  # more steps than this is a loop of links
            if not parts:
                return here
            part = parts.pop()
            if part in ("", "."):
                continue
            if part == "..":
                here = here.rpartition("/")[0] if here != top else here
                continue
            step = f"{here}/{part}"
            try:
                target = os.readlink(step)
            except OSError:
                here = step
                continue
            parts += target.split("/")[::-1]
            if target.startswith("/"):
                here = top
        raise SystemAccessError("system.unsafe-path", path=absolute)

    def exists(self, absolute: str) -> bool:
        """Whether there is something at ``absolute``."""
        return self.path(absolute).exists()

    def bytes(self, absolute: str, *, limit: int = 1 << 20) -> bytes | None:
        """At most ``limit`` bytes of a file, or None where it is absent or may not be read."""
        try:
            with open(self._place(absolute), "rb") as file:  # noqa: PTH123 — see _place
                return file.read(limit)
        except OSError:
            return None

    def text(self, absolute: str, *, limit: int = 1 << 20) -> str | None:
        """A file as text without surrounding white space, or None where it is absent or may not be read."""
        data = self.bytes(absolute, limit=limit)
        return None if data is None else data.decode("utf-8", "replace").strip()

    def names(self, absolute: str) -> tuple[str, ...]:
        """Sorted names in a directory; empty where it is absent or may not be read."""
        try:
            return tuple(sorted(os.listdir(self._place(absolute))))
        except OSError:
            return ()

    def link(self, absolute: str) -> str | None:
        """A link's target as it is written, or None where there is no link."""
        parent, _, name = absolute.rpartition("/")
        try:
            return os.readlink(f"{self._place(parent or '/')}/{name}")
        except OSError:
            return None

    def link_name(self, absolute: str) -> str | None:
        """The last part of a link's target ("driver" → "vfio-pci"), or None where there is no link."""
        target = self.link(absolute)
        return None if target is None else PurePosixPath(target).name


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644, durable: bool = True) -> None:
    """Replace ``path`` by ``data`` in one step; a reader sees the old or the new, also after power loss.

    The temporary file lies in the same directory, is created new and never followed through a link.
    """
    temporary = path.parent / f".{path.name}.{os.urandom(6).hex()}.tmp"
    try:
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode
        )
    except OSError as error:
        error.filename = os.fspath(path)  # the file that was asked for, not a name nobody has heard of
        raise
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    if durable:
        sync_directory(path.parent)


def sync_file(path: Path) -> None:
    """Make the bytes of a file durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Make the names in ``path`` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_everything() -> None:
    """Make durable what other programs wrote anywhere."""
    os.sync()


def _parts(relative: str | bytes) -> list[bytes]:
    parts = [part for part in os.fsencode(relative).split(b"/") if part not in (b"", b".")]
    if not parts or b".." in parts or os.fsencode(relative).startswith(b"/"):
        raise SystemAccessError("system.unsafe-path", path=os.fsdecode(relative))
    return parts


@contextlib.contextmanager
def directory_beneath(top: int, relative: str | bytes, *, create: bool = False) -> Iterator[int]:
    """Open a directory below the descriptor ``top``, following no links; yields its descriptor.

    Raises: SystemAccessError unsafe-path if a part is a link, not a directory, absolute or "..".
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    here = os.dup(top)
    try:
        for part in _parts(relative):
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o777, dir_fd=here)
            try:
                below = os.open(part, flags, dir_fd=here)
            except NotADirectoryError as error:
                raise SystemAccessError("system.unsafe-path", path=os.fsdecode(relative)) from error
            except OSError as error:
                if error.errno == 40:  # ELOOP: a link
                    raise SystemAccessError("system.unsafe-path", path=os.fsdecode(relative)) from error
                raise
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)


def open_beneath(top: int, relative: str | bytes, flags: int, mode: int = 0o600) -> int:
    """Open a file below the descriptor ``top``, following no links on the whole way.

    Raises: SystemAccessError unsafe-path; OSError as ``os.open`` does.
    """
    parts = _parts(relative)
    flags |= os.O_NOFOLLOW | os.O_CLOEXEC
    with contextlib.ExitStack() as stack:
        parent = top
        if len(parts) > 1:
            parent = stack.enter_context(directory_beneath(top, b"/".join(parts[:-1])))
        try:
            return os.open(parts[-1], flags, mode, dir_fd=parent)
        except OSError as error:
            if error.errno == 40:
                raise SystemAccessError("system.unsafe-path", path=os.fsdecode(relative)) from error
            raise


def is_private(path: Path) -> bool:
    """Whether only its owner may read or write ``path`` (a key file), and it is no link."""
    info = path.lstat()
    return stat.S_ISREG(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & 0o077
