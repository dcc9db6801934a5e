"""Carrying a boot change out: whole or taken back wherever it is cut off; verified after a boot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from libneuron.hardware.boot import change, record, wishes
from libneuron.hardware.boot.change import Machine, State
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.errors import BootError
from libneuron.hardware.boot.plan import plan
from libneuron.system import files
from libneuron.system.errors import SystemAccessError
from libneuron.system.files import Root
from libneuron.system.runner import Completed

WISH = Wish(set=("intel_iommu=on",))
GRUB = 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'


class Power(BaseException):
    """The power fails: nothing of ours runs any more."""


class Recorder:
    """A runner that notes what would run, and fails when told."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, ...]] = []
        self.fail: Callable[[int], bool] = lambda _count: False

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        timeout: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        check: bool = True,
        changes: bool = False,
    ) -> Completed:
        assert changes, "a program that alters the machine must say so"
        words = tuple(str(word) for word in argv)
        self.ran.append(words)
        if self.fail(len(self.ran)):
            raise SystemAccessError("system.program-failed", program=words[0], status="1")
        return Completed(words, 0, b"", b"")


@pytest.fixture
def runner() -> Recorder:
    return Recorder()


@pytest.fixture
def machine(tmp_path: Path, runner: Recorder) -> Machine:
    top = tmp_path / "root"
    for name, text in {
        "etc/default/grub": GRUB,
        "usr/sbin/update-grub": "",
        "etc/mkinitcpio.conf": "",
        "proc/cmdline": "quiet",
        "proc/sys/kernel/random/boot_id": "first",
    }.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Machine(Root(top), runner, tmp_path / "records")


def _tree(machine: Machine) -> dict[str, bytes]:
    top = machine.root.prefix
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def _boot(machine: Machine, line: str) -> None:
    machine.root.path("/proc/cmdline").write_text(line)
    machine.root.path("/proc/sys/kernel/random/boot_id").write_text("second")


def test_a_change_is_applied_recorded_and_verified_only_after_a_boot(
    machine: Machine, runner: Recorder
) -> None:
    done = change.apply(machine, WISH, plan(machine.root, WISH, modules=("vfio_pci",)))
    assert runner.ran == [("mkinitcpio", "-P"), ("update-grub",)]
    assert done.state is State.APPLIED
    assert change.verify(machine, done).state is State.APPLIED, "not claimed before it was checked"
    _boot(machine, "quiet intel_iommu=on")
    assert change.verify(machine, done).state is State.VERIFIED
    assert change.history(machine)[0].state is State.VERIFIED


def test_a_boot_without_the_words_is_told(machine: Machine) -> None:
    done = change.apply(machine, WISH, plan(machine.root, WISH))
    _boot(machine, "quiet")
    assert change.verify(machine, done).state is State.FAILED_CHECK


def test_undo_gives_the_old_files_back(machine: Machine, runner: Recorder) -> None:
    before = _tree(machine)
    done = change.apply(machine, WISH, plan(machine.root, WISH, modules=("vfio_pci",)))
    assert change.undo(machine, done).state is State.UNDONE
    assert _tree(machine) == before
    assert runner.ran[2:] == runner.ran[:2], "the initramfs is built again from the old files"


def test_a_program_that_fails_puts_everything_back(machine: Machine, runner: Recorder) -> None:
    before = _tree(machine)
    runner.fail = lambda count: count == 2
    with pytest.raises(SystemAccessError):
        change.apply(machine, WISH, plan(machine.root, WISH, modules=("vfio_pci",)))
    assert _tree(machine) == before
    assert runner.ran[2:] == [("mkinitcpio", "-P"), ("update-grub",)]
    assert change.pending(machine) is None


def test_a_file_that_somebody_changed_since_is_not_touched(machine: Machine) -> None:
    made = plan(machine.root, WISH)
    machine.root.path("/etc/default/grub").write_text("mine")
    with pytest.raises(BootError, match="has changed in the meantime"):
        change.apply(machine, WISH, made)
    assert change.history(machine) == ()


def test_undo_takes_only_our_words_out_of_what_the_person_wrote_since(machine: Machine) -> None:
    done = change.apply(machine, WISH, plan(machine.root, WISH, modules=("vfio_pci",)))
    grub = machine.root.path("/etc/default/grub")
    grub.write_text('# mine\nGRUB_CMDLINE_LINUX_DEFAULT="splash intel_iommu=on"\n')
    assert change.undo(machine, done).state is State.UNDONE
    assert grub.read_text() == '# mine\nGRUB_CMDLINE_LINUX_DEFAULT="splash"\n'
    assert not machine.root.exists("/etc/mkinitcpio.conf.d/neuron-vfio.conf")


def test_undo_leaves_a_file_without_our_words_alone(machine: Machine) -> None:
    done = change.apply(machine, WISH, plan(machine.root, WISH))
    machine.root.path("/etc/default/grub").write_text("mine")
    assert change.undo(machine, done).state is State.UNDONE
    assert machine.root.text("/etc/default/grub") == "mine"


def test_undo_refuses_what_the_shell_computes_since(machine: Machine) -> None:
    done = change.apply(machine, WISH, plan(machine.root, WISH))
    mine = "GRUB_CMDLINE_LINUX_DEFAULT=$(cat x)"
    machine.root.path("/etc/default/grub").write_text(mine)
    with pytest.raises(BootError, match="now computes the value"):
        change.undo(machine, done)
    assert machine.root.text("/etc/default/grub") == mine
    assert change.history(machine)[0].state is State.APPLIED, "nothing was begun"


def test_undo_refuses_our_own_file_that_somebody_rewrote(machine: Machine) -> None:
    done = change.apply(machine, WISH, plan(machine.root, WISH, modules=("vfio_pci",)))
    machine.root.path("/etc/mkinitcpio.conf.d/neuron-vfio.conf").write_text("MODULES=(mine)")
    with pytest.raises(BootError, match="has changed in the meantime"):
        change.undo(machine, done)


def test_undo_takes_our_modules_out_of_a_list_that_grew(tmp_path: Path, runner: Recorder) -> None:
    top = tmp_path / "root"
    listed = top / "etc/initramfs-tools/modules"
    for path, text in {
        listed: "loop\n",
        top / "etc/default/grub": GRUB,
        top / "usr/sbin/update-initramfs": "",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    machine = Machine(Root(top), runner, tmp_path / "records")
    done = change.apply(machine, WISH, plan(machine.root, WISH, modules=("vfio_pci", "vfio")))
    listed.write_text(listed.read_text() + "mine\n")
    change.undo(machine, done)
    assert listed.read_text() == "loop\nmine\n"


def test_an_earlier_change_is_taken_back_from_under_a_later_one(machine: Machine) -> None:
    first = change.apply(machine, WISH, plan(machine.root, WISH))
    more = Wish(set=("iommu=pt",))
    change.apply(machine, more, plan(machine.root, more))
    change.undo(machine, first)
    assert machine.root.text("/etc/default/grub") == 'GRUB_CMDLINE_LINUX_DEFAULT="quiet iommu=pt"'


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_power_cut_at_any_write_is_taken_back_whole(
    machine: Machine, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _tree(machine)
    made = plan(machine.root, WISH, modules=("vfio_pci",))
    real, count = files.write_atomic, 0

    def write(path: Path, data: bytes, *, mode: int = 0o644, durable: bool = True) -> None:
        nonlocal count
        count += 1
        if count == cut:
            raise Power
        real(path, data, mode=mode, durable=durable)

    for module in (change, record):
        monkeypatch.setattr(module, "write_atomic", write)
    cut_off = False
    try:
        change.apply(machine, WISH, made)
    except Power:
        cut_off = True
    for module in (change, record):
        monkeypatch.setattr(module, "write_atomic", real)
    assert cut_off == (cut <= 4), "record, two files, record: four writes"
    for path, data in _tree(machine).items():
        assert data in (before.get(path), *(edit.after for edit in made.edits)), "no torn file"
    found = change.pending(machine)
    if cut_off and cut > 1:
        assert found is not None
        change.undo(machine, found)
    if cut_off:
        assert _tree(machine) == before
        assert change.pending(machine) is None


def test_after_a_cut_the_persons_own_edit_is_not_overwritten(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, runner: Recorder
) -> None:
    def fail(_count: int) -> bool:
        raise Power

    runner.fail = fail
    with pytest.raises(Power):
        change.apply(machine, WISH, plan(machine.root, WISH))
    found = change.pending(machine)
    assert found is not None
    grub = machine.root.path("/etc/default/grub")
    grub.write_text("# mine\n" + grub.read_text())
    runner.fail = lambda _count: False
    change.undo(machine, found)
    assert grub.read_text() == "# mine\n" + GRUB
    assert change.pending(machine) is None


def test_a_broken_record_is_named(machine: Machine) -> None:
    change.apply(machine, WISH, plan(machine.root, WISH))
    (machine.records / "000001.json").write_text("{}")
    with pytest.raises(BootError, match=r"000001\.json"):
        change.history(machine)


def test_records_are_roots_own(machine: Machine) -> None:
    change.apply(machine, WISH, plan(machine.root, WISH))
    assert machine.records.stat().st_mode & 0o777 == 0o700
    assert files.is_private(machine.records / "000001.json")


@pytest.mark.parametrize(
    "word",
    [
        "intel_iommu=on",
        "iommu=pt",
        "pcie_acs_override=downstream,multifunction",
        "pcie_acs_override=id:10de:1b80",
        "pci=config_acs=111@0000:00:1c.0",
        "vfio-pci.ids=10de:1b80,10de:10f0",
    ],
)
def test_the_words_that_the_suite_sets_are_allowed(word: str) -> None:
    assert wishes.refused(Wish(set=(word,))) == ()


@pytest.mark.parametrize(
    "word",
    [
        "init=/bin/sh",
        "rd.break",
        "intel_iommu=on init=/bin/sh",
        "intel_iommu=on\nx",
        'iommu="pt"',
        "pci=nomsi",
        "selinux=0",
        "pci=config_acs=111@0000:00:1c.0;111@0000:00:1d.0",
        "intel_iommu",
        "",
    ],
)
def test_every_other_word_is_refused(word: str) -> None:
    assert wishes.refused(Wish(set=(word,))) == (word,)
    assert wishes.refused(Wish(unset=("init",))) == ("init",)


@pytest.mark.parametrize(
    "word", ["intel_iommu", "intel_iommu=off", "iommu=pt", "pci=config_acs=1@0000:00:01.0"]
)
def test_what_the_suite_may_remove(word: str) -> None:
    assert wishes.refused(Wish(unset=(word,))) == ()


@pytest.mark.parametrize("word", ["init", "pci", "pci=nomsi", "root=UUID=1", "iommu=weird", ""])
def test_what_the_suite_may_not_remove(word: str) -> None:
    assert wishes.refused(Wish(unset=(word,))) == (word,)
