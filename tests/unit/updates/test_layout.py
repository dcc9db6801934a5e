"""The root's layout is detected, never assumed."""

from __future__ import annotations

import pytest

from libneuron.system.mounts import Mount
from libneuron.updates.errors import UpdateError
from libneuron.updates.layout import Layout, RootFacts, Switch, detect, fitted_fstab


def facts(
    root: str = "/@",
    *,
    kind: str = "btrfs",
    flags: str = "",
    fstab: str = "",
    default: int = 5,
    own: int = 256,
) -> RootFacts:
    mount = Mount("0:30", root, "/", frozenset({"rw"}), kind, "/dev/vda2", frozenset({"rw"}))
    return RootFacts(mount, f"root=UUID=1 {flags} quiet", fstab, own, default)


def test_a_name_on_the_command_line_means_exchange() -> None:
    assert detect(facts(flags="rootflags=subvol=@")) == Layout("/dev/vda2", "@", Switch.EXCHANGE)


def test_a_name_in_fstab_alone_means_exchange() -> None:
    found = detect(facts("/root", fstab="UUID=1 / btrfs subvol=root,compress=zstd:1 0 0\n"))
    assert found == Layout("/dev/vda2", "root", Switch.EXCHANGE)


def test_no_name_and_the_default_subvolume_means_set_default() -> None:
    found = detect(facts("/@/.snapshots/1/snapshot", default=270, own=270))
    assert found == Layout("/dev/vda2", "@/.snapshots/1/snapshot", Switch.DEFAULT)


def test_a_default_that_is_not_what_runs_is_told_apart() -> None:
    assert detect(facts("/system", default=300)) == Layout(
        "/dev/vda2", "system", Switch.DEFAULT, settled=False
    )


def test_a_name_beats_a_default_that_happens_to_be_the_same() -> None:
    assert detect(facts(flags="rootflags=rw,subvol=/@", default=256)).switch is Switch.EXCHANGE


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (facts(kind="ext4"), "updates.not-btrfs"),
        (facts("/", own=5), "updates.top-level-root"),
        (facts(flags="rootflags=subvolid=256"), "updates.subvolid"),
        (facts("/@snapshots/3/snapshot", flags="rootflags=subvol=@"), "updates.foreign-root"),
        (facts(fstab="UUID=1 / btrfs subvol=@other 0 0"), "updates.foreign-root"),
    ],
)
def test_what_cannot_be_rolled_back_says_why(given: RootFacts, code: str) -> None:
    with pytest.raises(UpdateError) as caught:
        detect(given)
    assert caught.value.code == code
    assert caught.value.hint()


def test_the_old_roots_number_leaves_fstab_and_nothing_else_does() -> None:
    root = "# kept\nUUID=1 /\tbtrfs rw,subvolid=256,subvol=/@ 0 0\n"
    text = f"{root}UUID=1 /home btrfs subvolid=257,subvol=/@home 0 0\n"
    fitted = fitted_fstab(text, root="@")
    assert fitted == text.replace("rw,subvolid=256,", "rw,")


def test_a_number_without_a_name_stays() -> None:
    text = "UUID=1 / btrfs subvolid=256 0 0\n"
    assert fitted_fstab(text, root="@") == text
