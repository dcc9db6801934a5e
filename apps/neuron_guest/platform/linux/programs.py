"""The only module of the Linux agent that starts processes. Lists of arguments, never a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from neuron_guest.backend import BackendError

_TIMEOUT = 20.0


def has(program: str) -> bool:
    """Whether ``program`` is installed."""
    return shutil.which(program) is not None


def run(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    timeout: float = _TIMEOUT,
    env: Mapping[str, str] | None = None,
) -> bytes:
    """What a program printed. Raises: BackendError unsupported (not installed), failed, timeout."""
    try:
        done = subprocess.run(
            list(argv),
            input=stdin,
            capture_output=True,
            timeout=timeout,
            check=False,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
        )
    except (FileNotFoundError, PermissionError) as error:
        raise BackendError("unsupported", f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise BackendError("timeout", f"{argv[0]} did not finish within {timeout:g} s") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()[-300:]
        raise BackendError("failed", f"{argv[0]} ended with status {done.returncode}: {said}")
    return done.stdout


def feed(argv: Sequence[str], data: bytes) -> None:
    """Give ``data`` to a program that then stays in the background (xclip, wl-copy). Raises: BackendError.

    Its output goes nowhere: a pipe would stay open as long as the background part lives.
    """
    try:
        with subprocess.Popen(
            list(argv), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            process.communicate(data, timeout=_TIMEOUT)
    except (FileNotFoundError, PermissionError) as error:
        raise BackendError("unsupported", f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        process.kill()
        raise BackendError("timeout", f"{argv[0]} did not take the data") from error
    if process.returncode != 0:
        raise BackendError("failed", f"{argv[0]} ended with status {process.returncode}")


def start(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a program of the person's, independent of the agent. Raises: BackendError not-found."""
    try:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        raise BackendError("not-found", f"there is no program “{argv[0]}”") from error
    except (OSError, ValueError) as error:
        raise BackendError("failed", f"“{argv[0]}” does not start: {error}") from error


def listen(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a program that reports events, a line each, on its standard output. Raises: BackendError."""
    try:
        return subprocess.Popen(
            list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except (FileNotFoundError, PermissionError) as error:
        raise BackendError("unsupported", f"{argv[0]} is not installed") from error
