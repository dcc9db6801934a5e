"""Golden machines: what each boot loader and initramfs tool is told, to the byte; and undo gives all back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libneuron.errors import Exit
from libneuron.hardware.boot import initramfs
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.edits import BootPlan, FileEdit
from libneuron.hardware.boot.errors import BootError
from libneuron.hardware.boot.plan import plan
from libneuron.system.files import Root

WISH = Wish(set=("intel_iommu=on", "iommu=pt"))
VFIO = initramfs.modules((6, 8))


@dataclass(frozen=True)
class Golden:
    """A machine's files, and what must be in them afterwards."""

    files: Mapping[str, str]
    after: Mapping[str, str]
    loader: str
    commands: tuple[tuple[str, ...], ...]


GRUB = 'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT="quiet splash"\nGRUB_CMDLINE_LINUX=""\n'
GRUB_AFTER = GRUB.replace("quiet splash", "quiet splash intel_iommu=on iommu=pt")
ENTRY = "title Arch\nlinux /vmlinuz\noptions root=UUID=1 rw\n"
OURS = "# Written by Neuron Hardware Advisor; its undo removes it.\n"

MACHINES: dict[str, Golden] = {
    "debian, GRUB, initramfs-tools": Golden(
        {
            "/etc/default/grub": GRUB,
            "/usr/sbin/update-grub": "",
            "/etc/initramfs-tools/initramfs.conf": "",
            "/etc/initramfs-tools/modules": "# modules\nloop",
        },
        {
            "/etc/default/grub": GRUB_AFTER,
            "/etc/initramfs-tools/modules": "# modules\nloop\nvfio_pci\nvfio\nvfio_iommu_type1\n",
        },
        "grub",
        (("update-initramfs", "-u", "-k", "all"), ("update-grub",)),
    ),
    "arch, GRUB, mkinitcpio": Golden(
        {
            "/etc/default/grub": GRUB.replace('"quiet splash"', "'quiet splash'"),
            "/boot/grub/grub.cfg": "",
            "/usr/bin/grub-mkconfig": "",
            "/etc/mkinitcpio.conf": "MODULES=()\n",
        },
        {
            "/etc/default/grub": GRUB_AFTER.replace(
                '"quiet splash intel_iommu=on iommu=pt"', "'quiet splash intel_iommu=on iommu=pt'"
            ),
            "/etc/mkinitcpio.conf.d/neuron-vfio.conf": OURS
            + 'MODULES=(vfio_pci vfio vfio_iommu_type1 "${MODULES[@]}")\n',
        },
        "grub",
        (("mkinitcpio", "-P"), ("grub-mkconfig", "-o", "/boot/grub/grub.cfg")),
    ),
    "opensuse, GRUB 2, dracut": Golden(
        {
            "/etc/default/grub": GRUB,
            "/boot/grub2/grub.cfg": "",
            "/usr/sbin/grub2-mkconfig": "",
            "/usr/bin/dracut": "",
        },
        {
            "/etc/default/grub": GRUB_AFTER,
            "/etc/dracut.conf.d/neuron-vfio.conf": OURS
            + 'force_drivers+=" vfio_pci vfio vfio_iommu_type1 "\n',
        },
        "grub",
        (("dracut", "--regenerate-all", "--force"), ("grub2-mkconfig", "-o", "/boot/grub2/grub.cfg")),
    ),
    "fedora, GRUB with entry files, dracut": Golden(
        {
            "/etc/default/grub": GRUB,
            "/usr/sbin/grubby": "",
            "/boot/loader/entries/abc-6.8.conf": ENTRY,
            "/boot/loader/entries/abc-0-rescue.conf": ENTRY,
            "/etc/kernel/cmdline": "root=UUID=1 ro\n",
            "/usr/bin/dracut": "",
        },
        {
            "/etc/default/grub": GRUB_AFTER,
            "/boot/loader/entries/abc-6.8.conf": ENTRY.replace(" rw", " rw intel_iommu=on iommu=pt"),
            "/boot/loader/entries/abc-0-rescue.conf": ENTRY.replace(" rw", " rw intel_iommu=on iommu=pt"),
            "/etc/kernel/cmdline": "root=UUID=1 ro intel_iommu=on iommu=pt\n",
            "/etc/dracut.conf.d/neuron-vfio.conf": OURS
            + 'force_drivers+=" vfio_pci vfio vfio_iommu_type1 "\n',
        },
        "grub-bls",
        (("dracut", "--regenerate-all", "--force"),),
    ),
    "arch, systemd-boot, mkinitcpio": Golden(
        {
            "/boot/EFI/systemd/systemd-bootx64.efi": "",
            "/boot/loader/loader.conf": "default arch.conf\n",
            "/boot/loader/entries/arch.conf": "title Arch\nlinux /vmlinuz\n"
            "options root=UUID=1\noptions  quiet iommu=off\n",
            "/etc/mkinitcpio.conf": "",
        },
        {
            "/boot/loader/entries/arch.conf": "title Arch\nlinux /vmlinuz\n"
            "options root=UUID=1\noptions  quiet iommu=pt intel_iommu=on\n",
            "/etc/mkinitcpio.conf.d/neuron-vfio.conf": OURS
            + 'MODULES=(vfio_pci vfio vfio_iommu_type1 "${MODULES[@]}")\n',
        },
        "systemd-boot",
        (("mkinitcpio", "-P"),),
    ),
    "arch, unified kernel image, mkinitcpio": Golden(
        {
            "/efi/EFI/Linux/arch-linux.efi": "",
            "/etc/kernel/cmdline": "# the root\nroot=UUID=1\nquiet\n",
            "/etc/mkinitcpio.conf": "",
            "/usr/bin/mkinitcpio": "",
        },
        {
            "/etc/kernel/cmdline": "# the root\nroot=UUID=1\nquiet intel_iommu=on iommu=pt\n",
            "/etc/mkinitcpio.conf.d/neuron-vfio.conf": OURS
            + 'MODULES=(vfio_pci vfio vfio_iommu_type1 "${MODULES[@]}")\n',
        },
        "unified-image",
        (("mkinitcpio", "-P"),),
    ),
    "limine, entries": Golden(
        {
            "/boot/limine.conf": "timeout: 3\n/Neuron\n    protocol: linux\n    cmdline: root=UUID=1 quiet\n",
            "/etc/mkinitcpio.conf": "",
        },
        {
            "/boot/limine.conf": "timeout: 3\n/Neuron\n    protocol: linux\n"
            "    cmdline: root=UUID=1 quiet intel_iommu=on iommu=pt\n",
            "/etc/mkinitcpio.conf.d/neuron-vfio.conf": OURS
            + 'MODULES=(vfio_pci vfio vfio_iommu_type1 "${MODULES[@]}")\n',
        },
        "limine",
        (("mkinitcpio", "-P"),),
    ),
    "limine, entry tool": Golden(
        {
            "/boot/limine.conf": "timeout: 3\n",
            "/etc/default/limine": 'KERNEL_CMDLINE[default]="root=UUID=1"\n',
            "/usr/bin/limine-update": "",
            "/etc/mkinitcpio.conf": "",
        },
        {
            "/etc/default/limine": 'KERNEL_CMDLINE[default]="root=UUID=1 intel_iommu=on iommu=pt"\n',
            "/etc/mkinitcpio.conf.d/neuron-vfio.conf": OURS
            + 'MODULES=(vfio_pci vfio vfio_iommu_type1 "${MODULES[@]}")\n',
        },
        "limine",
        (("mkinitcpio", "-P"), ("limine-update",)),
    ),
}


def _machine(top: Path, files: Mapping[str, str]) -> Root:
    for name, text in files.items():
        path = top / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Root(top)


def _apply(top: Path, made: BootPlan) -> None:
    for edit in made.edits:
        path = top / edit.path.lstrip("/")
        assert (path.read_bytes() if path.exists() else None) == edit.before
        if edit.after is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(edit.after)


def _tree(top: Path) -> dict[str, bytes]:
    return {f"/{path.relative_to(top)}": path.read_bytes() for path in top.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", MACHINES)
def test_each_loader_and_tool_is_told_exactly_this(tmp_path: Path, name: str) -> None:
    golden = MACHINES[name]
    root = _machine(tmp_path, golden.files)
    before = _tree(tmp_path)
    made = plan(root, WISH, modules=VFIO)
    assert (made.loader, made.commands) == (golden.loader, golden.commands)
    _apply(tmp_path, made)
    assert _tree(tmp_path) == before | {path: text.encode() for path, text in golden.after.items()}
    assert plan(root, WISH, modules=VFIO).edits == (), "a second time there is nothing left to do"
    _apply(tmp_path, made.undo)
    assert _tree(tmp_path) == before


@pytest.mark.parametrize("name", MACHINES)
def test_the_diff_shows_what_is_added(tmp_path: Path, name: str) -> None:
    made = plan(_machine(tmp_path, MACHINES[name].files), WISH)
    assert any(line.startswith("+") and "iommu=pt" in line for line in made.diff().splitlines())


@pytest.mark.parametrize("value", ['"$(cat x)"', '"a" "b"', "`x`", '"${BASE} quiet"'])
def test_a_value_that_the_shell_computes_is_left_to_the_person(tmp_path: Path, value: str) -> None:
    root = _machine(tmp_path, {"/etc/default/grub": f"GRUB_CMDLINE_LINUX_DEFAULT={value}\n"})
    with pytest.raises(BootError) as refused:
        plan(root, WISH)
    assert refused.value.code == "hardware.loader-by-hand"
    assert "intel_iommu=on iommu=pt" in refused.value.hint()


def test_an_unknown_loader_says_what_to_add_by_hand(tmp_path: Path) -> None:
    with pytest.raises(BootError) as refused:
        plan(_machine(tmp_path, {"/etc/hostname": "x"}), WISH)
    assert refused.value.exit is Exit.CANNOT
    assert "intel_iommu=on iommu=pt" in refused.value.hint()


def test_files_beside_are_part_of_the_plan_and_rebuild_the_initramfs(tmp_path: Path) -> None:
    root = _machine(tmp_path, MACHINES["debian, GRUB, initramfs-tools"].files)
    beside = FileEdit("/etc/modprobe.d/neuron-vfio.conf", None, b"softdep nvidia pre: vfio-pci\n")
    made = plan(root, Wish(), files=[beside])
    assert made.edits == (beside,)
    assert made.commands == (("update-initramfs", "-u", "-k", "all"),)


def test_virqfd_is_a_module_only_before_linux_6_2() -> None:
    assert "vfio_virqfd" in initramfs.modules((6, 1))
    assert "vfio_virqfd" not in initramfs.modules((6, 2))
    assert "vfio_virqfd" not in initramfs.modules(None)


LINES = st.text(st.sampled_from("GRUB_CMDLINE_LINUX_DEFAULT=\"'# \n$\\quiet x=1"), max_size=120)


@given(LINES)
def test_any_grub_file_is_undone_to_the_byte_or_refused(text: str) -> None:
    edit = FileEdit("/etc/default/grub", text.encode(), None)
    root = _InMemory({edit.path: text.encode()})
    try:
        made = plan(root, WISH)
    except BootError:
        return
    files = {edit.path: text.encode()}
    for done in (made, made.undo):
        for step in done.edits:
            assert files[step.path] == step.before
            assert step.after is not None
            files[step.path] = step.after
    assert files == {edit.path: text.encode()}


class _InMemory(Root):
    """A machine of a few files, without a disk: hypothesis asks often."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(Path("/nonexistent"))
        self._files = files

    def bytes(self, absolute: str, *, limit: int = 1 << 20) -> bytes | None:
        return self._files.get(absolute, b"")[:limit] if absolute in self._files else None

    def exists(self, absolute: str) -> bool:
        return absolute in self._files

    def names(self, absolute: str) -> tuple[str, ...]:
        return ()
