"""The PCs that the grouping is held against, each named after what it shows."""

from __future__ import annotations

from tests.system.hardware.pci_lab import Topology


def _port(name: str, at: str, *options: str) -> str:
    return ",".join(
        ("pcie-root-port", f"id={name}", f"chassis={int(at.replace('.', ''), 16)}", f"addr={at}", *options)
    )


def _gpu(bus: str, *, audio: bool = True) -> tuple[str, ...]:
    if not audio:
        return (f"bochs-display,bus={bus},addr=0.0",)
    return (
        f"secondary-vga,bus={bus},addr=0.0,multifunction=on",
        f"intel-hda,bus={bus},addr=0.1",
    )


_NO_ACS = "disable-acs=on"
_MULTI = "multifunction=on"
_GOOD = (_port("p3", "3.0"), *_gpu("p3"), _port("p4", "4.0"), "e1000e,bus=p4")

_NESTED = (
    _port("p3", "3.0"),
    "x3130-upstream,id=up1,bus=p3",
    "xio3130-downstream,id=d1,bus=up1,chassis=101,addr=0.0",
    "xio3130-downstream,id=d2,bus=up1,chassis=102,addr=1.0",
    "x3130-upstream,id=up2,bus=d1",
    "xio3130-downstream,id=d3,bus=up2,chassis=103,addr=0.0",
    "xio3130-downstream,id=d4,bus=up2,chassis=104,addr=1.0",
    *_gpu("d3"),
    "nvme,bus=d4,serial=x",
    "e1000e,bus=d2",
)  # fmt: skip

GROUPED = (
    Topology("gpu-alone-behind-a-good-root-port", _GOOD),
    Topology(
        "two-root-ports-of-one-slot-without-acs",
        (
            _port("p3", "3.0", _MULTI, _NO_ACS), _port("p4", "3.1", _NO_ACS),
            *_gpu("p3"), "e1000e,bus=p4",
        ),
    ),
    Topology(
        "two-root-ports-of-one-slot-with-acs",
        (_port("p3", "3.0", _MULTI), _port("p4", "3.1"), *_gpu("p3"), "e1000e,bus=p4"),
    ),
    Topology(
        "gpu-behind-a-good-switch",
        (
            _port("p3", "3.0"),
            "x3130-upstream,id=up,bus=p3",
            "xio3130-downstream,id=d1,bus=up,chassis=101,addr=0.0",
            "xio3130-downstream,id=d2,bus=up,chassis=102,addr=1.0",
            *_gpu("d1"), "e1000e,bus=d2",
        ),
    ),
    Topology(
        "gpu-behind-a-conventional-bridge",
        (
            "pcie-pci-bridge,id=b,addr=3.0",
            "secondary-vga,bus=b,addr=1.0", "e1000,bus=b,addr=2.0",
        ),
    ),
    Topology(
        "amd-iommu-with-an-ati-gpu",
        (_port("p3", "3.0"), "ati-vga,bus=p3,addr=0.0", _port("p4", "4.0"), "e1000e,bus=p4"),
        arguments="",
        iommu="amd-iommu,intremap=on",
        cpu="EPYC",
    ),
    Topology("switches-inside-switches", _NESTED),
    Topology(
        "switch-below-a-root-port-without-acs",
        (
            _port("p3", "3.0", _NO_ACS),
            "x3130-upstream,id=up,bus=p3",
            "xio3130-downstream,id=d1,bus=up,chassis=101,addr=0.0",
            "xio3130-downstream,id=d2,bus=up,chassis=102,addr=1.0",
            *_gpu("d1"), "e1000e,bus=d2",
        ),
    ),
    Topology(
        "multifunction-endpoint-of-three-functions",
        (
            _port("p3", "3.0"),
            f"e1000e,bus=p3,addr=0.0,{_MULTI}", "bochs-display,bus=p3,addr=0.1",
            "nvme,bus=p3,addr=0.2,serial=x",
        ),
    ),
    Topology(
        "conventional-bridges-in-a-row",
        (
            _port("p3", "3.0"),
            "pcie-pci-bridge,id=b1,bus=p3", "pci-bridge,id=b2,bus=b1,chassis_nr=7,addr=1.0",
            "secondary-vga,bus=b2,addr=1.0", "e1000,bus=b1,addr=2.0",
            _port("p4", "4.0"), "e1000e,bus=p4",
        ),
    ),
    Topology(
        "two-gpus-one-of-them-shut-in",
        (
            _port("p3", "3.0"), *_gpu("p3"),
            _port("p4", "4.0", _MULTI, _NO_ACS), _port("p5", "4.1", _NO_ACS),
            *_gpu("p4"), "nvme,bus=p5,serial=x",
        ),
    ),
    Topology(
        "legacy-bridge-on-the-root-bus",
        ("i82801b11-bridge,id=b,addr=1e.0", "secondary-vga,bus=b,addr=1.0", "e1000,bus=b,addr=2.0"),
    ),
    Topology(
        "second-root-complex",
        (
            "pxb-pcie,id=x,bus_nr=64", "pcie-root-port,id=p9,bus=x,chassis=90,addr=0.0", *_gpu("p9"),
            _port("p3", "3.0"), "e1000e,bus=p3",
        ),
    ),
    Topology(
        "endpoints-of-the-root-complex",
        ("e1000e,addr=5.0", "nvme,addr=6.0,serial=x", f"bochs-display,addr=7.0,{_MULTI}", "e1000e,addr=7.1"),
    ),
    Topology(
        "old-root-port-of-intel",
        (
            "ioh3420,id=p3,chassis=3,addr=3.0", *_gpu("p3"),
            "ioh3420,id=p4,chassis=4,addr=4.0", "e1000e,bus=p4",
        ),
    ),
    Topology(
        "three-root-ports-of-one-slot-one-without-acs",
        (
            _port("p3", "3.0", _MULTI), _port("p4", "3.1", _NO_ACS), _port("p5", "3.2"),
            *_gpu("p3"), *_gpu("p4", audio=False), "e1000e,bus=p5",
        ),
    ),
    Topology(
        "amd-iommu-and-two-root-ports-without-acs",
        (
            _port("p3", "3.0", _MULTI, _NO_ACS), _port("p4", "3.1", _NO_ACS),
            "ati-vga,bus=p3,addr=0.0", "e1000e,bus=p4",
        ),
        arguments="",
        iommu="amd-iommu,intremap=on",
        cpu="EPYC",
    ),
)  # fmt: skip
"""Machines whose IOMMU is on: the predicted groups must be the kernel's."""

STATES = (
    Topology("no-iommu", _GOOD, iommu=None),
    Topology("intel-switched-off-by-argument", _GOOD, arguments="intel_iommu=off"),
    Topology("intel-without-argument", _GOOD, arguments=""),
    Topology("intel-passthrough-mode", _GOOD, arguments="intel_iommu=on iommu=pt"),
    Topology("intel-without-interrupt-remapping", _GOOD, iommu="intel-iommu,intremap=off"),
    Topology(
        "amd-switched-off-by-argument",
        _GOOD,
        arguments="amd_iommu=off",
        iommu="amd-iommu,intremap=on",
        cpu="EPYC",
    ),
    Topology(
        "acs-off-until-the-iommu-is-on",
        (_port("p3", "3.0", _MULTI), _port("p4", "3.1"), *_gpu("p3"), "e1000e,bus=p4"),
        arguments="intel_iommu=off",
    ),
    Topology("firmware-without-the-iommu", _GOOD, arguments="", iommu=None, cpu="EPYC,hypervisor=off"),
    Topology(
        "firmware-without-virtualization", _GOOD, arguments="", iommu=None, cpu="EPYC,hypervisor=off,svm=off"
    ),
    Topology(
        "amd-and-a-kernel-without-its-driver",
        _GOOD,
        arguments="",
        iommu="amd-iommu,intremap=on",
        cpu="EPYC",
        kernel="cloud-amd64",
    ),
    Topology("intel-with-a-table-of-nonsense", _GOOD, iommu=None, table=bytes(12)),
    Topology("processor-of-another-maker", _GOOD, iommu=None, cpu="qemu64,vendor=CentaurHauls"),
)
"""Machines that differ in what the IOMMU does."""

ORDINARY = Topology(
    "shared-as-an-ordinary-user-sees-it",
    GROUPED[1].devices,
    arguments="intel_iommu=on neuron.ordinary",
)
"""The second machine of :data:`GROUPED`, read without root."""

ALL = (*GROUPED, *STATES, ORDINARY)
