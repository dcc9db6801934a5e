"""What a program needs of the file system before anything else; apart because a tray's icon waits for it.

:mod:`.paths` and :mod:`.files` hold the rest, and these names too.
"""

from __future__ import annotations

import os
from pathlib import Path

NAME = "neuron"
"""The suite's directories are called so."""


def resources() -> Path:
    """The shipped tables, icons and service files: in the package when installed, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_resources"
    return installed if installed.is_dir() else package.parent / "resources"


def runtime_path() -> Path:
    """The session's own directory for sockets; outside a session one below the person's state.

    platformdirs would fall back to a name in /tmp that anybody could have made first.
    """
    session = os.environ.get("XDG_RUNTIME_DIR")
    if session:
        return Path(session) / NAME
    import platformdirs

    return platformdirs.user_state_path(NAME) / "run"


def make_private_directory(path: Path) -> Path:
    """Create ``path`` (and parents) as 0700 where absent; an existing one is tightened to 0700."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path
