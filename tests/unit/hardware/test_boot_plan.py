"""Kernel arguments planned for each boot loader: golden trees, and undo that gives back what was there."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libneuron.hardware import boot_plan, boot_text
from libneuron.hardware.boot_plan import BootPlan, plan_boot_change, undo
from libneuron.hardware.boot_text import Arguments
from libneuron.hardware.capture import capture
from libneuron.hardware.errors import HardwareError
from libneuron.hardware.machine import BootSetup
from libneuron.hardware.names import Numbers
from libneuron.system.files import Root

TREES = Path(__file__).resolve().parents[2] / "fixtures/boot"
NAMES = sorted(path.name for path in TREES.iterdir())
ON = Arguments(add=("intel_iommu=on",))


def setup(name: str) -> BootSetup:
    return capture(Root(TREES / name / "before"), Numbers()).boot


def before(name: str) -> dict[str, str]:
    return boot_plan.read(Root(TREES / name / "before"))


def applied(plan: BootPlan, files: dict[str, str]) -> dict[str, str]:
    return files | {edit.path: edit.after for edit in plan.edits}


@pytest.mark.parametrize("name", NAMES)
def test_the_tree_becomes_the_golden_one(name: str) -> None:
    plan = plan_boot_change(before(name), setup(name), ON)
    golden = boot_plan.read(Root(TREES / name / "after"))
    assert applied(plan, before(name)) == golden


@pytest.mark.parametrize("name", NAMES)
def test_what_is_there_already_is_not_changed(name: str) -> None:
    golden = boot_plan.read(Root(TREES / name / "after"))
    assert plan_boot_change(golden, setup(name), ON).empty


@pytest.mark.parametrize("name", NAMES)
def test_undo_gives_back_every_byte(name: str) -> None:
    files = before(name)
    plan = plan_boot_change(files, setup(name), ON)
    changed = applied(plan, files)
    assert applied(undo(plan, changed), changed) == files


@pytest.mark.parametrize("name", NAMES)
def test_undo_keeps_what_others_changed_since(name: str) -> None:
    files = before(name)
    plan = plan_boot_change(files, setup(name), ON)
    changed = {path: text.rstrip("\n") + "\n# mine\n" for path, text in applied(plan, files).items()}
    back = applied(undo(plan, changed), changed)
    for edit in plan.edits:
        assert "# mine" in back[edit.path]
        assert "intel_iommu=on" not in back[edit.path]


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("debian-grub", "update-grub"),
        ("arch-grub-single-quotes", "grub-mkconfig -o /boot/grub/grub.cfg"),
        ("opensuse-grub-without-quotes", "grub2-mkconfig -o /boot/grub2/grub.cfg"),
    ],
)
def test_grub_is_told_in_this_distributions_way(name: str, command: str) -> None:
    plan = plan_boot_change(before(name), setup(name), ON)
    assert [shlex.join(words) for words in plan.commands] == [command]
    assert plan.undo_commands == plan.commands


def test_fedora_uses_grubby_and_back() -> None:
    fedora = BootSetup("fedora", (), ("grub", "systemd-boot"), ("dracut",))
    plan = plan_boot_change({boot_plan.GRUB: "GRUB_CMDLINE_LINUX=x\n"}, fedora, ON)
    assert plan.edits == ()
    assert plan.commands == (("grubby", "--update-kernel=ALL", "--args=intel_iommu=on"),)
    assert undo(plan, {}).commands == (("grubby", "--update-kernel=ALL", "--remove-args=intel_iommu=on"),)


def test_an_argument_in_the_way_is_removed_wherever_it_stands() -> None:
    text = 'GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=off splash"\nGRUB_CMDLINE_LINUX="intel_iommu=off"\n'
    changed = boot_text.grub(text, Arguments(remove=("intel_iommu=off",)))
    assert changed == 'GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"\nGRUB_CMDLINE_LINUX=""\n'


def test_what_stands_in_another_line_of_the_same_list_is_not_added_again() -> None:
    entry = "linux /x\noptions intel_iommu=on\noptions quiet\n"
    assert boot_text.entry(entry, ON) == entry
    shell = 'GRUB_CMDLINE_LINUX="intel_iommu=on"\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'
    assert boot_text.grub(shell, ON) == shell


def test_an_entry_of_another_system_is_left_alone() -> None:
    windows = "title Windows\nefi /EFI/Microsoft/Boot/bootmgfw.efi\n"
    assert boot_text.entry(windows, ON) == windows


def test_another_argument_that_begins_alike_is_left_alone() -> None:
    assert boot_text.change_line("iommu=pto iommu=pt", Arguments(remove=("iommu=pt",))) == "iommu=pto"
    assert boot_text.change_line("xiommu=pt", Arguments(remove=("iommu=pt",))) == "xiommu=pt"


@pytest.mark.parametrize(
    "text",
    [
        'GRUB_CMDLINE_LINUX_DEFAULT="quiet\n',
        'GRUB_CMDLINE_LINUX_DEFAULT="a"b\n',
        "GRUB_CMDLINE_LINUX_DEFAULT=$(cat x)\n",
        "GRUB_CMDLINE_LINUX='a' GRUB_TIMEOUT=1\n",
    ],
)
def test_a_shell_file_beyond_plain_texts_is_left_to_the_person(text: str) -> None:
    with pytest.raises(HardwareError) as caught:
        boot_text.grub(text, ON)
    assert caught.value.code == "hardware.boot-file-unclear"


@pytest.mark.parametrize("word", ["a b", "$(reboot)", 'x"y', "x;y", "", "a\nb", "`id`", "-x", "a\\b", "x'"])
def test_an_argument_is_one_plain_word(word: str) -> None:
    for arguments in (Arguments(add=(word,)), Arguments(remove=(word,))):
        with pytest.raises(HardwareError) as caught:
            plan_boot_change({}, BootSetup("arch", (), (), ()), arguments)
        assert caught.value.code == "hardware.argument-unsafe"


def test_without_a_known_loader_nothing_is_planned() -> None:
    with pytest.raises(HardwareError) as caught:
        plan_boot_change({boot_plan.CMDLINE: "quiet"}, BootSetup("arch", (), (), ()), ON)
    assert caught.value.code == "hardware.boot-loader-unknown"


@pytest.mark.parametrize("path", ["/etc/passwd", "/boot/loader/entries/../x.conf", "/boot/loader/entries/x"])
def test_no_other_file_is_ever_edited(path: str) -> None:
    with pytest.raises(HardwareError):
        boot_plan.editor_of(path)


_WORDS = st.sampled_from(
    ["quiet", "splash", "rw", "intel_iommu=off", "iommu=pt", "root=UUID=0a1b", "x.y=1,2"]
)
_LINE = st.lists(_WORDS, max_size=6).map(" ".join)
_NEW = st.lists(st.sampled_from(["intel_iommu=on", "vfio_pci.disable_idle_d3=1", "pci=x@0000:00:01.0"]),
                min_size=1, max_size=3, unique=True).map(tuple)  # fmt: skip
_SPACE = st.sampled_from(["", " ", "  ", "\t"])


@given(_LINE, _SPACE, _NEW)
def test_taking_back_what_was_added_to_a_line_gives_the_line(
    line: str, end: str, new: tuple[str, ...]
) -> None:
    whole = line + end if line else line
    changed = boot_text.change_line(whole, Arguments(add=new))
    assert changed.split() == [*line.split(), *new]
    assert boot_text.change_line(changed, Arguments(remove=new)) == whole


def _grub_file(line: str, quote: str) -> str:
    return f"A=1\nGRUB_CMDLINE_LINUX_DEFAULT={quote}{line}{quote}\nB=2\n"


def _limine_file(line: str, _quote: str) -> str:
    return f"timeout: 1\n/A\n  protocol: linux\n  cmdline: {line}\n/B\n  protocol: efi\n  cmdline: {line}\n"


def _entry_file(line: str, _quote: str) -> str:
    return f"title A\nlinux /x\noptions root=x\noptions {line}\n"


@pytest.mark.parametrize(
    ("make", "edit"),
    [
        (_grub_file, boot_text.grub),
        (_limine_file, boot_text.limine),
        (_entry_file, boot_text.entry),
        (lambda line, _quote: line + "\n", boot_text.cmdline),
    ],
    ids=["grub", "limine", "entry", "cmdline"],
)
@given(line=_LINE, quote=st.sampled_from(["'", '"']), new=_NEW)
def test_applied_and_taken_back_any_file_is_what_it_was(
    make: object, edit: boot_text.Editor, line: str, quote: str, new: tuple[str, ...]
) -> None:
    assert callable(make)
    text = make(line, quote)
    changed = edit(text, Arguments(add=new))
    assert changed != text
    assert edit(changed, Arguments(add=new)) == changed
    assert edit(changed, Arguments(remove=new)) == text


@given(line=_LINE, quote=st.sampled_from(["'", '"']), new=_NEW)
def test_a_real_shell_reads_what_was_meant(line: str, quote: str, new: tuple[str, ...]) -> None:
    changed = boot_text.grub(_grub_file(line, quote), Arguments(add=new))
    values = dict(item.split("=", 1) for item in shlex.split(changed))
    assert values["GRUB_CMDLINE_LINUX_DEFAULT"].split() == [*line.split(), *new]


def test_sh_itself_reads_the_golden_file() -> None:
    path = TREES / "arch-grub-single-quotes/after/etc/default/grub"
    said = subprocess.run(
        ["sh", "-c", '. "$1"; printf %s "$GRUB_CMDLINE_LINUX_DEFAULT"', "sh", path],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert said == "loglevel=3 quiet intel_iommu=on"


@given(st.text(max_size=200))
def test_any_text_is_edited_or_refused(text: str) -> None:
    for edit in (boot_text.grub, boot_text.cmdline, boot_text.entry, boot_text.limine):
        try:
            edit(text, ON)
        except HardwareError as error:
            assert error.code == "hardware.boot-file-unclear"


def test_the_diff_shows_both_lines() -> None:
    edit = plan_boot_change(before("debian-grub"), setup("debian-grub"), ON).edits[0]
    assert (
        '-GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n+GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=on"' in edit.diff
    )
    assert dataclasses.replace(edit, after=edit.before).diff == ""
