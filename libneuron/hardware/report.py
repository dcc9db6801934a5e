"""A judged machine as one value, as the JSON of ``scan --json``, and as text for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from libneuron.errors import QT_TRANSLATE_NOOP, Translate, english
from libneuron.hardware import findings, gpus, iommu, isolation, kernels, looking_glass
from libneuron.hardware.findings import Answer, Finding, Verdict
from libneuron.hardware.gpus import Gpu
from libneuron.hardware.iommu import IommuVerdict
from libneuron.hardware.isolation import Culprit, GroupVerdict, SlotVerdict
from libneuron.hardware.looking_glass import Screen
from libneuron.hardware.machine import Machine
from libneuron.hardware.texts import RESETS, SEVERITIES, STATES, VERDICTS, WORKAROUNDS


@dataclass(frozen=True)
class Report:
    """Everything that is said of a machine."""

    machine: Machine
    iommu: IommuVerdict
    groups: tuple[GroupVerdict, ...]
    gpus: tuple[Gpu, ...]
    findings: tuple[Finding, ...]
    verdict: Verdict
    screens: tuple[Screen, ...]


def judge(machine: Machine) -> Report:
    """Judge a machine. Pure; raises only where a shipped table is damaged."""
    of_iommu = iommu.classify(machine)
    of_gpus = gpus.judge_all(machine)
    found = findings.find(machine, of_iommu, of_gpus)
    return Report(
        machine=machine,
        iommu=of_iommu,
        groups=isolation.judge_groups(machine),
        gpus=of_gpus,
        findings=found,
        verdict=findings.conclude(found, of_gpus),
        screens=looking_glass.screens(machine),
    )


def verdict_text(verdict: Verdict, translate: Translate = english) -> str:
    """The answer in one sentence."""
    words = {"gpu": verdict.gpu.label if verdict.gpu else "", "changes": str(verdict.changes)}
    key = {
        Answer.CAN: "can",
        Answer.AFTER_CHANGES: "can-after-one" if verdict.changes == 1 else "can-after",
        Answer.CANNOT: "cannot",
        Answer.UNKNOWN: "unknown",
    }[verdict.answer]
    return translate(*VERDICTS[key]).format_map(words)


def _culprit(culprit: Culprit | None) -> dict[str, Any] | None:
    if culprit is None:
        return None
    return {
        "address": str(culprit.address),
        "cause": culprit.cause.value,
        "missing": findings.bits_text(culprit.missing).split(", ") if culprit.missing else [],
    }


def slot_json(slot: SlotVerdict) -> dict[str, Any]:
    """A slot's isolation, as it stands in ``gpus`` and in ``explain --json``."""
    return {
        "slot_isolated": slot.isolated,
        "slot_isolated_predicted": slot.predicted,
        "needs_acs_override": slot.needs_override,
        "isolated_by_override": slot.by_override,
        "config_acs_helps": slot.config_acs,
        "shares_with": [str(address) for address in slot.foreign],
        "culprit": str(slot.culprit.address) if slot.culprit else None,
        "culprit_detail": _culprit(slot.culprit),
        "overrides": [
            {"setting": ",".join(sorted(one.override)), "isolates": one.isolates, "kind": "predicted"}
            for one in slot.overrides
        ],
    }


def _gpu(gpu: Gpu) -> dict[str, Any]:
    device = gpu.device
    return {
        "address": str(device.address),
        "name": device.name,
        "id": f"{device.vendor:04x}:{device.device:04x}",
        "driver": device.driver,
        "group": device.group,
        **slot_json(gpu.slot),
        "reset": {
            "verdict": gpu.reset.verdict.value,
            "workaround": gpu.reset.workaround,
            "source": gpu.reset.source,
            "confidence": gpu.reset.confidence.value,
            "methods": None if device.reset_methods is None else list(device.reset_methods),
        },
        "companions": [{"address": str(address), "kind": kind.value} for address, kind in gpu.companions],
        "integrated": gpu.integrated,
        "shows_host": gpu.shows_host,
        "boot_vga": device.boot_vga,
        "framebuffer": gpu.framebuffer,
        "twins": [str(address) for address in gpu.twins],
        "direct_regions": gpu.direct_regions,
        "resizable_bar": gpu.resizable_bar,
    }


def _finding(finding: Finding, translate: Translate) -> dict[str, Any]:
    fix = finding.fix(translate)
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "title": finding.title(translate),
        "why": finding.why(translate),
        "fix": "\n".join(fix),
        "steps": list(fix),
        "undo": finding.undo(translate),
        "source": finding.source,
        "confidence": finding.confidence.value,
        "devices": [str(address) for address in finding.devices],
    }


def groups_json(report: Report) -> list[dict[str, Any]]:
    """The ``groups`` of ``scan --json``: live groups only."""
    return [
        {
            "id": verdict.group.number,
            "devices": [str(address) for address in verdict.group.devices],
            "isolated": verdict.isolated,
            "culprit": str(verdict.culprit.address) if verdict.culprit else None,
            "culprit_detail": _culprit(verdict.culprit),
            "explained": verdict.explained,
        }
        for verdict in report.groups
    ]


def as_json(report: Report, translate: Translate = english) -> dict[str, Any]:
    """The object of ``scan --json``; null always means unknown."""
    machine, of_iommu = report.machine, report.iommu
    return {
        "verdict": {
            "answer": report.verdict.answer.value,
            "changes": report.verdict.changes,
            "gpu": str(report.verdict.gpu.device.address) if report.verdict.gpu else None,
            "text": verdict_text(report.verdict, translate),
            "because": report.verdict.because.code if report.verdict.because else None,
        },
        "iommu": {
            "state": of_iommu.state.value,
            "kind": of_iommu.kind,
            "argument": of_iommu.argument,
            "interrupt_remapping": of_iommu.interrupt_remapping,
            "passthrough_mode": iommu.passthrough_mode(machine),
            "virtualization": of_iommu.virtualization,
        },
        "groups": groups_json(report),
        "gpus": [_gpu(gpu) for gpu in report.gpus],
        "findings": [_finding(finding, translate) for finding in report.findings],
        "looking_glass": [
            {
                "connector": screen.connector,
                "width": screen.width,
                "height": screen.height,
                "mib": screen.sdr,
                "mib_hdr": screen.hdr,
            }
            for screen in report.screens
        ],
        "kernel": {
            "release": machine.kernel.release,
            "carries_acs_override": kernels.carries_override(machine.kernel),
        },
        "complete": machine.privileged,
    }


_HEADINGS = {
    "protection": QT_TRANSLATE_NOOP("hardware", "Device protection (IOMMU): {state}"),
    "cards": QT_TRANSLATE_NOOP("hardware", "Graphics cards"),
    "alone": QT_TRANSLATE_NOOP("hardware", "separated from other devices: {answer}"),
    "alone-predicted": QT_TRANSLATE_NOOP("hardware", "separated from other devices: {answer} (predicted)"),
    "reset": QT_TRANSLATE_NOOP("hardware", "after the VM ends: {answer}"),
    "reset-with": QT_TRANSLATE_NOOP("hardware", "after the VM ends: {answer} ({workaround})"),
    "shows": QT_TRANSLATE_NOOP("hardware", "shows this desktop: {answer}"),
    "port": QT_TRANSLATE_NOOP("hardware", "the port that does not keep devices apart: {address}"),
    "memory": QT_TRANSLATE_NOOP(
        "hardware", "Looking Glass memory for {width}×{height}: {sdr} MiB, with HDR {hdr} MiB"
    ),
    "why": QT_TRANSLATE_NOOP("hardware", "Why: {text}"),
    "do": QT_TRANSLATE_NOOP("hardware", "Do: {text}"),
    "partial": QT_TRANSLATE_NOOP(
        "hardware", "Some things can be read only by the administrator; “unknown” stands for them."
    ),
    "yes": QT_TRANSLATE_NOOP("hardware", "yes"),
    "no": QT_TRANSLATE_NOOP("hardware", "no"),
    "unknown": QT_TRANSLATE_NOOP("hardware", "unknown"),
}


def answer_text(*, answer: bool | None, translate: Translate = english) -> str:
    """Yes, no, unknown."""
    return translate(*_HEADINGS[{True: "yes", False: "no", None: "unknown"}[answer]])


def gpu_lines(gpu: Gpu, translate: Translate = english) -> list[str]:
    """What is known of one GPU, a line each."""

    def say(key: str, **words: object) -> str:
        return translate(*_HEADINGS[key]).format_map(words)

    predicted = gpu.slot.isolated is None and gpu.slot.predicted is not None
    lines = [
        say(
            "alone-predicted" if predicted else "alone",
            answer=answer_text(answer=gpu.alone, translate=translate),
        )
    ]
    if gpu.slot.culprit is not None:
        lines.append(say("port", address=gpu.slot.culprit.address))
    told = translate(*RESETS[gpu.reset.verdict.value])
    if gpu.reset.workaround:
        helped = translate(*WORKAROUNDS[gpu.reset.workaround])
        lines.append(say("reset-with", answer=told, workaround=helped))
    else:
        lines.append(say("reset", answer=told))
    lines.append(say("shows", answer=answer_text(answer=gpu.shows_host, translate=translate)))
    return lines


def as_text(report: Report, translate: Translate = english) -> str:
    """The whole report for a person at a terminal."""

    def say(key: str, **words: object) -> str:
        return translate(*_HEADINGS[key]).format_map(words)

    lines = [verdict_text(report.verdict, translate), ""]
    if not report.machine.privileged:
        lines += [say("partial"), ""]
    lines.append(say("protection", state=translate(*STATES[report.iommu.state.value])))
    if report.gpus:
        lines += ["", say("cards")]
    for gpu in report.gpus:
        lines.append(f"  {gpu.device.name}  [{gpu.device.address}]")
        lines += [f"    {line}" for line in gpu_lines(gpu, translate)]
    if report.gpus:
        lines += ["", *(
            say("memory", width=screen.width, height=screen.height, sdr=screen.sdr, hdr=screen.hdr)
            for screen in report.screens
        )]  # fmt: skip
    for finding in report.findings:
        lines += ["", f"{translate(*SEVERITIES[finding.severity.value])}: {finding.title(translate)}"]
        lines.append("  " + say("why", text=finding.why(translate)))
        lines += ["  " + say("do", text=step) for step in finding.fix(translate)]
    return "\n".join(lines)
