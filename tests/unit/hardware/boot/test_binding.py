"""A card kept for virtual machines by its address, and Looking Glass's memory: these files, and back."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libneuron.hardware.boot import binding, change, formats, initramfs, requests, sharing
from libneuron.hardware.boot.change import Machine, State
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.errors import BootError
from libneuron.hardware.boot.plan import plan
from libneuron.hardware.boot.sharing import Share, Way
from libneuron.system.files import Root
from tests.conftest import ROOT
from tests.unit.hardware.boot.test_change import Recorder

CARD = ("0000:01:00.0", "0000:01:00.1")
DEVICES = {
    "0000:01:00.0": "0x030000", "0000:01:00.1": "0x040300",  # the card
    "0000:02:00.0": "0x030000", "0000:02:00.1": "0x0c0330",  # its twin
    "0000:03:00.0": "0x010802", "0000:00:01.0": "0x060400",  # a disk, a port
}  # fmt: skip
PASSWD = (
    "root:x:0:0::/root:/bin/sh\nlibvirt-qemu:x:64055:108::/:/bin/false\nmaria:x:1000:1000::/home/m:/bin/sh\n"
)
OURS = "# Written by Neuron Hardware Advisor; its undo removes it.\n"
MODPROBE = (
    OURS
    + "install vfio-pci ours=' 0000:01:00.0/0x10de/0x1b80/0x030000 0000:01:00.1/0x10de/0x1b80/0x040300 ';"
    " left=; cd /sys/bus/pci/devices || exit 1;"
    " for at in *; do read class <$at/class || continue;"
    " case $class in 0x03*) ;; *) continue ;; esac;"
    ' case $ours in *" $at/"*) ;; *) left=yes ;; esac; done;'
    " for one in $ours; do at=${one%%/*};"
    ' [ "$left" ] || continue;'
    ' read vendor <$at/vendor && read device <$at/device && read class <$at/class || continue;'
    " [ $at/$vendor/$device/$class = $one ] || continue;"
    " [ ! -e /sys/bus/pci/drivers/xhci_hcd/$at ] || echo $at >/sys/bus/pci/drivers/xhci_hcd/unbind;"
    " echo vfio-pci >$at/driver_override; done; /sbin/modprobe -i vfio-pci\n"
    + "".join(
        f"softdep {driver} pre: vfio-pci\n"
        for driver in (
            "amdgpu", "i915", "nouveau", "nova_core", "nvidia", "nvidia_drm", "nvidiafb", "radeon",
            "snd_hda_intel", "xe", "xhci_pci", "i2c_nvidia_gpu",
        )
    )
)  # fmt: skip
TOOLS = {
    "mkinitcpio": (
        {"/etc/mkinitcpio.conf": "MODULES=()\n"},
        "/etc/mkinitcpio.conf.d/neuron-vfio.conf",
        OURS + 'MODULES=(vfio_pci vfio vfio_iommu_type1 "${MODULES[@]}")\n'
        'FILES+=(/etc/modprobe.d/neuron-vfio.conf)\n',
        ("mkinitcpio", "-P"),
    ),
    "dracut": (
        {"/usr/bin/dracut": ""},
        "/etc/dracut.conf.d/neuron-vfio.conf",
        OURS + 'force_drivers+=" vfio_pci vfio vfio_iommu_type1 "\n'
        'install_items+=" /etc/modprobe.d/neuron-vfio.conf "\n',
        ("dracut", "--regenerate-all", "--force"),
    ),
    "initramfs-tools": (
        {"/etc/initramfs-tools/initramfs.conf": "", "/etc/initramfs-tools/modules": "loop\n"},
        "/etc/initramfs-tools/modules",
        "loop\nvfio_pci\nvfio\nvfio_iommu_type1\n",
        ("update-initramfs", "-u", "-k", "all"),
    ),
}  # fmt: skip


def machine(top: Path, files: dict[str, str]) -> Machine:
    """A tree with two equal cards."""
    given_ = {
        "/proc/sys/kernel/osrelease": "6.12.1",
        "/proc/sys/kernel/random/boot_id": "first",
        "/proc/cmdline": "quiet",
        "/etc/passwd": PASSWD,
        **{
            f"/sys/bus/pci/devices/{address}/{name}": f"{text}\n"
            for address, kind in DEVICES.items()
            for name, text in {"class": kind, "vendor": "0x10de", "device": "0x1b80"}.items()
        },
    }
    for name, text in (given_ | files).items():
        path = top / "root" / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Machine(Root(top / "root"), Recorder(), top / "records")


def tree(of: Machine) -> dict[str, str]:
    top = of.root.prefix / "etc"
    return {f"/etc/{path.relative_to(top)}": path.read_text() for path in top.rglob("*") if path.is_file()}


def restart(of: Machine, drivers: dict[str, str]) -> None:
    """The next boot, in which ``drivers`` have taken devices."""
    of.root.path("/proc/sys/kernel/random/boot_id").write_text("second")
    for address, driver in drivers.items():
        link = of.root.prefix / f"sys/bus/pci/devices/{address}/driver"
        link.unlink(missing_ok=True)
        link.symlink_to(f"../../../../bus/pci/drivers/{driver}")


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_is_told_exactly_this_and_undo_gives_all_back(tmp_path: Path, tool: str) -> None:
    files, path, content, rebuild = TOOLS[tool]
    here = machine(tmp_path, files)
    before = tree(here)
    wish = Wish(bind=CARD)
    made = plan(here.root, wish)
    assert made.commands == (rebuild,), "no boot loader is told anything"
    done = change.apply(here, wish, made)
    assert tree(here) == before | {binding.PATH: MODPROBE, path: content}
    assert plan(here.root, wish).edits == (), "a second time there is nothing left to do"
    assert change.undo(here, done).state is State.UNDONE
    assert tree(here) == before
    assert here.runner.ran == [rebuild, rebuild]  # type: ignore[attr-defined]  # it is a Recorder


@pytest.mark.parametrize(
    ("drivers", "state"),
    [
        (dict.fromkeys(CARD, "vfio-pci"), State.VERIFIED),
        ({CARD[0]: "vfio-pci", CARD[1]: "snd_hda_intel"}, State.FAILED_CHECK),
        ({CARD[0]: "vfio-pci"}, State.FAILED_CHECK),
    ],
)
def test_it_is_verified_only_when_vfio_has_every_function(
    tmp_path: Path, drivers: dict[str, str], state: State
) -> None:
    here = machine(tmp_path, TOOLS["dracut"][0])
    wish = Wish(bind=CARD)
    done = change.apply(here, wish, plan(here.root, wish))
    assert change.verify(here, done).state is State.APPLIED
    restart(here, drivers)
    assert [one.state for one in requests.changes(here)] == [state]
    assert [one.wish for one in change.history(here)] == [wish], "the record says what was wished for"


@pytest.mark.parametrize(
    "addresses", [("0000:03:00.0",), ("0000:00:01.0",), ("0000:09:00.0",), (CARD[0], "0000:03:00.0")]
)
def test_only_cards_are_reserved(tmp_path: Path, addresses: tuple[str, ...]) -> None:
    with pytest.raises(BootError) as refused:
        plan(machine(tmp_path, TOOLS["dracut"][0]).root, Wish(bind=addresses))
    assert refused.value.code == "hardware.not-a-card"


def test_one_card_is_left_for_the_screen(tmp_path: Path) -> None:
    with pytest.raises(BootError) as refused:
        plan(machine(tmp_path, TOOLS["dracut"][0]).root, Wish(bind=("0000:01:00.0", "0000:02:00.0")))
    assert refused.value.code == "hardware.last-card"


@pytest.mark.parametrize("word", ["0000:01:00.0;reboot", "$(x)", "01:00.0", "0000:01:00.8", "0000:01:20.0"])
def test_what_is_no_address_never_reaches_a_file(word: str) -> None:
    with pytest.raises(BootError) as refused:
        requests.wish_of("", "", word)
    assert refused.value.code == "hardware.argument-refused"


SHELLS = (("dash",), ("busybox", "sh"))
"""The small shells of initramfs-tools (and Debian itself), and of mkinitcpio."""


def give_away(here: Machine, work: Path, shell: tuple[str, ...]) -> set[str]:
    """Plan :data:`CARD`, restart with what is in ``here`` by then, and tell which functions vfio-pci gets."""
    edit = binding.edit(Root(work / "planned"), CARD)
    assert edit is not None
    assert edit.after is not None
    top = here.root.prefix
    line = next(line for line in edit.after.decode().splitlines() if line.startswith("install vfio-pci "))
    script = line.removeprefix("install vfio-pci ").replace("/sys/", f"{top}/sys/")
    script = script.replace("/sbin/modprobe", f"echo >>{work}/loaded")
    subprocess.run([*shell, "-ec", script], cwd=work, check=True)
    assert (work / "loaded").read_text() == "-i vfio-pci\n"
    named = set()
    for override in top.glob("sys/bus/pci/devices/*/driver_override"):
        assert override.read_text() == "vfio-pci\n"
        named.add(override.parent.name)
    return named


@pytest.fixture
def restarted(tmp_path: Path) -> Machine:
    """A machine like the one for which :func:`give_away` makes its plan."""
    machine(tmp_path / "x", {}).root.prefix.rename(tmp_path / "planned")
    return machine(tmp_path, {})


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_install_line_names_each_function_and_then_loads_vfio(
    restarted: Machine, tmp_path: Path, shell: tuple[str, ...]
) -> None:
    """The line itself, run by a shell in a pretended /sys."""
    free = restarted.root.prefix / "sys/bus/pci/drivers/xhci_hcd"
    (free / CARD[1]).mkdir(parents=True)
    assert give_away(restarted, tmp_path, shell) == set(CARD)
    assert (free / "unbind").read_text() == f"{CARD[1]}\n"


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("name", "text"), [("class", "0x010802"), ("vendor", "0x1002"), ("device", "0x1b81"), ("class", None)]
)
def test_what_has_come_to_the_cards_place_since_keeps_its_driver(
    restarted: Machine, tmp_path: Path, shell: tuple[str, ...], name: str, text: str | None
) -> None:
    """A firmware update or another card moves devices: there may be the disk to start from."""
    place = restarted.root.prefix / f"sys/bus/pci/devices/{CARD[0]}/{name}"
    place.unlink()
    if text is not None:
        place.write_text(f"{text}\n")
    assert CARD[0] not in give_away(restarted, tmp_path, shell)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_card_that_became_the_only_one_is_not_given_away(
    restarted: Machine, tmp_path: Path, shell: tuple[str, ...]
) -> None:
    """Firmware that forgot its settings switches the processor's graphics off: there would be no picture."""
    for name in ("0000:02:00.0", "0000:02:00.1"):
        shutil.rmtree(restarted.root.prefix / f"sys/bus/pci/devices/{name}")
    assert give_away(restarted, tmp_path, shell) == set()


def test_a_function_that_does_not_say_what_it_is_is_not_reserved(tmp_path: Path) -> None:
    here = machine(tmp_path, {f"/sys/bus/pci/devices/{CARD[1]}/device": ""})
    with pytest.raises(BootError) as refused:
        plan(here.root, Wish(bind=CARD))
    assert refused.value.code == "hardware.not-a-card"


KVMFR = {"/usr/lib/modules/6.12.1/updates/dkms/kvmfr.ko.zst": ""}


@pytest.mark.parametrize(
    ("share", "after"),
    [
        (
            "shm maria",
            {
                "/etc/tmpfiles.d/neuron-looking-glass.conf": OURS
                + "f /dev/shm/looking-glass 0660 maria kvm -\n"
            },
        ),
        (
            "kvmfr 64",
            {
                "/etc/modules-load.d/neuron-kvmfr.conf": OURS + "kvmfr\n",
                "/etc/modprobe.d/neuron-kvmfr.conf": OURS + "options kvmfr static_size_mb=64\n",
                "/etc/udev/rules.d/70-neuron-kvmfr.rules": OURS
                + 'SUBSYSTEM=="kvmfr", GROUP="kvm", MODE="0660", TAG+="uaccess"\n',
            },
        ),
    ],
)
def test_looking_glass_gets_its_memory_and_gives_it_back(
    tmp_path: Path, share: str, after: dict[str, str]
) -> None:
    here = machine(tmp_path, KVMFR)
    before = tree(here)
    wish = requests.wish_of("", "", "", share)
    made = plan(here.root, wish)
    assert made.commands == (), "neither the boot loader nor the initramfs has a part in it"
    done = change.apply(here, wish, made)
    assert tree(here) == before | after
    restart(here, {})
    assert change.verify(here, done).state is State.FAILED_CHECK, "there is no memory yet"
    for name in ("/dev/shm/looking-glass", "/sys/class/kvmfr/kvmfr0/uevent"):
        here.root.path(name).parent.mkdir(parents=True, exist_ok=True)
        here.root.path(name).write_text("")
    assert change.verify(here, done).state is State.VERIFIED
    change.undo(here, done)
    assert tree(here) == before


@pytest.mark.parametrize(
    ("share", "code"),
    [
        ("shm nobody-here", "hardware.no-such-person"),
        ("shm root", "hardware.no-such-person"),
        ("shm libvirt-qemu", "hardware.no-such-person"),
        ("kvmfr 64", "hardware.kvmfr-missing"),
    ],
)
def test_memory_that_could_not_be_used_is_not_made(tmp_path: Path, share: str, code: str) -> None:
    with pytest.raises(BootError) as refused:
        plan(machine(tmp_path, {}).root, requests.wish_of("", "", "", share))
    assert refused.value.code == code


@pytest.mark.parametrize(
    "text", ["shm", "shm ../x", "shm a b", "kvmfr 65", "kvmfr 2048", "kvmfr x", "ivshmem 1", "shm Maria"]
)
def test_what_is_no_way_to_share_is_refused(text: str) -> None:
    with pytest.raises(BootError) as refused:
        sharing.parse(text)
    assert refused.value.code == "hardware.share-refused"


@settings(max_examples=60, deadline=None)
@given(
    tool=st.sampled_from(sorted(TOOLS)),
    listed=st.text(st.sampled_from("loop\nvfio_pc# \n"), max_size=40),
    bind=st.sampled_from([(), CARD, CARD[:1], ("0000:02:00.0", "0000:02:00.1")]),
    share=st.sampled_from([None, Share(Way.SHM, user="maria"), Share(Way.KVMFR, mib=128)]),
    words=st.sampled_from([(), ("intel_iommu=on",)]),
)
def test_whatever_is_wished_for_together_is_undone_to_the_byte(
    tmp_path_factory: pytest.TempPathFactory,
    tool: str, listed: str, bind: tuple[str, ...], share: Share | None, words: tuple[str, ...],
) -> None:  # fmt: skip
    files = TOOLS[tool][0] | KVMFR | {"/etc/default/grub": 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'}
    if tool == "initramfs-tools":
        files |= {"/etc/initramfs-tools/modules": listed}
    here = machine(tmp_path_factory.mktemp("x"), files)
    before = tree(here)
    wish = Wish(set=words, bind=bind, share=share)
    made = plan(here.root, wish)
    done = change.apply(here, wish, made)
    assert change.history(here)[-1].wish == wish
    assert (tree(here) != before) == bool(made.edits)
    change.undo(here, done)
    assert tree(here) == before


def test_the_helpers_walls_are_open_where_a_change_writes() -> None:
    """Inside them everything else of /etc is read-only, and a change would fail on the real machine alone."""
    unit = (ROOT / "resources/systemd/system/neuron-helper.service").read_text()
    lines = [line for line in unit.splitlines() if line.startswith("ReadWritePaths=")]
    opened = {path.removeprefix("-") for line in lines for path in line.partition("=")[2].split()}
    folders = (formats.GRUB_MORE, *formats.ENTRY_FOLDERS, *(f"{esp}/x" for esp in formats.ESPS))
    files = (
        binding.PATH, sharing.TMPFILES, formats.GRUB, formats.CMDLINE,
        formats.LIMINE_ENTRY_TOOL, *formats.LIMINE,
        *(path for path, _ in sharing.kvmfr_files(64)), *(tool.path for tool in initramfs.TOOLS),
        *(f"{folder}/x" for folder in folders),
    )  # fmt: skip
    closed = [path for path in files if not any(path.startswith(f"{top}/") for top in opened)]
    assert closed == []
    assert "\nProtectSystem=strict\n" in unit, "what “full” names itself (/boot, /efi) cannot be opened again"


def test_a_file_that_cannot_be_written_is_named_and_all_is_put_back(tmp_path: Path) -> None:
    here = machine(tmp_path, TOOLS["dracut"][0])
    (here.root.prefix / "etc/modprobe.d").write_text("in the way")
    before = tree(here)
    wish = Wish(bind=CARD, share=Share(Way.SHM, user="maria"))
    with pytest.raises(BootError) as failed:
        change.apply(here, wish, plan(here.root, wish))
    assert (failed.value.code, failed.value.params["path"]) == ("hardware.file-unwritable", binding.PATH)
    assert tree(here) == before
