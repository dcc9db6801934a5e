"""Command lines in each boot loader's files: golden trees, read strictly; only our words are taken back."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libneuron.hardware.boot import cmdline, formats
from libneuron.hardware.boot.assignments import NotSimple, OpenQuote
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.edits import BootPlan
from libneuron.hardware.boot.errors import BootError
from libneuron.hardware.boot.formats import Format
from libneuron.hardware.boot.plan import plan
from libneuron.system.files import Root

TREES = Path(__file__).resolve().parents[3] / "fixtures/boot"
NAMES = sorted(path.name for path in TREES.iterdir())
ON = Wish(set=("intel_iommu=on",))
FORMATS = (
    formats.grub, formats.kernel_cmdline, formats.entry, formats.limine, formats.limine_entry_tool,
)  # fmt: skip


def machine(name: str) -> Root:
    return Root(TREES / name / "before")


def files(top: Path) -> dict[str, bytes]:
    return {f"/{path.relative_to(top)}": path.read_bytes() for path in top.rglob("*") if path.is_file()}


def applied(made: BootPlan, before: dict[str, bytes]) -> dict[str, bytes]:
    return before | {edit.path: edit.after or b"" for edit in made.edits}


@pytest.mark.parametrize("name", NAMES)
def test_the_tree_becomes_the_golden_one(name: str) -> None:
    before = files(TREES / name / "before")
    assert applied(plan(machine(name), ON), before) == before | files(TREES / name / "after")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_there_already_is_not_changed(tmp_path: Path, name: str) -> None:
    for state in ("before", "after"):
        shutil.copytree(TREES / name / state, tmp_path, dirs_exist_ok=True)
    made = plan(Root(tmp_path), ON)
    assert (made.edits, made.commands) == ((), ())


@pytest.mark.parametrize("name", NAMES)
def test_undo_gives_back_every_byte(name: str) -> None:
    before = files(TREES / name / "before")
    made = plan(machine(name), ON)
    assert applied(made.undo, applied(made, before)) == before


@pytest.mark.parametrize("name", NAMES)
def test_taking_back_keeps_what_others_changed_since(name: str) -> None:
    made = plan(machine(name), ON)
    assert made.edits
    for edit in made.edits:
        before, after = (edit.before or b"").decode(), (edit.after or b"").decode()
        form = formats.format_of(edit.path)
        back = formats.take_back(form, before, after, after.rstrip("\n") + "\n# mine\n")
        assert "# mine" in back
        assert "intel_iommu=on" not in back


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("debian-grub", "update-grub"),
        ("arch-grub-single-quotes", "grub-mkconfig -o /boot/grub/grub.cfg"),
        ("opensuse-grub-without-quotes", "grub2-mkconfig -o /boot/grub2/grub.cfg"),
    ],
)
def test_grub_is_told_in_this_distributions_way(name: str, command: str) -> None:
    made = plan(machine(name), ON)
    assert [shlex.join(words) for words in made.commands] == [command]
    assert made.undo.commands == made.commands


def test_an_argument_in_the_way_is_removed_wherever_it_stands() -> None:
    text = 'GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=off splash"\nGRUB_CMDLINE_LINUX="intel_iommu=off"\n'
    changed = formats.change(text, formats.grub, Wish(unset=("intel_iommu=off",)))
    assert changed == 'GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"\nGRUB_CMDLINE_LINUX=""\n'


def test_what_stands_in_another_line_of_the_same_list_is_not_added_again() -> None:
    entry = "linux /x\noptions intel_iommu=on\noptions quiet\n"
    assert formats.change(entry, formats.entry, ON) == entry
    shell = 'GRUB_CMDLINE_LINUX="intel_iommu=on"\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'
    assert formats.change(shell, formats.grub, ON) == shell


def test_an_entry_of_another_system_is_left_alone() -> None:
    windows = "title Windows\nefi /EFI/Microsoft/Boot/bootmgfw.efi\n"
    assert formats.change(windows, formats.entry, ON) == windows


def test_words_join_what_is_set_not_what_is_only_added() -> None:
    shell = 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX_DEFAULT+=" splash"\n'
    assert formats.change(shell, formats.grub, ON) == shell.replace('"quiet"', '"quiet intel_iommu=on"')


@pytest.mark.parametrize(
    "text",
    [
        'GRUB_CMDLINE_LINUX_DEFAULT="quiet\n',
        'GRUB_CMDLINE_LINUX_DEFAULT="a"b\n',
        "GRUB_CMDLINE_LINUX_DEFAULT=$(cat x)\n",
        "GRUB_CMDLINE_LINUX='a' GRUB_TIMEOUT=1\n",
        'GRUB_CMDLINE_LINUX_DEFAULT="a"; GRUB_CMDLINE_LINUX_DEFAULT="b"\n',
        'GRUB_CMDLINE_LINUX_DEFAULT="a"#b\n',
        'GRUB_CMDLINE_LINUX_DEFAULT="a \\\nb"\n',
        'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT_OLD a"\n',
    ],
)
def test_a_shell_file_beyond_plain_texts_is_left_to_the_person(text: str) -> None:
    with pytest.raises(NotSimple):
        formats.change(text, formats.grub, ON)


@pytest.mark.parametrize("word", ["a b", "$(reboot)", 'x"y', "x;y", "", "a\nb", "`id`", "-x", "a\\b", "x'"])
def test_an_argument_is_one_plain_word(word: str) -> None:
    for wish in (Wish(set=(word,)), Wish(unset=(word,))):
        with pytest.raises(BootError) as caught:
            plan(machine("debian-grub"), wish)
        assert caught.value.code == "hardware.argument-unsafe"


def test_a_command_line_without_a_known_loader_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "etc/kernel").mkdir(parents=True)
    (tmp_path / "etc/kernel/cmdline").write_text("quiet")
    with pytest.raises(BootError) as caught:
        plan(Root(tmp_path), ON)
    assert caught.value.code == "hardware.loader-unknown"


def test_of_two_loaders_the_one_that_started_this_system_is_told(tmp_path: Path) -> None:
    for name in ("arch-limine", "debian-grub"):
        shutil.copytree(TREES / name / "before", tmp_path, dirs_exist_ok=True)
    assert plan(Root(tmp_path), ON).loader == "limine"
    said = tmp_path / "sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
    said.parent.mkdir(parents=True)
    said.write_bytes(bytes(4) + "GRUB 2.12".encode("utf-16-le"))
    assert plan(Root(tmp_path), ON).loader == "grub"


@pytest.mark.parametrize("path", ["/etc/passwd", "/boot/loader/entries/../x.conf", "/boot/loader/entries/x"])
def test_no_other_file_is_ever_edited(path: str) -> None:
    with pytest.raises(BootError) as caught:
        formats.format_of(path)
    assert caught.value.code == "hardware.boot-file-foreign"


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
    whole = (line + end if line else line) + "\n"
    changed = formats.change(whole, formats.kernel_cmdline, Wish(set=new))
    assert changed.split() == cmdline.apply(line.split(), Wish(set=new))
    if line:
        assert formats.take_back(formats.kernel_cmdline, whole, changed, changed) == whole


def _grub_file(line: str, quote: str) -> str:
    return f"A=1\nGRUB_CMDLINE_LINUX_DEFAULT={quote}{line}{quote}\nB=2\n"


def _limine_file(line: str, _quote: str) -> str:
    return f"timeout: 1\n/A\n  protocol: linux\n  cmdline: {line}\n/B\n  protocol: efi\n  cmdline: {line}\n"


def _entry_file(line: str, _quote: str) -> str:
    return f"title A\nlinux /x\noptions root=x\noptions {line}\n"


_MAKERS: dict[str, tuple[Callable[[str, str], str], Format]] = {
    "grub": (_grub_file, formats.grub),
    "limine": (_limine_file, formats.limine),
    "entry": (_entry_file, formats.entry),
    "cmdline": (lambda line, _quote: line + "\n", formats.kernel_cmdline),
}


@pytest.mark.parametrize("kind", _MAKERS)
@given(line=_LINE.filter(bool), quote=st.sampled_from(["'", '"']), new=_NEW)
def test_applied_and_taken_back_any_file_is_what_it_was_also_below_what_others_wrote(
    kind: str, line: str, quote: str, new: tuple[str, ...]
) -> None:
    make, form = _MAKERS[kind]
    text = make(line, quote)
    changed = formats.change(text, form, Wish(set=new))
    assert changed != text
    assert formats.change(changed, form, Wish(set=new)) == changed
    assert formats.take_back(form, text, changed, changed) == text
    assert formats.take_back(form, text, changed, changed + "# mine\n") == text + "# mine\n"
    assert formats.take_back(form, text, changed, text) == text, "a second time there is nothing to take"


@pytest.mark.parametrize("kind", _MAKERS)
@given(line=_LINE.filter(bool), new=_NEW)
def test_a_line_that_others_changed_too_loses_only_our_words(
    kind: str, line: str, new: tuple[str, ...]
) -> None:
    make, form = _MAKERS[kind]
    text = make(line, '"')
    changed = formats.change(text, form, Wish(set=new))
    mine = formats.change(changed, form, Wish(set=("mine=1",)))
    back = formats.take_back(form, text, changed, mine)
    once = list(dict.fromkeys(cmdline.split(line)))
    for found in form(back):
        words = cmdline.split(" ".join(back[span.start : span.end] for span in found.spans))
        assert set(words) - {"root=x"} == {*once, "mine=1"}


@given(line=_LINE, quote=st.sampled_from(["'", '"']), new=_NEW)
def test_a_real_shell_reads_what_was_meant(line: str, quote: str, new: tuple[str, ...]) -> None:
    changed = formats.change(_grub_file(line, quote), formats.grub, Wish(set=new))
    values = dict(item.split("=", 1) for item in shlex.split(changed))
    assert values["GRUB_CMDLINE_LINUX_DEFAULT"].split() == cmdline.apply(line.split(), Wish(set=new))


def test_sh_itself_reads_the_golden_file() -> None:
    path = TREES / "arch-grub-single-quotes/after/etc/default/grub"
    said = subprocess.run(
        ["sh", "-c", '. "$1"; printf %s "$GRUB_CMDLINE_LINUX_DEFAULT"', "sh", path],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert said == "loglevel=3 quiet intel_iommu=on"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (formats.kernel_cmdline, '"'),
        (formats.kernel_cmdline, 'quiet dyndbg="file a.c +p\n'),
        (formats.kernel_cmdline, 'quiet x="a\nroot=b"\n'),
        (formats.entry, 'linux /x\noptions quiet x="a\n'),
        (formats.limine, '/A\nprotocol: linux\ncmdline: quiet "\n'),
        (formats.grub, "GRUB_CMDLINE_LINUX='x=\"a'\n"),
        (formats.grub, 'GRUB_CMDLINE_LINUX_DEFAULT="x=\\"a"\n'),
    ],
)
def test_no_word_is_added_behind_a_quotation_mark_that_never_ends(form: Format, text: str) -> None:
    with pytest.raises(OpenQuote):
        formats.change(text, form, ON)


def test_a_quotation_mark_that_never_ends_is_named_to_the_person(tmp_path: Path) -> None:
    shutil.copytree(TREES / "debian-grub/before", tmp_path, dirs_exist_ok=True)
    (tmp_path / "etc/default/grub").write_text("GRUB_CMDLINE_LINUX_DEFAULT='quiet x=\"a'\n")
    with pytest.raises(BootError) as caught:
        plan(Root(tmp_path), ON)
    assert (caught.value.code, caught.value.params["value"]) == ("hardware.quote-open", 'quiet x="a')


@given(st.text(max_size=200))
@example('"')
@example('linux \noptions "')
def test_any_text_is_edited_or_refused(text: str) -> None:
    for form in FORMATS:
        try:
            changed = formats.change(text, form, ON)
        except OpenQuote:
            assert '"' in text
        except NotSimple:
            assert form in (formats.grub, formats.limine_entry_tool)
        else:
            assert formats.change(changed, form, ON) == changed


def test_the_diff_shows_both_lines() -> None:
    edit = plan(machine("debian-grub"), ON).edits[0]
    assert (
        '-GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n+GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=on"'
        in edit.diff()
    )
