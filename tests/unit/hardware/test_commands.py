"""The command line: every verb, on a recorded machine and on this one, as text and as JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from neuron_hardware_advisor.__main__ import main
from tests.unit.hardware.pc import FIXTURES

SHARED = str(FIXTURES / "qemu-two-gpus-one-of-them-shut-in.bundle")


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    status = main(argv)
    return status, capsys.readouterr().out


def test_scan_of_this_machine_completes(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = run(capsys, "scan", "--json")
    assert status == 0
    assert {"iommu", "groups", "gpus", "findings"} <= json.loads(out).keys()


def test_scan_of_a_bundle_begins_with_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = run(capsys, "scan", "--bundle", SHARED)
    assert status == 0
    assert out.startswith("This PC can give ")


def test_groups_name_the_culprit(capsys: pytest.CaptureFixture[str]) -> None:
    _, out = run(capsys, "groups", "--bundle", SHARED)
    assert "shared, because of 0000:00:04.0" in out
    _, out = run(capsys, "groups", "--bundle", SHARED, "--json")
    assert [group["culprit"] for group in json.loads(out)["groups"] if group["isolated"] is False] == [
        "0000:00:04.0"
    ]


def test_explain_walks_from_the_card_to_the_root(capsys: pytest.CaptureFixture[str]) -> None:
    _, out = run(capsys, "explain", "02:00.0", "--bundle", SHARED, "--json")
    data = json.loads(out)
    assert [hop["address"] for hop in data["path"]] == ["0000:02:00.0", "0000:00:04.0"]
    assert data["path"][1]["keeps_apart"] is False
    assert "Source Validation" in data["path"][1]["missing"]


def test_explain_of_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["explain", "ff:00.0", "--bundle", SHARED])
    assert status == 2
    assert "There is no PCI device “ff:00.0”" in capsys.readouterr().err


def test_a_bundle_saved_can_be_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "mine.bundle")
    assert run(capsys, "bundle", "save", path)[0] == 0
    status, out = run(capsys, "bundle", "open", path, "--json")
    assert status == 0
    assert json.loads(out)["verdict"]["answer"]


def test_a_folder_without_a_machine_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = run(capsys, "scan", "--root", str(tmp_path), "--json")
    assert status == 2
    assert json.loads(out)["error"]["code"] == "hardware.no-machine"


def test_a_recorded_tree_is_read_below_its_prefix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    device = tmp_path / "sys/devices/pci0000:00/0000:00:02.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text("0x8086\n")
    (device / "device").write_text("0x3e92\n")
    (device / "class").write_text("0x030000\n")
    listed = tmp_path / "sys/bus/pci/devices"
    listed.mkdir(parents=True)
    (listed / "0000:00:02.0").symlink_to("../../../devices/pci0000:00/0000:00:02.0")
    _, out = run(capsys, "scan", "--root", str(tmp_path), "--json")
    assert [gpu["id"] for gpu in json.loads(out)["gpus"]] == ["8086:3e92"]


def tree(top: Path, name: str) -> str:
    """A golden boot tree with a PC whose kernel waits to be asked for the IOMMU."""
    shutil.copytree(FIXTURES.parent / "boot" / name / "before", top, dirs_exist_ok=True)
    for path, text in {
        "proc/cpuinfo": "vendor_id: GenuineIntel\nflags: vmx\n",
        "proc/sys/kernel/osrelease": "6.12.1",
        "boot/config-6.12.1": "CONFIG_INTEL_IOMMU=y\nCONFIG_VFIO_PCI=m\n",
        "sys/firmware/acpi/tables/DMAR": "",
    }.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    (top / "sys/bus/pci/devices").mkdir(parents=True)
    return str(top)


def test_plan_shows_what_would_help_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    top = tree(tmp_path, "debian-grub")
    before = (tmp_path / "etc/default/grub").read_bytes()
    _, out = run(capsys, "plan", "--root", top)
    assert '+GRUB_CMDLINE_LINUX_DEFAULT="quiet intel_iommu=on"' in out
    assert "update-grub" in out
    assert (tmp_path / "etc/default/grub").read_bytes() == before


def test_plan_of_what_was_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    top = tree(tmp_path, "arch-limine")
    _, out = run(capsys, "plan", "--root", top, "--add", "iommu=pt", "--remove", "quiet", "--json")
    data = json.loads(out)
    assert (data["add"], data["remove"]) == (["iommu=pt"], ["quiet"])
    assert [edit["path"] for edit in data["edits"]] == ["/boot/limine.conf"]


def test_plan_without_a_need_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    _, out = run(capsys, "plan", "--bundle", SHARED)
    assert out == "No start option needs to be changed.\n"
