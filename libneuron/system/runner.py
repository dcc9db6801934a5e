"""The only module of the library that starts processes. Lists of arguments, never a shell."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from libneuron.system.errors import SystemAccessError

_log = logging.getLogger(__name__)

_KEEP = (
    "HOME", "USER", "LOGNAME", "PATH", "LANGUAGE", "TMPDIR",
    "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME",
    "XDG_SESSION_TYPE", "XDG_CURRENT_DESKTOP",
)  # fmt: skip

# For who was started without any, as by an agent in a VM: a distribution's tools for root are in sbin.
STANDARD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Process = subprocess.Popen[bytes]
"""A program that :func:`spawn` started."""
PIPE = subprocess.PIPE


@dataclass(frozen=True)
class Completed:
    """How a program ended."""

    argv: tuple[str, ...]
    status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text; undecodable bytes are replaced."""
        return self.stdout.decode("utf-8", "replace")


class Runner(Protocol):
    """Starts programs. The dry-run swaps this once, at start-up."""

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
        """Run ``argv`` to its end and return what it said.

        ``timeout`` is in seconds; ``env`` adds to a clean environment (C.UTF-8 messages); ``changes`` says
        that the program alters the machine, so a dry run only logs it.

        Raises: SystemAccessError program-missing, program-forbidden, program-failed (if ``check``),
        program-timeout.
        """


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment programs get: what a session needs, untranslated messages, and ``extra``."""
    env = {name: os.environ[name] for name in _KEEP if name in os.environ}
    env.setdefault("PATH", STANDARD_PATH)
    return {**env, "LC_ALL": "C.UTF-8", **(extra or {})}


def _failure(argv: tuple[str, ...], status: int, stderr: bytes) -> SystemAccessError:
    word = signal.Signals(-status).name if status < 0 else str(status)
    said = stderr.decode("utf-8", "replace").strip()[-4000:]
    return SystemAccessError(
        "system.program-failed", program=argv[0], status=word, details=f"$ {shlex.join(argv)}\n{said}"
    )


class RealRunner:
    """Runs programs on this machine."""

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
        words = tuple(os.fspath(word) for word in argv)
        _log.debug("%s %s", "$" if not changes else "#", shlex.join(words))
        try:
            done = subprocess.run(
                words,
                input=stdin,
                capture_output=True,
                timeout=timeout,
                env=clean_environment(env),
                check=False,
            )
        except (FileNotFoundError, PermissionError) as error:
            raise _unstarted(error, words[0]) from error
        except subprocess.TimeoutExpired as error:
            raise SystemAccessError(
                "system.program-timeout",
                program=words[0],
                seconds=f"{timeout:g}",
                details=f"$ {shlex.join(words)}",
            ) from error
        if check and done.returncode != 0:
            raise _failure(words, done.returncode, done.stderr)
        return Completed(words, done.returncode, done.stdout, done.stderr)


class DryRunner:
    """Runs what only looks, and records what would change the machine."""

    def __init__(self, real: Runner) -> None:
        self._real = real
        self.skipped: list[tuple[str, ...]] = []

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
        """See :meth:`Runner.run`; with ``changes`` nothing runs and an empty success is returned."""
        if not changes:
            return self._real.run(argv, timeout=timeout, stdin=stdin, env=env, check=check)
        words = tuple(os.fspath(word) for word in argv)
        _log.info("would run: %s", shlex.join(words))
        self.skipped.append(words)
        return Completed(words, 0, b"", b"")


def spawn(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
    new_session: bool = True,
) -> subprocess.Popen[bytes]:
    """Start a long-lived program and return it; the caller ends and reaps it.

    Raises: SystemAccessError program-missing, program-forbidden.
    """
    words = tuple(os.fspath(word) for word in argv)
    _log.debug("& %s", shlex.join(words))
    try:
        return subprocess.Popen(
            words,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=clean_environment(env),
            pass_fds=tuple(pass_fds),
            start_new_session=new_session,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise _unstarted(error, words[0]) from error


def launch(argv: Sequence[str | Path]) -> subprocess.Popen[bytes]:
    """Start one of the person's own programs with the session's whole environment, and leave it to them.

    It outlives this process, and is reaped here while this one lives.
    Raises: SystemAccessError program-missing, program-forbidden.
    """
    words = tuple(os.fspath(word) for word in argv)
    _log.debug("& %s", shlex.join(words))
    quiet = subprocess.DEVNULL
    try:
        process = subprocess.Popen(words, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    except (FileNotFoundError, PermissionError) as error:
        raise _unstarted(error, words[0]) from error
    threading.Thread(target=process.wait, name="launched", daemon=True).start()
    return process


def _unstarted(error: OSError, program: str) -> SystemAccessError:
    forbidden = isinstance(error, PermissionError)
    code = "system.program-forbidden" if forbidden else "system.program-missing"
    return SystemAccessError(code, program=program, details=str(error))


_SAID = 400  # bytes of a program's last words kept for the person


def run_bounded(argv: Sequence[str | Path], *, limit: float) -> tuple[int | None, str]:
    """Run a foreign ``argv`` for at most ``limit`` seconds; (status or None where it was stopped, last
    words).

    Its whole process group is ended, so that a child which holds the output open cannot hold us.
    Raises: SystemAccessError program-missing, program-forbidden.
    """
    with tempfile.TemporaryFile() as output:
        process = spawn(argv, stdout=output, stderr=output)
        try:
            status: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        size = output.seek(0, 2)
        output.seek(max(0, size - _SAID))
        return status, output.read().decode("utf-8", "replace").strip()


def ends_within(process: Process, seconds: float) -> bool:
    """Wait at most ``seconds`` for ``process`` to end; returns whether it did."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
