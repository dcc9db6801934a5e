"""A command line changes only where it was asked to, and quotes survive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libneuron.hardware.boot import cmdline
from libneuron.hardware.boot.cmdline import Wish

WORDS = st.lists(
    st.from_regex(r'[a-z_.\-]{1,8}(=([a-z0-9:,]{0,6}|"[a-z ]{0,6}"))?', fullmatch=True), max_size=8
)


@pytest.mark.parametrize(
    ("line", "wish", "after"),
    [
        ("quiet splash", Wish(set=("intel_iommu=on",)), "quiet splash intel_iommu=on"),
        ("quiet intel_iommu=off splash", Wish(set=("intel_iommu=on",)), "quiet intel_iommu=on splash"),
        ("intel-iommu=off", Wish(set=("intel_iommu=on",)), "intel_iommu=on"),
        ("a=1 a=2", Wish(set=("a=3",)), "a=3"),
        ("quiet iommu=pt", Wish(unset=("iommu",)), "quiet"),
        ("iommu=on iommu=pt iommu.strict=1", Wish(unset=("iommu=on",)), "iommu=pt iommu.strict=1"),
        ("pci=nomsi pci=x", Wish(unset=("pci=x",)), "pci=nomsi"),
        ("iommu=pto iommu=pt", Wish(unset=("iommu=pt",)), "iommu=pto"),
        ("xiommu=pt", Wish(unset=("iommu=pt",)), "xiommu=pt"),
        (
            "pci=nomsi",
            Wish(set=("pci=config_acs=1@0000:00:01.0",)),
            "pci=nomsi pci=config_acs=1@0000:00:01.0",
        ),
        ('dyndbg="file x +p" quiet', Wish(set=("iommu=pt",)), 'dyndbg="file x +p" quiet iommu=pt'),
        ("", Wish(set=("iommu=pt",)), "iommu=pt"),
    ],
)
def test_a_wish_is_applied_in_place(line: str, wish: Wish, after: str) -> None:
    assert " ".join(cmdline.apply(cmdline.split(line), wish)) == after
    assert cmdline.satisfied(after, wish)


@given(WORDS)
def test_splitting_and_joining_gives_the_same_words(words: list[str]) -> None:
    assert cmdline.split(" ".join(words)) == words


@given(WORDS, WORDS, WORDS)
def test_a_wish_applied_twice_changes_nothing_more(words: list[str], new: list[str], gone: list[str]) -> None:
    wish = Wish(set=tuple(new), unset=tuple(gone))
    once = cmdline.apply(words, wish)
    assert cmdline.apply(once, Wish(set=wish.set)) == once


@given(WORDS, WORDS)
def test_words_that_nobody_named_keep_their_order(words: list[str], new: list[str]) -> None:
    touched = {cmdline.name(word) for word in new}
    after = cmdline.apply(words, Wish(set=tuple(new)))
    assert [word for word in after if cmdline.name(word) not in touched] == [
        word for word in words if cmdline.name(word) not in touched
    ]


@given(WORDS, st.sampled_from([" ", "  ", "\t"]), st.sampled_from(["", " ", "\t"]), WORDS, WORDS)
def test_a_line_changes_as_its_words_do_and_keeps_its_white_space(
    words: list[str], gap: str, end: str, new: list[str], gone: list[str]
) -> None:
    wish = Wish(set=tuple(new), unset=tuple(gone))
    line = gap + gap.join(words) + end
    (changed,), missing = cmdline.change_lines([line], wish, 0)
    assert missing == []
    assert cmdline.split(changed) == cmdline.apply(words, wish)
    assert changed.endswith(end)
    assert cmdline.change_lines([line], Wish(), 0) == ([line], [])
