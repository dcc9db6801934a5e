"""Where the suite keeps its own files: XDG directories through platformdirs, and the resources it ships."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from libneuron.system.places import NAME
from libneuron.system.places import resources as resources
from libneuron.system.places import runtime_path as runtime_path


@dataclass(frozen=True)
class Paths:
    """The suite's directories. Sub-directories per app are the app's business; none is created here."""

    config: Path
    data: Path
    state: Path
    cache: Path
    runtime: Path
    resources: Path


def user_paths() -> Paths:
    """This person's directories."""
    import platformdirs  # here: a tray must be visible before what it does not need yet is loaded

    return Paths(
        config=platformdirs.user_config_path(NAME),
        data=platformdirs.user_data_path(NAME),
        state=platformdirs.user_state_path(NAME),
        cache=platformdirs.user_cache_path(NAME),
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
