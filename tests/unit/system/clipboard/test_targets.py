"""Names of formats: what can be read as what, and what we offer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libneuron.system.clipboard import targets
from libneuron.system.clipboard.targets import FORMATS, HTML, PNG, RTF, TEXT


def test_several_names_of_one_format_count_once_in_the_owners_order() -> None:
    names = ("TIMESTAMP", "text/html", "UTF8_STRING", "STRING", "image/png", "text/plain", "chromium/x")
    assert targets.formats_of(names) == (HTML, TEXT, PNG)


def test_text_is_asked_for_in_the_encoding_that_loses_nothing() -> None:
    assert targets.name_to_read(TEXT, ("STRING", "TEXT", "UTF8_STRING")) == "UTF8_STRING"
    assert targets.name_to_read(TEXT, ("STRING",)) == "STRING"
    assert targets.name_to_read(PNG, ("STRING",)) is None


def test_every_name_we_offer_leads_back_to_its_format() -> None:
    for mime in FORMATS:
        assert {targets.format_of(name) for name in targets.names_to_offer((mime,))} == {mime}
    assert targets.format_of("text/x-unknown") is None


@given(st.text())
def test_every_text_encoding_we_offer_or_read_is_total(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    encode = targets.encoder("STRING")
    assert encode is not None
    assert len(encode(text.encode("utf-8", "replace"))) == len(text)
    for name in ("STRING", "TEXT", "text/plain", HTML):
        decode = targets.decoder(name)
        assert decode is not None
        decode(data).decode("utf-8")


@given(st.binary())
def test_rubbish_from_another_program_never_raises(data: bytes) -> None:
    for name in ("STRING", "TEXT", "text/plain", HTML, "x-special/gnome-copied-files"):
        decode = targets.decoder(name)
        assert decode is not None
        decode(data)
    targets.uris(data)


def test_latin_1_and_utf_16_become_utf_8() -> None:
    string, html = targets.decoder("STRING"), targets.decoder(HTML)
    assert string is not None
    assert html is not None
    assert string("é".encode("latin-1")) == "é".encode()
    assert html("<b>ż".encode("utf-16")) == "<b>ż".encode()
    assert html("<b>ż".encode()) == "<b>ż".encode()


@given(st.lists(st.binary(min_size=1).map(lambda name: b"/" + name.replace(b"\0", b"_"))))
def test_any_file_name_survives_as_a_uri_list(paths: list[bytes]) -> None:
    from urllib.parse import unquote_to_bytes

    found = [unquote_to_bytes(uri.removeprefix(b"file://")) for uri in targets.uris(targets.uri_list(paths))]
    assert found == paths


def test_file_managers_lists_are_translated_both_ways() -> None:
    listed = targets.uri_list([b"/tmp/a b", b"/tmp/c"])
    name = "x-special/gnome-copied-files"
    encode, decode = targets.encoder(name), targets.decoder(name)
    assert encode is not None
    assert decode is not None
    assert encode(listed) == b"copy\nfile:///tmp/a%20b\nfile:///tmp/c"
    assert decode(b"cut\nfile:///tmp/a%20b\nfile:///tmp/c") == listed


@pytest.mark.parametrize("mime", [TEXT, RTF, PNG])
def test_what_needs_no_translation_is_passed_as_it_is(mime: str) -> None:
    assert targets.encoder(mime) is None
    assert targets.decoder(mime) is None
