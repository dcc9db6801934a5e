"""Where the suite keeps its own files: XDG directories through platformdirs, and the resources it ships."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_NAME = "neuron"


@dataclass(frozen=True)
class Paths:
    """The suite's directories. Sub-directories per app are the app's business; none is created here."""

    config: Path
    data: Path
    state: Path
    cache: Path
    runtime: Path
    resources: Path


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
        return Path(session) / _NAME
    import platformdirs

    return platformdirs.user_state_path(_NAME) / "run"


def user_paths() -> Paths:
    """This person's directories."""
    import platformdirs  # here: a tray must be visible before what it does not need yet is loaded

    return Paths(
        config=platformdirs.user_config_path(_NAME),
        data=platformdirs.user_data_path(_NAME),
        state=platformdirs.user_state_path(_NAME),
        cache=platformdirs.user_cache_path(_NAME),
        runtime=runtime_path(),
        resources=resources(),
    )


def below(top: Path) -> Paths:
    """The same layout below ``top``: for tests, an installer's target and a portable trial."""
    return Paths(
        config=top / "config",
        data=top / "data",
        state=top / "state",
        cache=top / "cache",
        runtime=top / "run",
        resources=resources(),
    )
