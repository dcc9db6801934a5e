"""Names of files that cross: which are refused, at both ends, by one rule."""

from __future__ import annotations

import ntpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libneuron.guest.wire.names import UnsafeNameError, check_name, components

GOOD = [
    "a",
    ".hidden",
    "a.b.c",
    "ünï 🙂 שלום",
    "x" * 255,
    "漢" * 85,
    "CONSOLE",
    "com10",
    "nul-x",
    "-rf",
    "~",
    "$(id)",
]
BAD = [
    "", ".", "..", "a/b", "a\\b", "C:", "a:stream", "a*", "a?", 'a"', "<a", "a>", "a|b", "a\0b", "a\nb",
    "a\x7f", "a\x9b2J", "x.", "x ", "...", "CON", "con",
    "nul.txt", "Aux.tar.gz", "COM1", "com9.x", "LPT0", "COM¹", "LPT².txt", "CONIN$",
    "NUL .txt", "\ud800", "a\udcff", "x" * 256, "漢" * 86, "gpj.\u202eexe", "\u2066a",
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_ordinary_names_cross(name: str) -> None:
    assert components(f"in/{name}") == ("in", name)


@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_dangerous_names_are_refused_and_can_be_shown(name: str) -> None:
    with pytest.raises(UnsafeNameError) as caught:
        check_name(name)
    assert caught.value.problem
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("path", ["", "/", "/etc/passwd", "a/../b", "a//b", "a/", "./a", "/".join("a" * 33)])
def test_dangerous_paths_are_refused(path: str) -> None:
    with pytest.raises(UnsafeNameError):
        components(path)


@given(st.text(max_size=40))
def test_whatever_is_accepted_stays_below_its_folder_on_both_systems(path: str) -> None:
    try:
        parts = components(path)
    except UnsafeNameError:
        return
    assert "/".join(parts) == path
    joined = ntpath.normpath(ntpath.join("C:\\top", *parts))
    assert joined == "C:\\top\\" + "\\".join(parts)
    assert not ntpath.isreserved(joined) if hasattr(ntpath, "isreserved") else True
