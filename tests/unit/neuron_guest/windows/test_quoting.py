"""Command lines carry every word unharmed. Windows' own parser is asked in tests/system/wine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuron_guest.backend import BackendError
from neuron_guest.platform.windows.quoting import MAXIMUM, command_line, quoted

WORDS = st.lists(st.text(alphabet=st.sampled_from("ab \t\"\\'$`%^&|<>é😀\n"), max_size=12), max_size=5)


def parsed(line: str) -> list[str]:
    """CommandLineToArgvW's documented rules, for what follows the program's name."""
    words: list[str] = []
    at = 0
    while at < len(line):
        while at < len(line) and line[at] in " \t":
            at += 1
        if at == len(line):
            break
        word, inside = "", False
        while at < len(line) and (inside or line[at] not in " \t"):
            slashes = 0
            while at < len(line) and line[at] == "\\":
                slashes += 1
                at += 1
            if at < len(line) and line[at] == '"':
                word += "\\" * (slashes // 2)
                if slashes % 2:
                    word += '"'
                else:
                    inside = not inside
                at += 1
            else:
                word += "\\" * slashes
                if at < len(line) and (inside or line[at] not in " \t"):
                    word += line[at]
                    at += 1
        words.append(word)
    return words


@given(WORDS)
def test_every_list_of_words_parses_back(words: list[str]) -> None:
    assert parsed(" ".join(map(quoted, words))) == words


def test_plain_words_stay_readable() -> None:
    assert command_line(r"C:\a b\x.exe", ["-v", "a b", r"c:\d"]) == r'"C:\a b\x.exe" -v "a b" c:\d'


@pytest.mark.parametrize(
    ("program", "arguments"), [('a"b', []), ("a", ["x\0y"]), ("a", ["x" * MAXIMUM]), ("a\0", [])]
)
def test_what_cannot_be_carried_is_refused(program: str, arguments: list[str]) -> None:
    with pytest.raises(BackendError) as refusal:
        command_line(program, arguments)
    assert refusal.value.code == "bad-argument"
