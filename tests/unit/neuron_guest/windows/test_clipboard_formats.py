"""What a Windows clipboard says about itself."""

from __future__ import annotations

import pytest

from neuron_guest.platform.windows import clipboard_formats as formats
from neuron_guest.platform.windows.metrics import load


def test_the_richest_format_comes_first() -> None:
    offer = formats.offer(["CF_UNICODETEXT", "HTML Format", "CF_DIB", "CF_HDROP"], {})
    assert offer.formats == (formats.FILES, formats.PNG, formats.HTML, formats.TEXT)
    assert not offer.secret
    assert not offer.own


@pytest.mark.parametrize("name", formats.EXCLUDE)
def test_an_exclusion_mark_alone_makes_it_secret(name: str) -> None:
    assert formats.offer(["CF_UNICODETEXT", name], {}).secret


@pytest.mark.parametrize(
    ("data", "secret"), [(bytes(4), True), (b"\1\0\0\0", False), (None, True), (b"", True), (b"\1", True)]
)
def test_a_switch_that_is_off_or_unreadable_makes_it_secret(data: bytes | None, secret: bool) -> None:
    assert formats.offer(["CanUploadToCloudClipboard"], {"CanUploadToCloudClipboard": data}).secret is secret


@pytest.mark.parametrize("name", [formats.OWN, formats.LOOKING_GLASS])
def test_what_came_from_the_host_is_not_sent_back(name: str) -> None:
    assert formats.offer(["CF_UNICODETEXT", name], {}).own


def test_load_is_a_share_of_the_time_between_two_readings() -> None:
    assert load((0, 0), (25, 100)) == 0.75
    assert load((5, 10), (5, 10)) == 0.0
    assert load((0, 0), (200, 100)) == 0.0
