"""Text, HTML and file lists cross between the two worlds and come back."""

from __future__ import annotations

import re
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuron_guest.platform.windows import text_formats as formats

TEXT = st.text(alphabet=st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]))


@given(TEXT)
def test_text_comes_back_as_it_was(text: str) -> None:
    assert formats.from_unicode_text(formats.to_unicode_text(text.encode())) == text.encode()


def test_line_ends_become_windows_own_and_existing_ones_stay() -> None:
    assert formats.to_unicode_text(b"a\nb\r\nc").decode("utf-16-le") == "a\r\nb\r\nc\0"


@given(st.binary())
def test_no_bytes_break_the_readers(data: bytes) -> None:
    formats.from_unicode_text(data).decode()
    formats.from_html_format(data)
    formats.from_drop_files(data).decode()
    formats.to_unicode_text(data)
    formats.to_drop_files(data)


@given(st.binary().filter(lambda html: b"<body" not in html.lower()))
def test_an_html_fragment_is_found_by_its_byte_offsets(html: bytes) -> None:
    made = formats.to_html_format(html)
    offsets = {name: int(value) for name, value in re.findall(rb"(\w+):(\d{10})\r\n", made)}
    assert made[offsets[b"StartFragment"] : offsets[b"EndFragment"]] == html
    assert made[offsets[b"StartHTML"] :].startswith(b"<html>")
    assert made[: offsets[b"EndHTML"]].endswith(b"</html>")
    if not html.endswith(b"\0"):
        assert formats.from_html_format(made) == html


def test_a_whole_document_keeps_its_head_and_marks_its_body() -> None:
    made = formats.to_html_format("<html><head><title>ö</title></head><BODY class=x>ä</BODY></html>".encode())
    assert formats.from_html_format(made) == "ä".encode()
    assert "<title>ö</title>".encode() in made


@pytest.mark.parametrize(
    "header",
    [b"StartFragment:99999\r\nEndFragment:100000\r\n", b"StartFragment:-1\r\nEndFragment:-1\r\n", b""],
)
def test_wrong_offsets_fall_back_to_everything_after_the_header(header: bytes) -> None:
    assert formats.from_html_format(b"Version:0.9\r\n" + header + b"<b>x</b>") == b"<b>x</b>"


PATHS = st.lists(
    st.text(
        alphabet=st.characters(exclude_characters='\0\\/:*?"<>|', exclude_categories=["Cs", "Cc", "Cf"]),
        min_size=1,
    ).filter(lambda name: name != ".."),
    min_size=1,
    max_size=4,
)


@given(PATHS)
def test_local_files_come_back_as_they_were(names: list[str]) -> None:
    uris = [formats.uri_of_path("C:\\" + name) for name in names]
    listed = "".join(f"{uri}\r\n" for uri in uris).encode()
    assert formats.from_drop_files(formats.to_drop_files(listed)) == listed


def test_network_paths_and_other_machines_files_are_left_out() -> None:
    listed = b"# comment\r\nfile://server/c/x\r\nhttp://a/\r\nfile:///C:/../x\r\nfile:///home/a\r\nfile:///C:/ok\r\n"
    assert formats.drop_paths(formats.to_drop_files(listed)) == ["C:\\ok"]
    hostile = struct.pack("<IiiII", 20, 0, 0, 0, 1) + "\\\\srv\\x\0C:\\ok\0\0".encode("utf-16-le")
    assert formats.from_drop_files(hostile) == b"file:///C:/ok\r\n"


def test_a_narrow_list_of_old_programs_is_read() -> None:
    narrow = struct.pack("<IiiII", 20, 0, 0, 0, 0) + b"C:\\a\0C:\\b\0\0"
    assert formats.from_drop_files(narrow) == b"file:///C:/a\r\nfile:///C:/b\r\n"
