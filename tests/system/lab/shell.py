"""Commands in a guest without our own agent: through qemu-ga, over its socket or through libvirt."""

from __future__ import annotations

import base64
import json
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Carrier = Callable[[dict[str, Any], float], Any]
"""Sends one qemu-ga command and returns what its ``return`` holds; the second argument is seconds."""

_CHUNK = 48 * 1024  # of a write: through libvirt, a command of 350 KB never arrived
_READ = 1 << 20
_PATIENCE = 300.0  # seconds for a program: the guest is emulated, and this machine has other work too
_ANSWER = 45.0  # seconds for qemu-ga itself


SLACK = 4
"""Limits are for a machine with nothing else to do; a guest there is this much slower when others work, too.

They end what hangs; none of them is a measurement."""


class GuestFailedError(RuntimeError):
    """A command in the guest ended with another status than 0, or qemu-ga did not answer."""


@dataclass(frozen=True)
class Ended:
    """How a command in the guest ended."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text without its last newline."""
        return self.stdout.decode("utf-8", "replace").removesuffix("\n")


def until(check: Callable[[], Any], *, timeout: float, what: str, every: float = 0.1) -> Any:
    """Ask ``check`` until it returns something true, and return that. Raises: TimeoutError."""
    timeout *= SLACK
    end = time.monotonic() + timeout
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout:g} s for {what}")
        time.sleep(every)


class Shell:
    """Runs programs and moves files in a guest as root."""

    def __init__(self, carry: Carrier) -> None:
        self._carry = carry

    def ping(self) -> None:
        """Ask whether qemu-ga is there. Raises: GuestFailedError."""
        self._carry({"execute": "guest-ping"}, 10)

    def wait(self, *, timeout: float = 400, alive: Callable[[], object] = bool) -> None:
        """Wait until qemu-ga answers, which is late in the guest's boot; ``alive`` may raise meanwhile."""

        def answers() -> bool:
            alive()
            try:
                self._carry({"execute": "guest-ping"}, 5)
            except (GuestFailedError, OSError):
                return False
            return True

        until(answers, timeout=timeout, what="the guest's qemu-ga", every=0.3)

    def start(self, *argv: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> int:
        """Start a program in the guest and return its process id there."""
        arguments = {
            "path": argv[0],
            "arg": list(argv[1:]),
            "env": [f"{key}={value}" for key, value in (env or {}).items()],
            "capture-output": True,
            "input-data": base64.b64encode(stdin).decode(),
        }
        return int(self._carry({"execute": "guest-exec", "arguments": arguments}, _ANSWER)["pid"])

    def finish(self, pid: int, *, timeout: float = _PATIENCE, check: bool = True) -> Ended:
        """Wait for a program of :meth:`start`. Raises: GuestFailedError, TimeoutError."""

        def ended() -> Any:
            answer = self._carry({"execute": "guest-exec-status", "arguments": {"pid": pid}}, _ANSWER)
            return answer if answer["exited"] else None

        answer = until(ended, timeout=timeout, what=f"process {pid} in the guest")
        done = Ended(
            answer.get("exitcode", -answer.get("signal", 1)),
            base64.b64decode(answer.get("out-data", "")),
            base64.b64decode(answer.get("err-data", "")),
        )
        if check and done.status:
            raise GuestFailedError(
                f"status {done.status}: {done.stderr.decode('utf-8', 'replace')}{done.text}"
            )
        return done

    def run(
        self,
        *argv: str,
        stdin: bytes = b"",
        env: dict[str, str] | None = None,
        timeout: float = _PATIENCE,
        check: bool = True,
    ) -> Ended:
        """Run a program to its end. Raises: GuestFailedError, TimeoutError."""
        return self.finish(self.start(*argv, stdin=stdin, env=env), timeout=timeout, check=check)

    def sh(self, script: str, *, timeout: float = _PATIENCE, check: bool = True) -> str:
        """Run a shell script of the test's own and return what it printed."""
        return self.run("/bin/sh", "-ec", script, timeout=timeout, check=check).text

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """Write a file in the guest; its directory is created."""
        directory = path.rsplit("/", 1)[0] or "/"
        self.run("/bin/mkdir", "-p", directory)
        opened = {"path": path, "mode": "w"}
        handle = self._carry({"execute": "guest-file-open", "arguments": opened}, _ANSWER)
        try:
            for start in range(0, len(data), _CHUNK):
                part = base64.b64encode(data[start : start + _CHUNK]).decode()
                arguments = {"handle": handle, "buf-b64": part}
                self._carry({"execute": "guest-file-write", "arguments": arguments}, _ANSWER)
        finally:
            self._carry({"execute": "guest-file-close", "arguments": {"handle": handle}}, _ANSWER)
        self.run("/bin/chmod", f"{mode:o}", path)

    def read(self, path: str) -> bytes:
        """Read a file of the guest."""
        handle = self._carry(
            {"execute": "guest-file-open", "arguments": {"path": path, "mode": "r"}}, _ANSWER
        )
        parts = []
        try:
            while True:
                arguments = {"handle": handle, "count": _READ}
                answer = self._carry({"execute": "guest-file-read", "arguments": arguments}, _ANSWER)
                parts.append(base64.b64decode(answer["buf-b64"]))
                if answer["eof"]:
                    return b"".join(parts)
        finally:
            self._carry({"execute": "guest-file-close", "arguments": {"handle": handle}}, _ANSWER)


def over_socket(path: Path) -> Carrier:
    """A carrier over the unix socket of the guest's ``org.qemu.guest_agent.0`` port."""

    def carry(command: dict[str, Any], timeout: float) -> Any:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(timeout)
            link.connect(str(path))
            number = secrets.randbits(31)
            sync = {"execute": "guest-sync-delimited", "arguments": {"id": number}}
            link.sendall(b"\xff" + json.dumps(sync).encode() + b"\n" + json.dumps(command).encode() + b"\n")
            file = link.makefile("rb")
            synced = False
            while True:
                try:
                    line = file.readline()
                except TimeoutError as error:
                    raise GuestFailedError("qemu-ga does not answer") from error
                if not line:
                    raise GuestFailedError("qemu-ga's socket closed")
                answer = json.loads(line.rpartition(b"\xff")[2])
                if not synced:
                    synced = answer.get("return") == number
                elif "error" in answer:
                    raise GuestFailedError(str(answer["error"]["desc"]))
                else:
                    return answer["return"]

    return carry
