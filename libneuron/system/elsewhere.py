"""Runners that start a program somewhere else: inside another system's tree, or outside of our own walls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from libneuron.system.runner import STANDARD_PATH, Completed, Runner


class ChrootRunner:
    """Runs programs inside another system's tree (an installer's target). Needs root."""

    def __init__(self, real: Runner, top: Path) -> None:
        self._real = real
        self._top = top

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        timeout: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        check: bool = True,
        changes: bool = False,
    ) -> Completed:
        """See :meth:`Runner.run`."""
        words = ("chroot", self._top, *argv)
        # The tree's own folders count, not the caller's: chroot looks the program up inside.
        inside = {"PATH": STANDARD_PATH, **(env or {})}
        return self._real.run(words, timeout=timeout, stdin=stdin, env=inside, check=check, changes=changes)


class ServiceRunner:
    """Runs a program as a service of its own, started by systemd: for a helper whose walls would be in the
    way of a distribution's tools, which mount, make device nodes and load modules. Needs root.
    """

    def __init__(self, real: Runner) -> None:
        self._real = real

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        timeout: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        check: bool = True,
        changes: bool = False,
    ) -> Completed:
        """See :meth:`Runner.run`; systemd itself ends the program when ``timeout`` is over."""
        given = [f"--setenv={key}={value}" for key, value in (env or {}).items()]
        words = (
            "systemd-run",
            "--quiet",
            "--wait",
            "--pipe",
            "--collect",
            "--service-type=exec",
            f"--property=RuntimeMaxSec={timeout:g}",
            *given,
            "--",
            *argv,
        )
        return self._real.run(
            words, timeout=timeout + 30, stdin=stdin, env=None, check=check, changes=changes
        )
