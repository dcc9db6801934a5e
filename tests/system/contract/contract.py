"""How every guest behaves, whatever desktop is behind it: one class that runs unchanged against each agent.

A test module subclasses :class:`GuestContract`, names it ``Test…``, and gives one fixture ``subject`` that
yields a :class:`Subject`: a connected guest, and what this one can do. Everything goes over a real channel.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import queue
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from libneuron.guest.api import GuestMode
from libneuron.guest.client import BlockingGuest
from libneuron.guest.errors import GuestError
from libneuron.guest.files import GuestFiles
from libneuron.guest.wire.requests import Permission
from libneuron.guest.wire.transfers import Place
from libneuron.progress import Progress

ALLOWED = frozenset(Permission) - {Permission.SECRETS}
"""What the person allows the guest under test."""
FILES = "text/uri-list"
TEXT = "text/plain;charset=utf-8"
EMOJI = "Zwei 🙂 Zeilen\nund שלום, 漢字, \U0001f469\u200d\U0001f680"


class Events:
    """What a guest tells of its own accord; give it to the client as ``on_event``."""

    def __init__(self) -> None:
        self._told: queue.SimpleQueue[tuple[str, Mapping[str, Any]]] = queue.SimpleQueue()
        self.latest: dict[str, Mapping[str, Any]] = {}
        """The last event of each kind."""

    def __call__(self, kind: str, data: Mapping[str, Any]) -> None:
        self.latest[kind] = data
        self._told.put((kind, data))

    def next(self, wanted: str, *, seconds: float) -> Mapping[str, Any]:
        """The next event of this kind."""
        end = time.monotonic() + seconds
        while True:
            kind, data = self._told.get(timeout=max(0.0, end - time.monotonic()))
            if kind == wanted:
                return data


@dataclass(frozen=True)
class Subject:
    """A guest under test. ``launch`` starts something whose window's title contains ``title``; None: this
    guest has no desktop, and everything that needs one must be refused as ``no-session``."""

    guest: BlockingGuest
    launch: tuple[str, tuple[str, ...]] | None
    title: str = ""
    switchable: bool = True  # the display has at least two modes
    rich: bool = True  # the clipboard holds several formats of one copy
    events: Events = field(default_factory=Events)
    promises: bool = True  # content is fetched when somebody pastes
    tells: bool = True  # events of the session and the display are listened for
    slow: float = 1.0  # factor on every waiting time


def eventually(check: Callable[[], bool], *, seconds: float) -> bool:
    """Whether ``check`` holds before ``seconds`` have passed."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def refusal(subject: Subject, verb: str, data: dict[str, object] | None = None) -> GuestError:
    """The error a raw request comes back with."""
    with pytest.raises(GuestError) as caught:
        subject.guest.run(lambda api: api.requester.request(verb, data, timeout=20 * subject.slow))
    return caught.value


def told_of(subject: Subject, mode: GuestMode) -> bool:
    """Whether the guest tells of its own accord that its display has this size."""

    def there() -> bool:
        told = subject.events.latest.get("display_changed", {})
        return (told.get("width"), told.get("height")) == (mode.width, mode.height)

    return eventually(there, seconds=20 * subject.slow)


class GuestContract:
    """The behaviour. Each test leaves the guest usable for the next."""

    def desktop(self, subject: Subject) -> bool:
        """Whether this guest has one; a guest without must refuse clearly."""
        if subject.launch is not None:
            return True
        assert refusal(subject, "screenshot").code == "guest.no-session"
        return False

    def test_it_answers_a_ping(self, subject: Subject) -> None:
        subject.guest.run(lambda api: api.ping(timeout=10 * subject.slow))

    def test_it_says_what_it_is(self, subject: Subject) -> None:
        info = subject.guest.run(lambda api: api.info())
        assert info["backend"] in ("simulated", "linux", "windows")
        assert {"os", "os_version", "hostname", "user", "session", "dpi", "features"} <= info.keys()

    def test_its_load_is_plausible(self, subject: Subject) -> None:
        metrics = subject.guest.run(lambda api: api.metrics())
        assert 0 <= metrics["cpu"] <= 1
        assert 0 < metrics["memory_used"] <= metrics["memory_total"]
        assert metrics["uptime"] > 0

    @pytest.mark.parametrize("text", ["", "x", EMOJI, "'; $(id) `id` %PATH%\n\t"])
    def test_text_comes_back_as_it_was_set(self, subject: Subject, text: str) -> None:
        subject.guest.run(lambda api: api.set_clipboard_text(text))
        assert subject.guest.run(lambda api: api.clipboard_text()) == text

    def test_ten_megabytes_of_text_come_back(self, subject: Subject) -> None:
        text = "0123456789 äöü🙂 " * 500_000
        text = text[: 10_000_000 // 2]
        subject.guest.run(lambda api: api.set_clipboard_text(text))
        assert subject.guest.run(lambda api: api.clipboard_text()) == text

    def test_its_own_copy_is_marked_as_its_own(self, subject: Subject) -> None:
        subject.guest.run(lambda api: api.set_clipboard_text("mark"))
        offer = subject.guest.run(lambda api: api.clipboard_offer())
        assert TEXT in offer.formats
        assert offer.own

    def test_a_format_that_is_not_there_is_not_found(self, subject: Subject) -> None:
        subject.guest.run(lambda api: api.set_clipboard_text("text only"))
        assert refusal(subject, "clipboard_get", {"mime": "image/x-nothing"}).code == "guest.not-found"

    def test_several_formats_of_one_copy(self, subject: Subject) -> None:
        subject.guest.run(lambda api: api.set_clipboard({TEXT: b"bold", "text/html": b"<b>bold</b>"}))
        assert subject.guest.run(lambda api: api.clipboard_text()) == "bold"
        if subject.rich:
            assert b"<b>bold</b>" in subject.guest.run(lambda api: api.clipboard_read("text/html"))

    def test_a_promised_copy_is_asked_for_when_somebody_pastes(self, subject: Subject) -> None:
        promise = {"serial": 7, "formats": ["text/html", TEXT], "secret": False}
        if not subject.promises:
            assert refusal(subject, "clipboard_promise", promise).code == "guest.unsupported"
            return
        subject.guest.run(lambda api: api.promise_clipboard(7, ("text/html", TEXT)))
        offer = subject.guest.run(lambda api: api.clipboard_offer())
        assert {"text/html", TEXT} <= set(offer.formats)
        assert offer.own
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pasted = pool.submit(subject.guest.run, lambda api: api.clipboard_read(TEXT))
            wanted = subject.events.next("clipboard_wanted", seconds=20 * subject.slow)
            assert (wanted["serial"], wanted["mime"]) == (7, TEXT)
            number = wanted["wanted"]
            subject.guest.run(lambda api: api.supply_clipboard(number, EMOJI.encode()))
            assert pasted.result(30 * subject.slow).decode() == EMOJI

    def test_a_promise_that_cannot_be_kept_is_an_error_and_another_copy_works(self, subject: Subject) -> None:
        if subject.promises:
            subject.guest.run(lambda api: api.promise_clipboard(8, (TEXT,)))
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                pasted = pool.submit(subject.guest.run, lambda api: api.clipboard_read(TEXT))
                number = subject.events.next("clipboard_wanted", seconds=20 * subject.slow)["wanted"]
                subject.guest.run(lambda api: api.supply_clipboard(number, b"", problem="stale"))
                with pytest.raises(GuestError):
                    pasted.result(30 * subject.slow)
        subject.guest.run(lambda api: api.set_clipboard_text("after"))
        assert subject.guest.run(lambda api: api.clipboard_text()) == "after"

    def test_a_promise_taken_back_leaves_an_empty_clipboard(self, subject: Subject) -> None:
        if subject.promises:
            subject.guest.run(lambda api: api.promise_clipboard(9, (TEXT,)))
            subject.guest.run(lambda api: api.promise_clipboard(9, ()))
            assert subject.guest.run(lambda api: api.clipboard_offer()).formats == ()

    def test_files_arrive_whole_and_come_back_as_they_were(self, subject: Subject, tmp_path: Path) -> None:
        if not self.desktop(subject):
            return
        noise = random.Random(5).randbytes(9_000_001)  # three pieces, the last one short
        given = {"noise.bin": noise, "empty": b"", "ünï 🙂 שלום.txt": b"text\r\n", "in/deep er/x": b"x"}
        top = tmp_path / "given" / "top"
        for name, data in given.items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_bytes(data)
        (top / "nothing in it").mkdir()
        alone = tmp_path / "given" / "alone.txt"
        alone.write_bytes(b"alone")
        progress = Progress(clock=time.monotonic)

        async def there_and_back() -> list[Path]:
            files = GuestFiles(subject.guest.client, folder=tmp_path / "received")
            addresses = await files.send([top, alone], Place.CLIPBOARD, most=1 << 30, progress=progress)
            assert len(addresses) == 2
            listed = "".join(f"{address}\r\n" for address in addresses)
            await subject.guest.api.set_clipboard({FILES: listed.encode()})
            found = await files.copied()
            return list(await files.fetch(found, most=1 << 30, progress=progress))

        folder, single = subject.guest.run(lambda _api: there_and_back())
        assert (folder.name, single.read_bytes()) == ("top", b"alone")
        back = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        assert {name: hashlib.sha256(data).digest() for name, data in back.items()} == {
            name: hashlib.sha256(data).digest() for name, data in given.items()
        }
        assert (folder / "nothing in it").is_dir()
        assert progress.view().done == sum(map(len, given.values())) + len(b"alone")

    @pytest.mark.parametrize(
        "path",
        [
            "../x",
            "a/../../x",
            "/x",
            "C:/x",
            "a\\b",
            "NUL",
            "com1.txt",
            "x.",
            "x ",
            "a\x00b",
            "a:b",
            "",
            "a//b",
        ],
    )
    def test_a_file_with_a_dangerous_name_is_refused(self, subject: Subject, path: str) -> None:
        error = refusal(subject, "file_write", {"batch": 1, "path": path, "offset": 0})
        assert error.code == "guest.bad-value"
        assert "data.path" in error.details

    def test_a_batch_that_nobody_began_takes_nothing(self, subject: Subject) -> None:
        if self.desktop(subject):
            error = refusal(subject, "file_write", {"batch": 4711, "path": "x", "offset": 0})
            assert error.code == "guest.not-found"

    def test_the_resolution_changes_is_read_back_and_told(self, subject: Subject) -> None:
        if not self.desktop(subject) or not subject.switchable:
            return
        modes, before = subject.guest.run(lambda api: api.modes())
        other = next(mode for mode in modes if (mode.width, mode.height) != (before.width, before.height))
        try:
            found = subject.guest.run(lambda api: api.set_resolution(other.width, other.height))
            _, now = subject.guest.run(lambda api: api.modes())
            assert (found.width, found.height) == (now.width, now.height) == (other.width, other.height)
            assert not subject.tells or told_of(subject, other), subject.events.latest
        finally:
            subject.guest.run(lambda api: api.set_resolution(before.width, before.height))
        assert not subject.tells or told_of(subject, before), subject.events.latest

    def test_its_session_is_told(self, subject: Subject) -> None:
        if not self.desktop(subject) or not subject.tells:
            return

        def active() -> bool:
            return subject.events.latest.get("session_changed") == {"session": "active"}

        assert eventually(active, seconds=20 * subject.slow), subject.events.latest

    def test_a_mode_it_does_not_have_is_refused_and_nothing_changes(self, subject: Subject) -> None:
        if not self.desktop(subject):
            return
        _, before = subject.guest.run(lambda api: api.modes())
        error = refusal(subject, "set_resolution", {"width": 12345, "height": 6789})
        assert error.code == "guest.mode-refused"
        assert subject.guest.run(lambda api: api.modes())[1] == before

    def test_an_application_starts_shows_its_window_and_closes(self, subject: Subject) -> None:
        if subject.launch is None:
            assert refusal(subject, "launch_app", {"path": "/bin/true"}).code == "guest.no-session"
            return
        path, args = subject.launch
        assert subject.guest.run(lambda api: api.launch(path, args)) > 0

        def ours() -> list[int]:
            windows = subject.guest.run(lambda api: api.windows())
            return [window.id for window in windows if subject.title in window.title]

        assert eventually(lambda: bool(ours()), seconds=20 * subject.slow)
        window = ours()[0]
        subject.guest.run(lambda api: api.focus_window(window))
        subject.guest.run(lambda api: api.close_window(window))
        assert eventually(lambda: window not in ours(), seconds=20 * subject.slow)

    def test_a_program_that_is_not_there_is_not_found(self, subject: Subject) -> None:
        if self.desktop(subject):
            error = refusal(subject, "launch_app", {"path": "/no/such/program", "args": ["$(id)"]})
            assert error.code == "guest.not-found"

    def test_applications_have_names(self, subject: Subject) -> None:
        if self.desktop(subject):
            apps = subject.guest.run(lambda api: api.apps())
            assert all(app.id and app.name for app in apps)

    def test_a_screenshot_has_the_displays_size(self, subject: Subject) -> None:
        if not self.desktop(subject):
            return
        _, mode = subject.guest.run(lambda api: api.modes())
        picture = subject.guest.run(lambda api: api.screenshot())
        assert (picture.width, picture.height) == (mode.width, mode.height)

    @pytest.mark.parametrize(
        ("verb", "data", "named"),
        [
            ("set_resolution", {"width": "800", "height": 600}, "data.width"),
            ("set_resolution", {"width": 800}, "data.height"),
            ("set_resolution", {"width": True, "height": 600}, "data.width"),
            ("set_resolution", {"width": 2**40, "height": 600}, "data.width"),
            ("launch_app", {"path": "x", "args": "not a list"}, "data.args"),
            ("launch_app", {"path": "x", "args": [1]}, "data.args[0]"),
            ("launch_app", {"path": ""}, "data.path"),
            ("launch_app", {"path": "\\\\server\\share\\x.exe"}, "data.path"),
            ("launch_app", {"path": "//server/share/x.exe"}, "data.path"),
            ("launch_app", {"path": "a\nb"}, "data.path"),
            ("open_url", {"url": "file:///etc/passwd"}, "data.url"),
            ("open_file", {"path": "\\\\server\\share\\x.txt"}, "data.path"),
            ("clipboard_set", {}, "data.text"),
            ("clipboard_set", {"text": 5}, "data.text"),
            ("focus_window", {"window": -1}, "data.window"),
        ],
    )
    def test_a_wrong_field_is_named(
        self, subject: Subject, verb: str, data: dict[str, object], named: str
    ) -> None:
        error = refusal(subject, verb, data)
        assert error.code == "guest.bad-value"
        assert named in error.details

    def test_an_unknown_command_is_answered_and_harmless(self, subject: Subject) -> None:
        assert refusal(subject, "make_coffee").code == "guest.unknown-command"
        subject.guest.run(lambda api: api.ping(timeout=10 * subject.slow))

    def test_fifty_requests_at_once_are_all_answered(self, subject: Subject) -> None:
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            done = [pool.submit(subject.guest.run, lambda api: api.info()) for _ in range(50)]
            names = {future.result(60 * subject.slow)["hostname"] for future in done}
        assert len(names) == 1
