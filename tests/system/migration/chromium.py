"""A real headless Chromium, asked over the DevTools pipe (file descriptors 3 and 4, NUL between messages)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
    "--password-store=basic",
    "--remote-debugging-pipe",
)


class Chromium:
    """One running browser."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading = reading
        self._writing = writing
        self._buffer = b""
        self._number = 0

    def call(self, method: str, *, session: str = "", **params: object) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result = answer["result"]
                assert isinstance(result, dict)
                return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._reading, 1 << 16)
            if not data:
                raise RuntimeError("the browser ended")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        made = json.loads(line)
        assert isinstance(made, dict)
        return made

    def page(self, address: str) -> str:
        """Open a page; returns its session once it has loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = str(self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        self.call("Page.enable", session=session)
        self.call("Page.navigate", session=session, url=address)
        while self._next().get("method") != "Page.loadEventFired":
            pass
        return session

    def ask(self, session: str, script: str) -> Any:
        """The value that ``script`` comes to in a page; promises are waited for."""
        answer = self.call(
            "Runtime.evaluate",
            session=session,
            expression=f"(async () => {{ {script} }})()",
            awaitPromise=True,
            returnByValue=True,
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")


@contextmanager
def chromium(data: Path, *flags: str) -> Iterator[Chromium]:
    """Run Chromium on the user data in ``data``; closed properly at the end, so that it writes everything."""
    to_browser, ours_out = os.pipe()
    ours_in, from_browser = os.pipe()
    # The browser wants exactly 3 and 4; a shell moves them there.
    script = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
    argv = ["bash", "-c", script, "bash", "chromium", *FLAGS, f"--user-data-dir={data}", *flags]
    process = subprocess.Popen(
        argv,
        pass_fds=(to_browser, from_browser),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(data.parent)},
    )
    os.close(to_browser)
    os.close(from_browser)
    try:
        browser = Chromium(ours_in, ours_out)
        yield browser
        browser.call("Browser.close")
        process.wait(60)
    finally:
        process.kill()
        process.wait()
        os.close(ours_in)
        os.close(ours_out)
