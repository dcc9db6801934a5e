"""The Wayland clipboard against real wl-clipboard on a headless sway (wlr-data-control)."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from libneuron.errors import Cancelled
from libneuron.progress import Progress
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Claim
from libneuron.system.clipboard.spool import MIB, Content, SpoolLimits
from libneuron.system.clipboard.targets import FILES, HTML, ORIGIN, PNG, RTF, SECRET_HINT, TEXT
from libneuron.system.clipboard.wayland import WaylandClipboard
from tests.system.clipboard.conftest import WAIT, Compositor, Watched

LIMITS = SpoolLimits()
TEXTS = ["plain", "żółć 漢字 \U0001f469‍\U0001f680", "שלום \u202bעולם\u202c مرحبا", "a\nb\n"]


def ready(data: bytes) -> Future[Content]:
    future: Future[Content] = Future()
    future.set_result(Content.of(data))
    return future


def claim_of(contents: dict[str, bytes], *, after: int, secret: bool = False) -> Claim:
    return Claim(tuple(contents), "vm-1", secret, after, lambda mime: ready(contents[mime]))


@pytest.fixture
def open_one(compositor: Compositor, tmp_path: Path) -> Iterator[Callable[[Watched], WaylandClipboard]]:
    made: list[WaylandClipboard] = []

    def make(news: Watched) -> WaylandClipboard:
        made.append(WaylandClipboard(socket=compositor.socket, spool=tmp_path / "spool"))
        made[-1].start(news.changed, news.gone)
        news.until(lambda offer: True)
        return made[-1]

    yield make
    for clipboard in made:
        clipboard.close()


@pytest.fixture
def clipboard(open_one: Callable[[Watched], WaylandClipboard], watched: Watched) -> WaylandClipboard:
    return open_one(watched)


@pytest.mark.parametrize("text", TEXTS)
def test_text_crosses_both_ways_exactly(
    text: str, compositor: Compositor, clipboard: WaylandClipboard, watched: Watched
) -> None:
    assert clipboard.kind == "wlr-data-control"
    compositor.copy(text.encode())
    offer = watched.until(lambda offer: TEXT in offer.formats)
    assert clipboard.read(offer.number, TEXT, LIMITS).result(WAIT).whole() == text.encode()
    clipboard.claim(
        claim_of({TEXT: text.encode()[::-1].decode("latin-1").encode()}, after=offer.number)
    ).result(WAIT)
    assert compositor.paste() == text.encode()[::-1].decode("latin-1").encode()


@pytest.mark.parametrize(
    ("mime", "data"),
    [
        (HTML, "<p>żółć &amp; 漢字</p>".encode()),
        (RTF, rb"{\rtf1\ansi bold}"),
        (PNG, b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
        (FILES, b"file:///tmp/a%20b\r\nfile:///tmp/c\r\n"),
    ],
)
def test_formats_cross_both_ways_byte_for_byte(
    mime: str, data: bytes, compositor: Compositor, clipboard: WaylandClipboard, watched: Watched
) -> None:
    compositor.copy(data, mime)
    offer = watched.until(lambda offer: mime in offer.formats)
    assert clipboard.read(offer.number, mime, LIMITS).result(WAIT).whole() == data
    clipboard.claim(claim_of({mime: data + b"2"}, after=offer.number)).result(WAIT)
    assert compositor.paste(mime) == data + b"2"


def test_several_formats_of_one_copy_are_offered_together_and_fetched_when_pasted(
    compositor: Compositor, clipboard: WaylandClipboard, watched: Watched
) -> None:
    contents = {HTML: b"<b>x</b>", TEXT: b"x", FILES: b"file:///tmp/a\r\n"}
    fetched: list[str] = []

    def fetch(mime: str) -> Future[Content]:
        fetched.append(mime)
        return ready(contents[mime])

    number = watched.offers[-1].number
    clipboard.claim(Claim(tuple(contents), "vm-1", False, number, fetch)).result(WAIT)
    names = compositor.paste("TARGETS").decode().split("\n")
    assert {HTML, TEXT, FILES, ORIGIN, "x-special/gnome-copied-files", "UTF8_STRING"} <= {*names}
    assert fetched == []
    assert compositor.paste(HTML) == b"<b>x</b>"
    assert compositor.paste("x-special/gnome-copied-files") == b"copy\nfile:///tmp/a"
    assert compositor.paste(ORIGIN) == b"vm-1"
    assert fetched == [HTML, FILES]


def test_a_50_mb_image_crosses_both_ways(
    compositor: Compositor, clipboard: WaylandClipboard, watched: Watched, tmp_path: Path
) -> None:
    data = os.urandom(50 * MIB)
    compositor.copy(data, PNG)
    offer = watched.until(lambda offer: PNG in offer.formats)
    content = clipboard.read(offer.number, PNG, LIMITS).result(60)
    future: Future[Content] = Future()
    future.set_result(content)
    clipboard.claim(Claim((PNG,), "vm-1", False, offer.number, lambda _mime: future)).result(WAIT)
    assert hashlib.sha256(compositor.paste(PNG)).digest() == hashlib.sha256(data).digest()
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_stopped_owner_blocks_nothing_and_its_read_can_be_cancelled(
    compositor: Compositor, clipboard: WaylandClipboard, watched: Watched
) -> None:
    stuck = compositor.copy(b"never")
    offer = watched.until(lambda offer: TEXT in offer.formats)
    stuck.send_signal(signal.SIGSTOP)
    progress = Progress(clock=lambda: 0.0)
    read = clipboard.read(offer.number, TEXT, LIMITS, progress)
    clipboard.claim(claim_of({TEXT: b"from the guest"}, after=offer.number)).result(WAIT)
    assert compositor.paste() == b"from the guest"
    assert progress.cancel()
    with pytest.raises(Cancelled):
        read.result(WAIT)
    stuck.send_signal(signal.SIGCONT)


def test_a_paste_that_cannot_be_served_ends(
    compositor: Compositor, clipboard: WaylandClipboard, watched: Watched
) -> None:
    answers: list[Future[Content]] = [Future(), ready(b"second")]
    answers[0].set_exception(ClipboardError("clipboard.refused"))
    number = watched.offers[-1].number
    clipboard.claim(Claim((PNG,), "vm-1", False, number, lambda _mime: answers.pop(0))).result(WAIT)
    assert compositor.paste(PNG, check=False) == b""
    assert compositor.paste(PNG) == b"second"


def test_a_password_managers_copy_is_announced_as_secret(
    compositor: Compositor, clipboard: WaylandClipboard, watched: Watched
) -> None:
    compositor.copy(b"secret", SECRET_HINT)
    assert watched.until(lambda offer: offer.secret)


def test_an_allowed_secret_is_marked(
    compositor: Compositor, clipboard: WaylandClipboard, watched: Watched
) -> None:
    number = watched.offers[-1].number
    clipboard.claim(claim_of({TEXT: b"hunter2"}, after=number, secret=True)).result(WAIT)
    assert compositor.paste(SECRET_HINT) == b"secret"


def test_a_copy_made_on_the_host_meanwhile_wins_over_a_claim(
    compositor: Compositor, clipboard: WaylandClipboard, watched: Watched
) -> None:
    known = watched.offers[-1].number
    compositor.copy(b"faster")
    watched.until(lambda offer: TEXT in offer.formats and offer.number > known)
    with pytest.raises(ClipboardError) as caught:
        clipboard.claim(claim_of({TEXT: b"slower"}, after=known)).result(WAIT)
    assert caught.value.code == "clipboard.stale"


def test_our_own_claim_is_not_announced_and_another_bridges_is_with_its_origin(
    compositor: Compositor,
    clipboard: WaylandClipboard,
    watched: Watched,
    open_one: Callable[[Watched], WaylandClipboard],
) -> None:
    news = Watched()
    other = open_one(news)
    before = len(watched.offers)
    clipboard.claim(claim_of({TEXT: b"x"}, after=watched.offers[-1].number)).result(WAIT)
    offer = news.until(lambda offer: offer.origin == "vm-1")
    assert other.read(offer.number, TEXT, LIMITS).result(WAIT).whole() == b"x"
    assert len(watched.offers) == before
    clipboard.release()
    assert watched.until(lambda offer: offer.number > watched.offers[before - 1].number).formats == ()


def test_an_owner_that_hands_over_nothing_has_refused(
    clipboard: WaylandClipboard, watched: Watched, open_one: Callable[[Watched], WaylandClipboard]
) -> None:
    news = Watched()
    other = open_one(news)
    refused: Future[Content] = Future()
    refused.set_exception(ClipboardError("clipboard.refused"))
    number = watched.offers[-1].number
    clipboard.claim(Claim((PNG,), "vm-1", False, number, lambda _mime: refused)).result(WAIT)
    offer = news.until(lambda offer: PNG in offer.formats)
    error = other.read(offer.number, PNG, LIMITS).exception(WAIT)
    assert isinstance(error, ClipboardError)
    assert error.code == "clipboard.refused"


def test_a_hundred_claims_in_a_row_leave_no_descriptors_behind(
    compositor: Compositor, clipboard: WaylandClipboard, watched: Watched
) -> None:
    number = watched.offers[-1].number
    clipboard.claim(claim_of({TEXT: b"first"}, after=number)).result(WAIT)
    assert compositor.paste() == b"first"
    before = len(os.listdir("/proc/self/fd"))
    for turn in range(100):
        clipboard.claim(claim_of({TEXT: str(turn).encode()}, after=number)).result(WAIT)
    assert compositor.paste() == b"99"
    assert len(os.listdir("/proc/self/fd")) <= before
