"""A real headless Firefox, asked through Marionette: "length:[type, id, …]" over a local socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Firefox:
    """One running browser; scripts run with the browser's own rights."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rwb")
        self._number = 0
        self._read()  # its greeting
        self.call("WebDriver:NewSession", capabilities={"alwaysMatch": {}})
        self.call("Marionette:SetContext", value="chrome")
        self.call("WebDriver:SetTimeouts", script=120_000)

    def _read(self) -> Any:
        digits = b""
        while (byte := self._file.read(1)) != b":":
            if not byte:
                raise RuntimeError("the browser ended")
            digits += byte
        return json.loads(self._file.read(int(digits)))

    def call(self, command: str, **params: object) -> Any:
        """Send one command; its answer's value."""
        self._number += 1
        message = json.dumps([0, self._number, command, params]).encode()
        self._file.write(b"%d:%b" % (len(message), message))
        self._file.flush()
        _kind, _number, error, value = self._read()
        if error:
            raise RuntimeError(f"{command}: {error}")
        return value

    def ask(self, script: str, *words: object) -> Any:
        """What the body of an async function comes to; ``args`` holds ``words``."""
        wrapped = (
            "const done = arguments[arguments.length - 1]; const args = Array.from(arguments).slice(0, -1);"
            "const {PlacesUtils} = ChromeUtils.importESModule('resource://gre/modules/PlacesUtils.sys.mjs');"
            "const {AddonManager} = ChromeUtils.importESModule('resource://gre/modules/AddonManager.sys.mjs');"
            f"(async () => {{ {script} }})()"
            ".then(value => done({value}), error => done({error: `${error}`}));"
        )
        answer = self.call("WebDriver:ExecuteAsyncScript", script=wrapped, args=list(words))["value"]
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer.get("value")

    def close(self) -> None:
        """Quit properly, so that everything is written."""
        self.call("Marionette:Quit", flags=["eAttemptQuit"])

    def disconnect(self) -> None:
        """Close the connection."""
        self._file.close()
        self._connection.close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def firefox(home: Path, *flags: str) -> Iterator[Firefox]:
    """Run Firefox as the person whose home this is, with the profile that it chooses itself."""
    port = _free_port()
    argv = ["firefox-esr", "--headless", "--marionette", "--remote-allow-system-access", *flags]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "MOZ_MARIONETTE_PREF_STATE_ACROSS_RESTARTS": json.dumps({"marionette.port": port}),
        "MOZ_REMOTE_SETTINGS_DEVTOOLS": "1",
        "LANG": "C.UTF-8",
    }
    process = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    browser: Firefox | None = None
    try:
        browser = Firefox(_connect(port, process))
        yield browser
        browser.close()
        process.wait(60)
    finally:
        if browser is not None:
            browser.disconnect()
        process.kill()
        process.wait()


def _connect(port: int, process: subprocess.Popen[bytes]) -> socket.socket:
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None, "Firefox refused to start"
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=120)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "Firefox did not open its port"
