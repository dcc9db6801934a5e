"""The boot changed through the real helper: only words we know, only what was shown, and taken back whole."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libneuron.errors import NeuronError
from libneuron.hardware import bundle, names
from libneuron.hardware.boot.change import State
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.errors import BootError
from libneuron.hardware.boot.sharing import Share, Way
from libneuron.hardware.errors import HardwareError
from libneuron.system.files import Root
from libneuron.system.helper import HelperClient, HelperError
from neuron_hardware_advisor.boot_source import HelperBoot
from tests.conftest import ROOT
from tests.unit.neuron_helper.lab import Answer, Lab, lab

BOOT = ROOT / "tests/fixtures/boot"
ON = Wish(set=("intel_iommu=on",))
RISKY = Wish(set=("pcie_acs_override=downstream",))


@pytest.fixture(scope="module")
def here() -> Iterator[Lab]:
    with tempfile.TemporaryDirectory() as work, lab(Path(work)) as made:
        yield made


@pytest.fixture(scope="module")
def serving(here: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tree that the one helper of this file works on; each test gets it anew."""
    top = tmp_path_factory.mktemp("machine")
    with here.helper(top) as process:
        yield top
        assert process.poll() is None, "the helper survived"


@pytest.fixture
def machine(serving: Path) -> Path:
    """A machine whose loader needs no program to be told."""
    for path in serving.iterdir():
        shutil.rmtree(path)
    shutil.copytree(BOOT / "arch-systemd-boot/before", serving, dirs_exist_ok=True)
    for name, text in {
        "proc/cmdline": "quiet",
        "proc/sys/kernel/random/boot_id": "first",
        "sys/bus/pci/devices/x": "",
    }.items():
        (serving / name).parent.mkdir(parents=True, exist_ok=True)
        (serving / name).write_text(text)
    return serving


@pytest.fixture
def boot(here: Lab, machine: Path) -> HelperBoot:
    here.authority.answer = Answer.YES
    here.authority.asked.clear()
    return HelperBoot(here.loop, address=here.address)


def tree(top: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(top)): path.read_bytes()
        for path in top.rglob("*")
        if path.is_file() and "var/lib/neuron" not in str(path)
    }


def test_what_was_shown_is_applied_verified_after_a_boot_and_taken_back(
    here: Lab, boot: HelperBoot, machine: Path
) -> None:
    before = tree(machine)
    shown = boot.plan(ON)
    assert any("+" in diff and "intel_iommu=on" in diff for _path, diff in shown.diffs)
    assert tree(machine) == before, "showing touches nothing"
    made = boot.apply(shown, "")
    assert (made.number, made.state) == (1, State.APPLIED)
    assert tree(machine).keys() == before.keys()
    assert tree(machine) != before
    assert [one.state for one in boot.changes()] == [State.APPLIED]
    (machine / "proc/cmdline").write_text("quiet intel_iommu=on")
    (machine / "proc/sys/kernel/random/boot_id").write_text("second")
    assert [one.state for one in boot.changes()] == [State.VERIFIED]
    assert boot.undo(1).state is State.UNDONE
    after = tree(machine)
    del before["proc/cmdline"], after["proc/cmdline"]
    del before["proc/sys/kernel/random/boot_id"], after["proc/sys/kernel/random/boot_id"]
    assert after == before
    actions = [action.rpartition(".")[2] for _, action, _ in here.authority.asked]
    assert actions == ["read", "change", "history", "history", "change"]


def test_a_file_changed_after_it_was_shown_is_not_touched(boot: HelperBoot, machine: Path) -> None:
    shown = boot.plan(ON)
    path = machine / shown.diffs[0][0].lstrip("/")
    path.write_bytes(path.read_bytes() + b"# mine\n")
    mine = tree(machine)
    with pytest.raises(BootError) as caught:
        boot.apply(shown, "")
    assert caught.value.code == "hardware.plan-changed"
    assert tree(machine) == mine


@pytest.mark.parametrize("typed", ["", "yes", "pcie_acs_override=downstream,multifunction"])
def test_the_override_is_not_set_before_its_very_words_are_typed(
    boot: HelperBoot, machine: Path, typed: str
) -> None:
    before = tree(machine)
    shown = boot.plan(RISKY)
    assert shown.confirm == "pcie_acs_override=downstream"
    with pytest.raises(BootError) as caught:
        boot.apply(shown, typed)
    assert caught.value.code == "hardware.not-confirmed"
    assert tree(machine) == before
    assert boot.apply(shown, shown.confirm).state is State.APPLIED


def test_the_same_change_again_is_nothing_to_do(boot: HelperBoot) -> None:
    boot.apply(boot.plan(ON), "")
    shown = boot.plan(ON)
    assert shown.diffs == ()
    with pytest.raises(BootError) as caught:
        boot.apply(shown, "")
    assert caught.value.code == "hardware.nothing-to-do"


@pytest.mark.parametrize("number", [0, 2, 999999])
def test_a_change_that_is_not_there_cannot_be_taken_back(boot: HelperBoot, number: int) -> None:
    boot.apply(boot.plan(ON), "")
    with pytest.raises(BootError) as caught:
        boot.undo(number)
    assert caught.value.code == "hardware.no-change"


def test_a_change_is_taken_back_once(boot: HelperBoot) -> None:
    boot.apply(boot.plan(ON), "")
    boot.undo(1)
    with pytest.raises(BootError, match="no change number 1"):
        boot.undo(1)


def test_a_card_is_kept_and_memory_made_through_the_helper_and_both_taken_back(
    boot: HelperBoot, machine: Path
) -> None:
    for address, kind in {
        "0000:01:00.0": "0x030000",
        "0000:01:00.1": "0x040300",
        "0000:02:00.0": "0x030000",
    }.items():
        (machine / f"sys/bus/pci/devices/{address}").mkdir(parents=True)
        for name, text in {"class": kind, "vendor": "0x10de", "device": "0x1b80"}.items():
            (machine / f"sys/bus/pci/devices/{address}/{name}").write_text(text)
    (machine / "etc/mkinitcpio.conf").unlink(missing_ok=True)
    (machine / "etc/passwd").write_text("maria:x:1000:1000::/home/maria:/bin/sh\n")
    before = tree(machine)
    memory = Wish(share=Share(Way.SHM, user="maria"))
    made = boot.apply(boot.plan(memory), "")
    assert (made.state, made.wish) == (State.APPLIED, memory)
    assert "maria" in (machine / "etc/tmpfiles.d/neuron-looking-glass.conf").read_text()
    with pytest.raises(BootError) as refused:
        boot.plan(Wish(bind=("0000:01:00.0",)))
    assert refused.value.code == "hardware.initramfs-unknown", "this tree has no tool that could be told"
    with pytest.raises(BootError) as refused:
        boot.plan(Wish(bind=("0000:01:00.0", "0000:02:00.0")))
    assert refused.value.code == "hardware.last-card"
    assert boot.undo(made.number).state is State.UNDONE
    assert tree(machine) == before


def test_what_root_reads_comes_back_as_a_machine_without_names(boot: HelperBoot, machine: Path) -> None:
    (machine / "proc/iomem").write_text(
        "00100000-7fffffff : System RAM\n  01000000-01ffffff : Kernel code\n"
        "e0000000-efffffff : PCI Bus 0000:00\n  e0000000-e02fffff : BOOTFB\n"
    )
    found = boot.capture()
    assert found.framebuffers == (("BOOTFB", 0xE0000000, 0xE02FFFFF),)
    assert found.privileged


def test_where_the_kernel_lies_in_memory_is_not_told(machine: Path) -> None:
    (machine / "proc/iomem").write_text(
        "01000000-01ffffff : Kernel code\ne0000000-efffffff : PCI Bus 0000:00\n"
    )
    recording = bundle.record(Root(machine), names.Numbers())
    assert recording.files["/proc/iomem"] == b"e0000000-efffffff : PCI Bus 0000:00"


@pytest.mark.parametrize("word", ["init=/bin/sh", "quiet", "pci=nomsi", "rd.break", "iommu=weird"])
def test_a_word_that_is_not_ours_is_refused_inside_the_helper(
    here: Lab, boot: HelperBoot, machine: Path, word: str
) -> None:
    before = tree(machine)
    client = HelperClient(here.loop, [BootError, HardwareError], address=here.address)
    for words in ((word, ""), ("", word), (f"iommu=pt {word}", "")):
        with pytest.raises(BootError) as caught:
            client.call("ApplyBootChange", "ssssss", *words, "", "", "0" * 64, "")
        assert caught.value.code == "hardware.argument-refused"
    assert tree(machine) == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(
    bind=st.sampled_from(["", "0000:01:00.0", "0000:01:00.0/../x", "x"]),
    share=st.sampled_from(["", "shm root", "shm ../x", "kvmfr 64", "kvmfr 65", "kvmfr"]),
    add=st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=60)
    | st.sampled_from(["intel_iommu=on", "iommu=pt", "pcie_acs_override=downstream", ""]),
    remove=st.text(st.sampled_from("iommu=pt, -_:/\n\t\"';$`"), max_size=30),
    typed=st.text(st.sampled_from("abc =_"), max_size=10),
)
def test_no_fuzzed_request_changes_a_file_without_the_right_fingerprint(
    here: Lab, boot: HelperBoot, machine: Path, add: str, remove: str, bind: str, share: str, typed: str
) -> None:  # fmt: skip
    before = tree(machine)
    client = HelperClient(here.loop, [BootError, HardwareError], address=here.address)
    with pytest.raises((BootError, HelperError)) as caught:
        client.call("ApplyBootChange", "ssssss", add, remove, bind, share, "0" * 64, typed)
    assert isinstance(caught.value, NeuronError)
    assert caught.value.code != "helper.bug"
    assert tree(machine) == before


def test_an_unprivileged_user_changes_nothing_when_polkit_says_no(
    here: Lab, boot: HelperBoot, machine: Path
) -> None:
    before = tree(machine)
    here.authority.answer = Answer.NO
    words = ("org.neuronos.Helper1", "/org/neuronos/Helper1", "org.neuronos.Helper1", "ApplyBootChange")
    given_ = ("ssssss", "intel_iommu=on", "", "", "", "0" * 64, "")
    done: subprocess.CompletedProcess[str] = here.as_nobody(
        "busctl", f"--address={here.address}", "call", *words, *given_
    )
    assert "helper.denied" in done.stderr
    assert tree(machine) == before
