"""X servers and Wayland compositors of the tests' own. The one place that starts them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_PATIENCE = 60.0


def start_xvfb(
    size: str = "1280x900x24", *, log: Path = Path(os.devnull)
) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server; returns it and its display's name. It ends with the test run, however that ends.

    ``-noreset``: a server resets itself, and ends every connection that is just being made, when its last
    client leaves; the first short-lived program of a session would take the window manager with it.
    """
    reading, writing = os.pipe()
    argv = ["setpriv", "--pdeathsig", "TERM", "Xvfb", "-displayfd", str(writing), "-screen", "0", size]
    with log.open("ab") as output:
        server = subprocess.Popen(
            [*argv, "-noreset", "-nolisten", "tcp"],
            pass_fds=(writing,),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    os.close(writing)
    with os.fdopen(reading) as numbers:
        number = numbers.readline().strip()
    assert number, f"Xvfb did not start: {server.wait()}"
    return server, f":{number}"


def start_openbox(environment: Mapping[str, str], *, log: Path = Path(os.devnull)) -> subprocess.Popen[bytes]:
    """Start the window manager and wait until it manages: a window mapped before would stay without focus."""
    with log.open("ab") as output:
        manager = subprocess.Popen(
            ["openbox", "--sm-disable"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + _PATIENCE
    while not _managed(environment):
        assert manager.poll() is None, f"openbox ended: {manager.returncode}"
        assert time.monotonic() < deadline, "openbox did not start"
    return manager


def _managed(environment: Mapping[str, str]) -> bool:
    asked = ["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"]
    done = subprocess.run(asked, env=dict(environment), capture_output=True, check=False)
    return b"window id" in done.stdout


def unprivileged() -> list[str]:
    """What to put before a program that refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]


@contextmanager
def sway_session() -> Iterator[Path]:
    """A compositor without a screen; its socket."""
    runtime = Path(tempfile.mkdtemp(prefix="neuron-sway-"))
    if os.geteuid() == 0:
        os.chown(runtime, 65534, 65534)
    env = {
        "PATH": os.environ["PATH"], "HOME": str(runtime), "XDG_RUNTIME_DIR": str(runtime),
        "WLR_BACKENDS": "headless", "WLR_LIBINPUT_NO_DEVICES": "1", "WLR_RENDERER": "pixman",
    }  # fmt: skip
    server = subprocess.Popen(
        [*unprivileged(), "sway", "--config", "/dev/null"],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + _PATIENCE
        while not (found := [path for path in runtime.glob("wayland-*") if path.is_socket()]):
            assert server.poll() is None, "sway ended"
            assert time.monotonic() < until, "sway did not start"
            os.sched_yield()
        yield found[0]
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(runtime)
