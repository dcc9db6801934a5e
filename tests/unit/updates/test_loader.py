"""systemd-boot's files as text: the default, the choice, the entry of a prepared root."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from libneuron.updates import loader
from libneuron.updates.kinds.boot_entries import parse_bls

ENTRY = (
    "title Arch\nversion 6.9\nsort-key arch\nlinux /vmlinuz-linux\ninitrd /ucode.img\ninitrd /initramfs.img\n"
    "options root=UUID=1 rootflags=noatime,subvol=@,compress=zstd\noptions quiet rw\n"
)


def test_a_staged_entry_names_root_by_number_and_only_the_staged_files_anew() -> None:
    text = loader.staged_entry(
        ENTRY, identity="7", subvolume=300, places={"/vmlinuz-linux": "/neuron/7/vmlinuz-linux"}
    )
    entry = parse_bls(text, source="x")
    assert entry is not None
    assert (entry.kernel, entry.initrds) == ("/neuron/7/vmlinuz-linux", ("/ucode.img", "/initramfs.img"))
    flags = "rootflags=subvolid=300,noatime,compress=zstd"
    assert entry.options.split() == ["root=UUID=1", "quiet", "rw", flags, "neuron.rollback=7"]
    assert "version" not in text, "nothing may sort it or hide it"


def test_the_default_is_replaced_and_nothing_else() -> None:
    text = "# mine\ntimeout 3\ndefault arch*\neditor no\n"
    switched = loader.switch_to(text, "7")
    assert switched == "default neuron-rollback-7*\n# mine\ntimeout 3\neditor no\n"
    assert loader.switched_to(switched, "7")
    assert not loader.switched_to(switched, "71")
    assert not loader.switched_to(text, "7")


@given(st.lists(st.sampled_from(["timeout 3", "default x", "  default y", "# default z", "", "editor no"])))
def test_whatever_stood_there_the_last_word_is_ours(lines: list[str]) -> None:
    assert loader.switched_to(loader.switch_to("\n".join(lines), "3"), "3")


def test_what_starts_by_itself_is_the_default_else_the_newest() -> None:
    entries = {"arch-6.9.conf": ENTRY, "arch-6.10.conf": ENTRY, "windows.conf": "title W\nefi /x.efi\n"}
    assert loader.choose(entries, None) == "arch-6.10.conf"
    assert loader.choose(entries, "arch-6.9") == "arch-6.9.conf", "older releases leave .conf off"
    assert loader.choose(entries, "ARCH-6.9*") == "arch-6.9.conf"
    assert loader.choose(entries, "gone*") == "arch-6.10.conf"
    assert loader.choose({}, None) is None
