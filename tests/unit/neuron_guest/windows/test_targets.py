"""What may be opened, and what not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuron_guest.backend import BackendError
from neuron_guest.platform.windows.targets import Kind, check_program, check_target


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (r"C:\Users\Ann\a b.pdf", Kind.FILE, r"C:\Users\Ann\a b.pdf"),
        ("c:/x/y.txt", Kind.FILE, r"c:\x\y.txt"),
        ("https://example.org/a?b=c&d=%20#e", Kind.URL, "https://example.org/a?b=c&d=%20#e"),
        ("HTTP://[::1]:8080/", Kind.URL, "HTTP://[::1]:8080/"),
    ],
)
def test_local_files_and_web_addresses_are_opened(text: str, kind: Kind, value: str) -> None:
    target = check_target(text)
    assert (target.kind, target.value) == (kind, value)


@pytest.mark.parametrize(
    "text",
    [
        "", "x" * 40000, r"\\server\share\a.txt", "//server/a.txt", r"\\?\C:\a.txt", r"\\.\COM1",
        r"\/server\x",
        r"C:\a\..\b.txt", "C:a.txt", r"C:\a.txt:stream", "C:\\a\x01.txt", "C:\\a\u202egpj.exe",
        "C:\\a\ud800.txt",
        r"C:\a.exe", r"C:\a.BAT", r"C:\a.lnk", r"C:\a.js .", r"C:\a.url",
        "file:///C:/a.txt", "javascript:alert(1)", "ms-settings:display", "ftp://example.org/", "http:/x", "http://",
        "https:example.org", "http://a b/", 'http://a/"x', "http://[::1", "search-ms:query=x",
    ],
)  # fmt: skip
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(BackendError) as refusal:
        check_target(text)
    assert refusal.value.code == "refused"


@given(st.text())
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    for check in (check_target, check_program):
        try:
            check(text)
        except BackendError as error:
            assert error.code in ("refused", "not-found")


def test_programs_are_names_or_local_paths() -> None:
    assert check_program("notepad.exe") == "notepad.exe"
    assert check_program(r"C:\Program Files\x.exe") == r"C:\Program Files\x.exe"
    for wrong in (r"..\x.exe", r"\\s\x.exe", r"C:\x.cmd", "x.bat", "x.BAT. .", "a:b"):
        with pytest.raises(BackendError):
            check_program(wrong)
