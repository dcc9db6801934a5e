"""The clipboard by hand, for desktops that allow nothing else."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from libneuron.system.clipboard.errors import ClipboardError
from libneuron.system.clipboard.manual import ManualClipboard
from libneuron.system.clipboard.model import Claim, ClipboardOffer
from libneuron.system.clipboard.spool import Content, SpoolLimits
from libneuron.system.clipboard.targets import HTML, TEXT


@pytest.fixture
def offers() -> list[ClipboardOffer]:
    return []


@pytest.fixture
def clipboard(offers: list[ClipboardOffer]) -> ManualClipboard:
    clipboard = ManualClipboard()
    clipboard.start(offers.append, lambda _error: None)
    return clipboard


def claim(after: int) -> Claim:
    def fetch(mime: str) -> Future[Content]:
        future: Future[Content] = Future()
        future.set_result(Content.of(mime.encode()))
        return future

    return Claim((HTML, TEXT), "vm-1", False, after, fetch)


def test_what_the_person_sends_is_a_copy(clipboard: ManualClipboard, offers: list[ClipboardOffer]) -> None:
    clipboard.copy({TEXT: b"x"}, secret=False)
    assert offers[-1].formats == (TEXT,)
    assert clipboard.read(offers[-1].number, TEXT, SpoolLimits()).result().whole() == b"x"
    for number, mime, limits in (
        (1, TEXT, SpoolLimits()),
        (2, HTML, SpoolLimits()),
        (2, TEXT, SpoolLimits(0)),
    ):
        assert isinstance(clipboard.read(number, mime, limits).exception(), ClipboardError)


def test_what_a_guest_offers_waits_until_the_person_fetches_it(clipboard: ManualClipboard) -> None:
    assert isinstance(clipboard.paste(TEXT).exception(), ClipboardError)
    clipboard.claim(claim(1)).result()
    assert set(clipboard.offered) == {HTML, TEXT}
    assert clipboard.paste(TEXT).result().whole() == TEXT.encode()
    clipboard.release()
    assert not clipboard.offered


def test_a_claim_that_knows_only_an_older_copy_is_refused(clipboard: ManualClipboard) -> None:
    clipboard.copy({TEXT: b"x"}, secret=False)
    assert isinstance(clipboard.claim(claim(1)).exception(), ClipboardError)
    clipboard.close()
    assert isinstance(clipboard.claim(claim(2)).exception(), ClipboardError)
