"""``neuron-guest selftest``: what the verbs do, tried on the machine it runs on, and what came of it.

Changes are put back: the clipboard and the resolution afterwards are those of before; a copy that could not
be put back is not touched. Nothing is opened, closed or switched off: what opens and closes is asked for
things that are not there, and must refuse them; what would end the machine is not tried, and says so.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from libneuron.guest.wire import png
from libneuron.guest.wire.content import TEXT
from neuron_guest import VERSION
from neuron_guest.backend import Backend, BackendError

_SAMPLE = "NeuronGuest selftest: ünïcödé 🙂"
_WORDS = ["a b", "$(id)", "%PATH%", "'\";", "ünïcödé 🙂", ""]
_TELL = (
    "import json,os,sys\n"
    "path = sys.argv[1]\n"
    "with open(path + '.new', 'w') as file: json.dump(sys.argv[2:], file)\n"
    "os.replace(path + '.new', path)"
)
_PATIENCE = 30.0  # seconds for a started program to tell its arguments


@dataclass(frozen=True)
class Result:
    """One verb. ``ok`` also where it is not possible here and says so (``code`` no-session, unsupported)."""

    name: str
    ok: bool
    ms: float
    code: str
    detail: str


_FINE = ("no-session", "unsupported", "not-tried")
_NO_WINDOW = 2**31 - 3  # no system hands out this number
_UNTRIED = {
    "shutdown": "it would switch this machine off",
    "reboot": "it would restart this machine",
    "open_url": "it would open a browser",
    "clipboard_promise": "a program would have to paste it",
    "clipboard_supply": "a program would have to paste it",
    "files_begin": "file_write does",
    "files_discard": "file_write does",
    "files_finish": "the files would stay on this machine",
    "files_list": "files would have to be copied",
    "file_read": "files would have to be copied",
    "ping": "the host's check-up does",
    "hello": "the host's check-up does",
    "measure": "the host's check-up does",
    "enrol": "pairing does",
}
"""Verbs that only somebody else can try, and why."""
_DESKTOP = ("set_resolution", "launch_app", "screenshot")
"""Verbs that every desktop has; where all of them find nobody signed in, there was nothing to test."""


def run(backend: Backend) -> list[Result]:
    """Try everything. Nothing is raised."""
    results: list[Result] = []

    def step(name: str, work: Callable[[], str]) -> None:
        began = time.perf_counter()
        try:
            code, detail = "", work()
        except BackendError as error:
            code, detail = error.code, str(error)
        except Exception as error:  # noqa: BLE001 — the report is the place where a bug is shown
            code, detail = "bug", repr(error)
        ms = round((time.perf_counter() - began) * 1000, 2)
        results.append(Result(name, not code or code in _FINE, ms, code, detail))

    step("get_info", lambda: json.dumps(dict(backend.info())))
    step("get_metrics", lambda: json.dumps(dict(backend.metrics())))
    step("clipboard_offer", lambda: f"{len(backend.clipboard_offer().formats)} formats")
    step("clipboard", lambda: _clipboard(backend))
    step("list_modes", lambda: f"{len(backend.modes())} modes, now {backend.mode()}")
    step("set_resolution", lambda: _resolution(backend))
    step("list_apps", lambda: f"{len(backend.apps(icons=False))} applications")
    step("launch_app", lambda: _launch(backend))
    step(
        "open_file", lambda: _refused(lambda: backend.open(str(Path(sys.executable).parent / "no such file")))
    )
    step("list_windows", lambda: f"{len(backend.windows())} windows")
    step("focus_window", lambda: _focus(backend))
    step("close_window", lambda: _refused(lambda: backend.close_window(_NO_WINDOW)))
    step("file_write", lambda: _file(backend))
    step("screenshot", lambda: _screenshot(backend))
    results += [Result(name, ok=True, ms=0.0, code="not-tried", detail=why) for name, why in _UNTRIED.items()]
    return results


def verdict(results: list[Result]) -> int:
    """The exit status: 0 all works, 1 something does not, 3 there is no desktop here to try it on."""
    if not all(result.ok for result in results):
        return 1
    return 3 if all(result.code == "no-session" for result in results if result.name in _DESKTOP) else 0


def _clipboard(backend: Backend) -> str:
    before = backend.clipboard_offer()
    one_format = backend.info().get("backend") == "linux"  # the tools there hold no more
    if before.secret or (one_format and len(before.formats) > 1):
        raise BackendError(
            "unsupported",
            "the clipboard holds a copy that could not be put back: copy a short text, try again",
        )
    kept = {mime: backend.clipboard_read(mime) for mime in before.formats}
    try:
        backend.clipboard_write({TEXT: _SAMPLE.encode()}, secret=False)
        found = backend.clipboard_read(TEXT).decode("utf-8", "replace")
    finally:
        backend.clipboard_write(kept, secret=False)
    if found != _SAMPLE:
        raise BackendError("wrong", f"wrote {_SAMPLE!r}, read {found!r}")
    return "text with emoji written, read back, and the old copy put back"


def _launch(backend: Backend) -> str:
    """Start the Python that runs this: it tells which arguments reached it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        told = Path(folder) / "told"
        backend.launch(sys.executable, ["-I", "-S", "-c", _TELL, str(told), *_WORDS])
        end = time.monotonic() + _PATIENCE
        while not told.exists():
            if time.monotonic() >= end:
                raise BackendError("wrong", f"the started program told nothing within {_PATIENCE:g} s")
            time.sleep(0.05)
        found = json.loads(told.read_text())
    if found != _WORDS:
        raise BackendError("wrong", f"started with {_WORDS!r}, arrived {found!r}")
    return "a program started; its arguments arrived as given"


def _resolution(backend: Backend) -> str:
    before = backend.mode()
    others = [mode for mode in backend.modes() if (mode.width, mode.height) != (before.width, before.height)]
    if not others:
        raise BackendError("unsupported", "the display has one mode only")
    try:
        found = backend.set_mode(others[0])
    finally:
        backend.set_mode(before)
    if (found.width, found.height) != (others[0].width, others[0].height):
        raise BackendError("wrong", f"asked for {others[0]}, got {found}")
    return f"{found.width}×{found.height} and back"


def _screenshot(backend: Backend) -> str:
    picture = backend.screenshot()
    size = png.size(picture)
    if size is None:
        raise BackendError("wrong", "not a PNG")
    return f"{size[0]}×{size[1]} PNG, {len(picture)} bytes"


def _file(backend: Backend) -> str:
    """What the host sends lies in a private folder, until it is given up."""
    batch = backend.files.begin(len(_SAMPLE))
    try:
        backend.files.write(batch, "selftest ünï 🙂.txt", 0, b"x" * len(_SAMPLE), directory=False)
    finally:
        backend.files.discard(batch)
    return "a file written and removed again"


def _refused(work: Callable[[], object]) -> str:
    try:
        work()
    except BackendError as error:
        if error.code != "not-found":
            raise
        return f"refuses what is not there: {error}"
    raise BackendError("wrong", "did not notice that it is not there")


def _focus(backend: Backend) -> str:
    """The window that has the focus gets it again."""
    front = next((window for window in backend.windows() if window.focused), None)
    if front is None:
        return _refused(lambda: backend.focus_window(_NO_WINDOW))
    backend.focus_window(front.id)
    return "the window in front was brought there again"


def report(results: list[Result], *, as_json: bool) -> str:
    """The results for a person, or as one JSON object."""
    if as_json:
        data = {
            "ok": verdict(results) == 0,
            "version": VERSION,
            "steps": [asdict(result) for result in results],
        }
        return json.dumps(data, ensure_ascii=False) + "\n"
    lines = [
        f"{'✓' if not r.code else '–' if r.ok else '✗'} {r.name:18}{r.ms:9.1f} ms  {r.detail}"
        for r in results
    ]
    if verdict(results) == 3:
        lines.append("Nobody is signed in to a desktop here: run this in a person's session.")
    return "\n".join(lines) + "\n"
