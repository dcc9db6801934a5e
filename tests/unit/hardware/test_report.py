"""What is said: the JSON contract, the verdict, and words for a person."""

from __future__ import annotations

import json
import re
import string

import pytest

from libneuron.hardware import report
from libneuron.hardware.finding_texts import FINDINGS
from libneuron.hardware.findings import Answer
from tests.unit.hardware.pc import ALL_ACS, RECORDED, REQUIRED, Pc, config, recorded


def good_pc() -> Pc:
    """Two cards, each alone; the second shows the desktop."""
    pc = Pc().desktop(arguments="intel_iommu=on")
    pc.text("/boot/config-6.12.0-arch1-1", "CONFIG_INTEL_IOMMU=y\nCONFIG_VFIO_PCI=m\n")
    pc.port("0000:00:01.0", acs=(ALL_ACS, REQUIRED))
    pc.gpu("0000:01:00.0", below="0000:00:01.0", reset_method="flr bus", multifunction=True)
    pc.add("0000:01:00.1", config(0x10DE, 0x1AEF, 0x040300), below="0000:00:01.0")
    pc.gpu("0000:00:02.0", vendor=0x8086, device=0x3E92, reset_method="flr", boot_vga="1")
    return pc.group(0, "0000:01:00.0", "0000:01:00.1").group(1, "0000:00:02.0").group(2, "0000:00:01.0")


@pytest.mark.parametrize("name", RECORDED)
def test_scan_holds_what_was_promised(name: str) -> None:
    data = json.loads(json.dumps(report.as_json(report.judge(recorded(name)))))
    assert isinstance(data["iommu"]["state"], str)
    for group in data["groups"]:
        assert isinstance(group["id"], int)
        assert all(isinstance(address, str) for address in group["devices"])
        assert group["isolated"] in (True, False, None)
        assert group["culprit"] is None or re.fullmatch(r"[0-9a-f]{4,}:..:..\..", group["culprit"])
    for gpu in data["gpus"]:
        assert {"address", "name", "slot_isolated", "needs_acs_override", "reset"} <= gpu.keys()
        assert {"verdict", "workaround", "source"} <= gpu["reset"].keys()
    for finding in data["findings"]:
        for key in ("code", "severity", "title", "why", "fix", "source"):
            assert isinstance(finding[key], str)


def test_a_good_pc_can() -> None:
    judged = report.judge(good_pc().machine())
    assert judged.verdict.answer is Answer.CAN
    assert [str(gpu.device.address) for gpu in judged.gpus] == ["0000:01:00.0", "0000:00:02.0"]
    assert report.verdict_text(judged.verdict) == "This PC can give 10de:2204 to a Windows VM."


def test_changes_are_counted() -> None:
    pc = good_pc().text("/proc/interrupts", " 24: 0 PCI-MSI 0-edge")
    judged = report.judge(pc.machine())
    assert (judged.verdict.answer, judged.verdict.changes) == (Answer.AFTER_CHANGES, 1)
    assert "after 1 change." in report.verdict_text(judged.verdict)


def test_the_card_that_shows_the_desktop_is_not_the_first_choice() -> None:
    pc = good_pc().port("0000:00:03.0", acs=(ALL_ACS, REQUIRED)).group(4, "0000:00:03.0")
    pc.gpu("0000:00:02.0", vendor=0x8086, device=0x3E92, reset_method="flr", boot_vga="0")
    for address, below, boot in (
        ("0000:01:00.0", "0000:00:01.0", "1"),
        ("0000:03:00.0", "0000:00:03.0", "0"),
    ):
        pc.gpu(address, below=below, device=0x1E87, reset_method="flr", boot_vga=boot, multifunction=True)
    judged = report.judge(pc.group(5, "0000:03:00.0").machine())
    assert [str(gpu.device.address) for gpu in judged.gpus] == [
        "0000:03:00.0",
        "0000:01:00.0",
        "0000:00:02.0",
    ]


def test_a_pc_without_a_card_cannot() -> None:
    pc = Pc().desktop().add("0000:00:1f.0", config()).group(0, "0000:00:1f.0")
    assert report.judge(pc.machine()).verdict.answer is Answer.CANNOT


def test_what_is_not_known_is_not_promised() -> None:
    pc = good_pc()
    for address in ("0000:01:00.0", "0000:01:00.1"):
        del pc.links[f"/sys/bus/pci/devices/{address}/iommu_group"]
    judged = report.judge(pc.machine())
    shown = {str(gpu.device.address): gpu.slot.isolated for gpu in judged.gpus}
    assert shown["0000:01:00.0"] is None


def test_companions_go_with_the_card() -> None:
    gpu = report.judge(good_pc().machine()).gpus[0]
    assert [(str(address), kind.value) for address, kind in gpu.companions] == [("0000:01:00.1", "audio")]


def test_the_boot_screen_that_holds_the_card_is_named() -> None:
    pc = good_pc().text("/proc/iomem", "e0000000-efffffff : PCI\n  e0000000-e02fffff : BOOTFB\n")
    pc.text(
        "/sys/bus/pci/devices/0000:01:00.0/resource",
        "0x00000000e0000000 0x00000000efffffff 0x0000000000140204\n",
    )
    judged = report.judge(pc.machine())
    assert judged.gpus[0].framebuffer == "BOOTFB"
    assert "gpu-framebuffer" in {finding.code for finding in judged.findings}


def test_addresses_hidden_from_an_ordinary_user_leave_the_boot_screen_unknown() -> None:
    pc = good_pc().text("/proc/iomem", "00000000-00000000 : PCI\n  00000000-00000000 : BOOTFB\n")
    assert report.judge(pc.machine()).gpus[0].framebuffer is None


def test_twins_are_reserved_by_address() -> None:
    pc = good_pc().gpu("0000:03:00.0", reset_method="flr").group(3, "0000:03:00.0")
    finding = next(one for one in report.judge(pc.machine()).findings if one.code == "gpu-twins")
    assert "address 0000:01:00.0" in finding.fix()[0]


def test_looking_glass_memory_follows_the_monitor() -> None:
    pc = good_pc()
    pc.names["/sys/class/drm"] = ("card0", "card0-DP-1")
    pc.links["/sys/class/drm/card0/device"] = "../../../0000:00:02.0"
    pc.text("/sys/class/drm/card0-DP-1/status", "connected\n")
    pc.text("/sys/class/drm/card0-DP-1/modes", "2560x1440\n1920x1080\n")
    screens = report.judge(pc.machine()).screens
    assert [(screen.connector, screen.width, screen.sdr, screen.hdr) for screen in screens] == [
        ("DP-1", 2560, 64, 128)
    ]


@pytest.mark.parametrize(
    ("width", "height", "sdr", "hdr"), [(1920, 1080, 32, 64), (2560, 1440, 64, 128), (3840, 2160, 128, 256)]
)
def test_looking_glass_sizes_of_its_documentation(width: int, height: int, sdr: int, hdr: int) -> None:
    from libneuron.hardware.looking_glass import memory

    assert (memory(width, height), memory(width, height, hdr=True)) == (sdr, hdr)


@pytest.mark.parametrize("code", FINDINGS)
def test_texts_ask_only_for_words_that_findings_bring(code: str) -> None:
    known = {
        "argument", "release", "gpu", "foreign", "culprit", "missing", "override", "carries", "mask",
        "family", "address", "other", "owner", "twins", "memory", "threads",
    }  # fmt: skip
    text = FINDINGS[code]
    for _, source in (text.title, text.why, text.fix, text.undo):
        assert {name for _, name, _, _ in string.Formatter().parse(source) if name} <= known
    assert text.title[1].endswith(".")
    assert text.why[1]


def test_a_face_can_translate_everything_it_shows() -> None:
    judged = report.judge(recorded("qemu-switches-inside-switches"))
    text = report.as_text(judged, lambda _context, source: f"⟦{source}⟧")
    for line in text.splitlines():
        shown = line.strip()
        assert not shown or "⟦" in shown or re.fullmatch(r".*\[0000:[0-9a-f:.]+\]", shown)
