"""The X11 clipboard against real xclip on a real X server."""

from __future__ import annotations

import hashlib
import os
import signal
from concurrent.futures import Future
from pathlib import Path

import pytest

from libneuron.errors import Cancelled
from libneuron.progress import Progress
from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.model import Claim, Clipboard
from libneuron.system.clipboard.spool import MIB, Content, SpoolLimits
from libneuron.system.clipboard.targets import FILES, HTML, ORIGIN, PNG, RTF, SECRET_HINT, TEXT
from libneuron.system.clipboard.x11 import X11Clipboard
from tests.screen import start_xvfb
from tests.system.clipboard.conftest import WAIT, Display, Watched

LIMITS = SpoolLimits()
TEXTS = ["plain", "żółć 漢字 \U0001f469‍\U0001f680", "שלום \u202bעולם\u202c مرحبا", "a\nb\n", "tab\t\u0000end"]


def ready(data: bytes) -> Future[Content]:
    future: Future[Content] = Future()
    future.set_result(Content.of(data))
    return future


def claim_of(contents: dict[str, bytes], *, after: int, secret: bool = False) -> Claim:
    return Claim(tuple(contents), "vm-1", secret, after, lambda mime: ready(contents[mime]))


@pytest.mark.parametrize("text", TEXTS)
def test_text_copied_by_another_program_is_read_exactly(
    text: str, display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    display.copy(text.encode())
    offer = watched.until(lambda offer: TEXT in offer.formats)
    assert (offer.secret, offer.origin) == (False, "")
    assert clipboard.read(offer.number, TEXT, LIMITS).result(WAIT).whole() == text.encode()


@pytest.mark.parametrize("text", TEXTS)
def test_text_offered_is_pasted_exactly_by_another_program(
    text: str, display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    clipboard.claim(claim_of({TEXT: text.encode()}, after=watched.offers[-1].number)).result(WAIT)
    for target in ("UTF8_STRING", "text/plain;charset=utf-8", "TEXT", "text/plain"):
        assert display.paste(target) == text.encode()


@pytest.mark.parametrize(
    ("target", "mime", "data"),
    [
        (HTML, HTML, "<p>żółć &amp; 漢字</p>".encode()),
        (RTF, RTF, rb"{\rtf1\ansi bold}"),
        ("application/rtf", RTF, rb"{\rtf1\ansi bold}"),
        (PNG, PNG, b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
        (FILES, FILES, b"file:///tmp/a%20b\r\nfile:///tmp/c\r\n"),
    ],
)
def test_formats_cross_both_ways_byte_for_byte(
    target: str, mime: str, data: bytes, display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    copier = display.copy(data, target)
    offer = watched.until(lambda offer: offer.formats == (mime,))
    assert clipboard.read(offer.number, mime, LIMITS).result(WAIT).whole() == data
    copier.terminate()
    empty = watched.until(lambda offer: offer.formats == ())
    clipboard.claim(claim_of({mime: data}, after=empty.number)).result(WAIT)
    assert display.paste(target) == data


def test_several_formats_of_one_copy_are_offered_together(
    display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    contents = {HTML: b"<b>x</b>", TEXT: b"x", FILES: b"file:///tmp/a\r\n"}
    clipboard.claim(claim_of(contents, after=watched.offers[-1].number)).result(WAIT)
    names = display.paste("TARGETS").decode().split()
    assert {"TARGETS", "TIMESTAMP", "MULTIPLE", "SAVE_TARGETS"} <= {*names}
    assert {"UTF8_STRING", HTML, FILES, ORIGIN} <= {*names}
    assert display.paste(HTML) == b"<b>x</b>"
    assert display.paste("x-special/gnome-copied-files") == b"copy\nfile:///tmp/a"
    assert display.paste(ORIGIN) == b"vm-1"


def test_nothing_is_fetched_until_somebody_pastes(
    display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    fetched: list[str] = []

    def fetch(mime: str) -> Future[Content]:
        fetched.append(mime)
        return ready(b"late")

    clipboard.claim(Claim((HTML, TEXT), "vm-1", False, watched.offers[-1].number, fetch)).result(WAIT)
    display.paste("TARGETS")
    assert fetched == []
    assert display.paste() == b"late"
    assert display.paste() == b"late"
    assert fetched == [TEXT]


def test_a_paste_that_cannot_be_served_ends_and_the_next_one_works(
    display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    answers: list[Future[Content]] = [Future(), ready(b"second")]
    answers[0].set_exception(ClipboardError("clipboard.refused"))
    number = watched.offers[-1].number
    clipboard.claim(Claim((PNG,), "vm-1", False, number, lambda _mime: answers.pop(0))).result(WAIT)
    assert display.paste(PNG, check=False) == b""
    assert display.paste(PNG) == b"second"


def test_a_50_mb_image_crosses_both_ways_incrementally(
    display: Display, clipboard: Clipboard, watched: Watched, tmp_path: Path
) -> None:
    data = os.urandom(50 * MIB)
    copier = display.copy(data, PNG)
    offer = watched.until(lambda offer: PNG in offer.formats)
    content = clipboard.read(offer.number, PNG, LIMITS).result(60)
    assert content.size == len(data)
    copier.terminate()
    empty = watched.until(lambda offer: offer.formats == ())
    number = empty.number
    future: Future[Content] = Future()
    future.set_result(content)
    clipboard.claim(Claim((PNG,), "vm-1", False, number, lambda _mime: future)).result(WAIT)
    assert hashlib.sha256(display.paste(PNG)).digest() == hashlib.sha256(data).digest()
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_stopped_owner_costs_its_time_limit_and_blocks_nothing(
    display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    stuck = display.copy(b"never")
    offer = watched.until(lambda offer: TEXT in offer.formats)
    stuck.send_signal(signal.SIGSTOP)
    read = clipboard.read(offer.number, TEXT, LIMITS)
    clipboard.claim(claim_of({TEXT: b"from the guest"}, after=offer.number)).result(WAIT)
    assert display.paste() == b"from the guest"
    with pytest.raises(ClipboardError) as caught:
        read.result(WAIT)
    assert caught.value.code == "clipboard.owner-silent"
    stuck.send_signal(signal.SIGCONT)
    assert stuck.wait(WAIT) == 0  # it had lost the selection and ends in peace
    display.copy(b"next")
    later = watched.until(lambda later: later.number > offer.number and TEXT in later.formats)
    assert clipboard.read(later.number, TEXT, LIMITS).result(WAIT).whole() == b"next"


def test_an_owner_that_never_answers_is_announced_as_silent(
    display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    stuck = display.copy(b"x")
    watched.until(lambda offer: TEXT in offer.formats)
    stuck.send_signal(signal.SIGSTOP)
    second = X11Clipboard(spool=Path("/nowhere"), display=display.name)
    news = Watched()
    second.start(news.changed, news.gone)
    assert news.until(lambda offer: True).silent
    second.close()
    stuck.send_signal(signal.SIGCONT)


def test_a_copy_marked_by_a_password_manager_is_announced_as_secret(
    display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    display.copy(b"secret", SECRET_HINT)
    assert watched.until(lambda offer: offer.secret)


def test_a_secret_that_may_cross_is_marked_on_the_host(
    display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    number = watched.offers[-1].number
    clipboard.claim(claim_of({TEXT: b"hunter2"}, after=number, secret=True)).result(WAIT)
    assert display.paste(SECRET_HINT) == b"secret"


def test_a_copy_made_on_the_host_meanwhile_wins_over_a_claim(
    display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    known = watched.offers[-1].number
    display.copy(b"faster")
    watched.until(lambda offer: TEXT in offer.formats)
    with pytest.raises(ClipboardError) as caught:
        clipboard.claim(claim_of({TEXT: b"slower"}, after=known)).result(WAIT)
    assert caught.value.code == "clipboard.stale"
    assert display.paste() == b"faster"


def test_an_older_copy_cannot_be_read_under_a_newer_ones_content(
    display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    display.copy(b"one")
    first = watched.until(lambda offer: TEXT in offer.formats)
    display.copy(b"two")
    watched.until(lambda offer: offer.number > first.number and TEXT in offer.formats)
    with pytest.raises(ClipboardError) as caught:
        clipboard.read(first.number, TEXT, LIMITS).result(WAIT)
    assert caught.value.code == "clipboard.stale"


def test_two_bridges_see_each_others_copies_with_their_origin(
    display: Display, clipboard: Clipboard, watched: Watched, tmp_path: Path
) -> None:
    other = X11Clipboard(spool=tmp_path, display=display.name)
    news = Watched()
    other.start(news.changed, news.gone)
    clipboard.claim(claim_of({TEXT: b"x", HTML: b"y"}, after=watched.offers[-1].number)).result(WAIT)
    offer = news.until(lambda offer: offer.origin == "vm-1")
    assert set(offer.formats) == {TEXT, HTML}
    assert other.read(offer.number, TEXT, LIMITS).result(WAIT).whole() == b"x"
    other.close()


def test_a_copy_over_the_limit_is_refused_while_it_arrives(
    display: Display, watched: Watched, tmp_path: Path
) -> None:
    small = X11Clipboard(spool=tmp_path, display=display.name)
    small.start(watched.changed, watched.gone)
    display.copy(bytes(4 * MIB))
    offer = watched.until(lambda offer: TEXT in offer.formats)
    with pytest.raises(ClipboardError) as caught:
        small.read(offer.number, TEXT, SpoolLimits(most=3 * MIB)).result(WAIT)
    assert caught.value.code == "clipboard.too-large"
    small.close()


def test_a_full_disk_is_told_and_the_next_copy_works(
    display: Display, watched: Watched, small_disk: Path
) -> None:
    host = X11Clipboard(spool=small_disk / "spool", display=display.name)
    host.start(watched.changed, watched.gone)
    display.copy(bytes(40 * MIB), PNG)
    offer = watched.until(lambda offer: PNG in offer.formats)
    with pytest.raises(ClipboardError) as caught:
        host.read(offer.number, PNG, LIMITS).result(WAIT)
    assert caught.value.code == "clipboard.disk-full"
    display.copy(b"small")
    offer = watched.until(lambda offer: TEXT in offer.formats)
    assert host.read(offer.number, TEXT, LIMITS).result(WAIT).whole() == b"small"
    host.close()


def test_a_read_can_be_cancelled_while_the_owner_is_stuck(
    display: Display, watched: Watched, tmp_path: Path
) -> None:
    patient = X11Clipboard(spool=tmp_path, display=display.name)
    patient.start(watched.changed, watched.gone)
    stuck = display.copy(b"x")
    offer = watched.until(lambda offer: TEXT in offer.formats)
    stuck.send_signal(signal.SIGSTOP)
    progress = Progress(clock=lambda: 0.0)
    read = patient.read(offer.number, TEXT, LIMITS, progress)
    assert progress.cancel()
    with pytest.raises(Cancelled):
        read.result(WAIT)
    stuck.send_signal(signal.SIGCONT)
    patient.close()


def test_releasing_empties_the_clipboard_only_while_it_is_ours(
    display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    number = watched.offers[-1].number
    clipboard.claim(claim_of({TEXT: b"x"}, after=number)).result(WAIT)
    clipboard.release()
    watched.until(lambda offer: offer.number > number and offer.formats == ())
    assert display.paste(check=False) == b""


def test_closing_ends_what_waits_and_later_calls_say_so(
    display: Display, clipboard: Clipboard, watched: Watched
) -> None:
    stuck = display.copy(b"x")
    offer = watched.until(lambda offer: TEXT in offer.formats)
    stuck.send_signal(signal.SIGSTOP)
    read = clipboard.read(offer.number, TEXT, LIMITS)
    clipboard.close()
    for future in (read, clipboard.read(offer.number, TEXT, LIMITS)):
        with pytest.raises(ClipboardError) as caught:
            future.result(WAIT)
        assert caught.value.code == "clipboard.unavailable"
    stuck.send_signal(signal.SIGCONT)


def test_a_display_that_goes_away_is_reported_once(watched: Watched, tmp_path: Path) -> None:
    server, name = start_xvfb()
    host = X11Clipboard(spool=tmp_path, display=name)
    host.start(watched.changed, watched.gone)
    watched.until(lambda offer: True)
    server.kill()
    server.wait()
    assert isinstance(watched.until_lost(), ClipboardError)
    host.close()


def test_no_display_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ClipboardError) as caught:
        X11Clipboard(spool=tmp_path, display=":9876")
    assert caught.value.code == "clipboard.unavailable"
