"""From a judged machine to what a person should know and do: findings, and the verdict in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from libneuron.errors import Translate, english
from libneuron.hardware import kernels, steps
from libneuron.hardware.acs import Override
from libneuron.hardware.config_space import AcsBits
from libneuron.hardware.finding_texts import FINDINGS
from libneuron.hardware.gpus import Gpu, is_usable
from libneuron.hardware.iommu import IommuVerdict, State
from libneuron.hardware.isolation import CONFIG_ACS_SINCE, Cause
from libneuron.hardware.machine import Address, Machine
from libneuron.hardware.reset import Confidence, Reset
from libneuron.hardware.steps import Step
from libneuron.hardware.texts import CARRIES, Marked

_COMFORTABLE_MEMORY = 15 << 30  # bytes; 16 GiB less what firmware and graphics keep
_COMFORTABLE_THREADS = 6


class Severity(StrEnum):
    """How much a finding stands in the way."""

    BLOCKER = "blocker"
    CHANGE = "change"
    UNKNOWN = "unknown"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing to know. ``steps`` replace or follow the text's own fix; ``devices`` are what it is about."""

    code: str
    severity: Severity
    source: str
    confidence: Confidence = Confidence.CERTAIN
    params: tuple[tuple[str, str], ...] = ()
    marked: tuple[tuple[str, Marked], ...] = ()
    steps: tuple[Step, ...] = ()
    devices: tuple[Address, ...] = ()

    def _say(self, marked: Marked, translate: Translate) -> str:
        if not marked[1]:
            return ""
        words = dict(self.params) | {name: translate(*text) for name, text in self.marked}
        return translate(*marked).format_map(words)

    def title(self, translate: Translate = english) -> str:
        """What it is, one sentence."""
        return self._say(FINDINGS[self.code].title, translate)

    def why(self, translate: Translate = english) -> str:
        """Why it matters."""
        return self._say(FINDINGS[self.code].why, translate)

    def fix(self, translate: Translate = english) -> tuple[str, ...]:
        """What to do, step by step."""
        own = self._say(FINDINGS[self.code].fix, translate)
        said = [step.say(translate) for step in self.steps]
        return tuple([*said, own] if own else said)

    def undo(self, translate: Translate = english) -> str:
        """How to take the fix back, or nothing."""
        return self._say(FINDINGS[self.code].undo, translate)


class Answer(StrEnum):
    """Can this PC give a GPU to a VM?"""

    CAN = "can"
    AFTER_CHANGES = "can-after-changes"
    CANNOT = "cannot"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Verdict:
    """The answer, for which GPU, after how many changes, and the finding that decided it."""

    answer: Answer
    gpu: Gpu | None
    changes: int
    because: Finding | None = field(default=None)


def bits_text(bits: AcsBits) -> str:
    """ACS bits by their names in the standard: "Source Validation, Request Redirect"."""
    return ", ".join((bit.name or "").replace("_", " ").title() for bit in AcsBits if bit & bits)


def config_acs_mask(bits: AcsBits) -> str:
    """The mask of ``pci=config_acs=``, the highest of the seven bits first; x leaves a bit as it is."""
    return "".join("1" if bits & 1 << index else "x" for index in range(6, -1, -1)).lstrip("x")


def find(machine: Machine, iommu: IommuVerdict, gpus: tuple[Gpu, ...]) -> tuple[Finding, ...]:
    """All findings, the gravest first."""
    found = [
        *_about_iommu(machine, iommu),
        *_about_count(machine, gpus),
        *(finding for gpu in gpus for finding in _about_gpu(machine, gpu, gpus)),
        *_about_machine(machine),
    ]
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def _about_iommu(machine: Machine, iommu: IommuVerdict) -> Iterator[Finding]:
    firmware = (steps.open_firmware(machine.firmware),)
    change, blocker = Severity.CHANGE, Severity.BLOCKER
    if iommu.virtualization is False and iommu.state is not State.VIRTUAL_MACHINE:
        yield Finding("virtualization-off", change, "/proc/cpuinfo", steps=firmware)
    named = (("argument", iommu.argument or "intel_iommu=on"), ("release", machine.kernel.release))
    boot = machine.boot
    match iommu.state:
        case State.FIRMWARE_OFF | State.VIRTUALIZATION_OFF:
            yield Finding("iommu-firmware-off", change, "/sys/firmware/acpi/tables", steps=firmware)
        case State.OFF_BY_ARGUMENT:
            remove = steps.change_argument(boot, iommu.argument or "", add=False)
            yield Finding("iommu-off-by-argument", change, "/proc/cmdline", params=named, steps=remove)
        case State.NEEDS_ARGUMENT:
            add = steps.change_argument(boot, "intel_iommu=on", add=True)
            sure = Confidence.ASSUMED if machine.kernel.options is None else Confidence.CERTAIN
            yield Finding("iommu-needs-argument", change, "kernel configuration", sure, named, steps=add)
        case State.NOT_BUILT:
            yield Finding("iommu-not-built", change, "kernel configuration", params=named)
        case State.FAILED:
            yield Finding("iommu-failed", change, "/sys/kernel/iommu_groups")
        case State.VIRTUAL_MACHINE:
            yield Finding("in-virtual-machine", blocker, "/proc/cpuinfo")
        case State.ON_WITHOUT_REMAPPING:
            yield Finding("no-interrupt-remapping", change, "/proc/interrupts", steps=firmware)
        case State.UNKNOWN:
            yield Finding("iommu-unknown", Severity.UNKNOWN, "/sys/firmware/acpi/tables")
        case State.ON | State.PASSTHROUGH:
            pass


def _about_count(machine: Machine, gpus: tuple[Gpu, ...]) -> Iterator[Finding]:
    if not gpus:
        yield Finding("no-gpu", Severity.BLOCKER, "/sys/bus/pci/devices")
    elif len(gpus) == 1:
        device = gpus[0].device
        named = (("gpu", gpus[0].label),)
        yield Finding(
            "single-gpu", Severity.CHANGE, "/sys/bus/pci/devices", params=named, devices=(device.address,)
        )
    elif machine.firmware.laptop and machine.firmware.mux:
        yield Finding("laptop-mux", Severity.WARNING, "/sys/devices/platform")


def _named(machine: Machine, addresses: tuple[Address, ...]) -> str:
    """Devices by name, each once, at most four."""
    names = list(dict.fromkeys(machine.by_address[address].name for address in addresses))
    return ", ".join(names[:4]) + (f" (+{len(names) - 4})" if len(names) > 4 else "")


def _about_gpu(machine: Machine, gpu: Gpu, gpus: tuple[Gpu, ...]) -> Iterator[Finding]:
    chosen = gpu is gpus[0]
    yield from _about_isolation(machine, gpu, chosen=chosen)
    yield from _about_reset(gpu)
    device = gpu.device
    named = (("gpu", gpu.label), ("address", str(device.address)))
    if not chosen:
        return
    if gpu.shows_host and len(gpus) > 1:
        words = (*named, ("other", gpus[1].label))
        yield Finding(
            "gpu-shows-host", Severity.WARNING, "/sys/class/drm", params=words, devices=(device.address,)
        )
    if gpu.framebuffer:
        words = (*named, ("owner", gpu.framebuffer))
        yield Finding(
            "gpu-framebuffer", Severity.WARNING, "/proc/iomem", params=words, devices=(device.address,)
        )
    if gpu.twins:
        words = (*named, ("twins", _addresses(gpu.twins)))
        yield Finding(
            "gpu-twins",
            Severity.WARNING,
            "/sys/bus/pci/devices",
            params=words,
            devices=(device.address, *gpu.twins),
        )


def _addresses(addresses: tuple[Address, ...]) -> str:
    return ", ".join(map(str, addresses))


def _about_isolation(machine: Machine, gpu: Gpu, *, chosen: bool) -> Iterator[Finding]:
    """A GPU that nobody proposes to give away is worth a warning, not a change."""
    device, slot = gpu.device, gpu.slot
    words = [("gpu", gpu.label), ("foreign", _named(machine, slot.foreign))]
    groups = "/sys/kernel/iommu_groups"
    grave = Severity.CHANGE if chosen else Severity.WARNING
    about = (device.address,)
    if gpu.direct_regions:
        severity = Severity.BLOCKER if chosen else Severity.WARNING
        yield Finding(
            "gpu-direct-region", severity, f"{groups}, reserved_regions", params=(words[0],), devices=about
        )
    if gpu.alone is None:
        severity = Severity.UNKNOWN if chosen else Severity.WARNING
        yield Finding("gpu-isolation-unknown", severity, groups, params=(words[0],), devices=about)
    elif gpu.alone is True:
        if slot.by_override:
            yield Finding(
                "gpu-alone-by-override", Severity.WARNING, "/proc/cmdline", params=(words[0],), devices=about
            )
    elif slot.culprit is None:
        more = () if machine.privileged else (steps.AS_ADMINISTRATOR,)
        yield Finding("gpu-shared", grave, groups, params=tuple(words), steps=more, devices=about)
    else:
        culprit = slot.culprit
        words += [("culprit", str(culprit.address)), ("missing", bits_text(culprit.missing))]
        source = f"{groups}; the ACS capability of {culprit.address}"
        if slot.config_acs and machine.kernel.version >= CONFIG_ACS_SINCE:
            words.append(("mask", config_acs_mask(culprit.missing)))
            yield Finding("gpu-shared-config-acs", grave, source, params=tuple(words), devices=about)
        elif slot.needs_override:
            override = next(verdict.override for verdict in slot.overrides if verdict.isolates)
            words.append(("override", ",".join(one for one in Override if one in override)))
            carries = (("carries", CARRIES[kernels.carries_override(machine.kernel)]),)
            yield Finding(
                "gpu-shared-override", grave, source, Confidence.ASSUMED, tuple(words), carries, devices=about
            )
        else:
            severity = Severity.BLOCKER if chosen and culprit.cause is Cause.ALIAS else grave
            yield Finding("gpu-shared", severity, source, params=tuple(words), devices=about)


_RESET_CODES = {
    Reset.NONE: "gpu-no-reset",
    Reset.HELPED: "gpu-reset-vendor-reset",
    Reset.STUCK: "gpu-reset-stuck",
    Reset.DOUBTFUL: "gpu-reset-doubtful",
}


def _about_reset(gpu: Gpu) -> Iterator[Finding]:
    code = _RESET_CODES.get(gpu.reset.verdict)
    if code is None:
        return
    device = gpu.device
    words = (
        ("gpu", gpu.label),
        ("address", str(device.address)),
        ("family", gpu.reset.family or device.name),
    )
    yield Finding(
        code, Severity.WARNING, gpu.reset.source, gpu.reset.confidence, words, devices=(device.address,)
    )


def _about_machine(machine: Machine) -> Iterator[Finding]:
    options = machine.kernel.options
    if options is not None and machine.kernel.vfio is None and options.get("VFIO_PCI", "n") == "n":
        yield Finding("vfio-missing", Severity.CHANGE, "kernel configuration")
    if machine.memory is not None and machine.memory < _COMFORTABLE_MEMORY:
        amount = (("memory", f"{machine.memory / (1 << 30):.1f} GiB"),)
        yield Finding("memory-small", Severity.WARNING, "/proc/meminfo", params=amount)
    if 0 < machine.cpu.threads < _COMFORTABLE_THREADS:
        count = (("threads", str(machine.cpu.threads)),)
        yield Finding("processor-small", Severity.WARNING, "/proc/cpuinfo", params=count)


def conclude(findings: tuple[Finding, ...], gpus: tuple[Gpu, ...]) -> Verdict:
    """The answer that the findings add up to."""
    by = {
        severity: [finding for finding in findings if finding.severity is severity] for severity in Severity
    }
    best = gpus[0] if gpus else None
    if by[Severity.BLOCKER]:
        return Verdict(Answer.CANNOT, best, 0, by[Severity.BLOCKER][0])
    changes = by[Severity.CHANGE]
    if by[Severity.UNKNOWN]:
        return Verdict(Answer.UNKNOWN, best, len(changes), by[Severity.UNKNOWN][0])
    if changes:
        return Verdict(Answer.AFTER_CHANGES, best, len(changes), changes[0])
    if best is None or is_usable(best) is not True:
        return Verdict(Answer.UNKNOWN, best, 0, None)
    return Verdict(Answer.CAN, best, 0, None)
