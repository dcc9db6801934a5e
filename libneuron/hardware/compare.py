"""Two machines, or one before and after a change of its firmware: what is different in what matters."""

from __future__ import annotations

from dataclasses import dataclass

from libneuron.errors import QT_TRANSLATE_NOOP, Translate, english
from libneuron.hardware import report as reports
from libneuron.hardware.machine import Address
from libneuron.hardware.report import Report
from libneuron.hardware.texts import STATES

_TEXTS = {
    "verdict": QT_TRANSLATE_NOOP("hardware", "Answer"),
    "iommu": QT_TRANSLATE_NOOP("hardware", "Device protection (IOMMU)"),
    "firmware": QT_TRANSLATE_NOOP("hardware", "Firmware"),
    "kernel": QT_TRANSLATE_NOOP("hardware", "Kernel"),
    "arguments": QT_TRANSLATE_NOOP("hardware", "Start options"),
    "alone": QT_TRANSLATE_NOOP("hardware", "Separated from other devices: {device}"),
    "device": QT_TRANSLATE_NOOP("hardware", "Device {device}"),
    "finding": QT_TRANSLATE_NOOP("hardware", "Finding: {title}"),
    "there": QT_TRANSLATE_NOOP("hardware", "there"),
    "not-there": QT_TRANSLATE_NOOP("hardware", "not there"),
}


@dataclass(frozen=True)
class Difference:
    """One thing that differs. ``subject`` is an address or a finding's code, empty for the whole machine."""

    kind: str
    subject: str
    name: str
    before: str
    after: str

    def title(self, translate: Translate = english) -> str:
        """What differs, for a person."""
        return translate(*_TEXTS[self.kind]).format(device=self.name, title=self.name)

    def as_json(self) -> dict[str, str]:
        """For ``bundle compare --json``."""
        return {"kind": self.kind, "subject": self.subject, "before": self.before, "after": self.after}


def compare(before: Report, after: Report, translate: Translate = english) -> tuple[Difference, ...]:
    """Everything that differs between two judged machines; empty where nothing does. Pure."""
    both = (before, after)
    pairs: dict[str, list[str]] = {
        "verdict": [reports.verdict_text(one.verdict, translate) for one in both],
        "iommu": [translate(*STATES[one.iommu.state.value]) for one in both],
        "firmware": [_firmware(one) for one in both],
        "kernel": [one.machine.kernel.release for one in both],
        "arguments": [" ".join(one.machine.kernel.arguments) for one in both],
    }
    found = [Difference(kind, "", "", old, new) for kind, (old, new) in pairs.items() if old != new]
    return (*found, *_gpus(before, after, translate), *_devices(before, after, translate),
            *_findings(before, after, translate))  # fmt: skip


def _firmware(report: Report) -> str:
    firmware = report.machine.firmware
    return f"{firmware.bios_vendor} {firmware.bios_version}".strip()


def _presence(translate: Translate, *, there: bool) -> str:
    return translate(*_TEXTS["there" if there else "not-there"])


def _gpus(before: Report, after: Report, translate: Translate) -> list[Difference]:
    old = {gpu.device.address: gpu for gpu in before.gpus}
    found = []
    for gpu in after.gpus:
        was = old.get(gpu.device.address)
        if was is None or was.alone is gpu.alone:
            continue
        answers = [reports.answer_text(answer=one.alone, translate=translate) for one in (was, gpu)]
        found.append(Difference("alone", str(gpu.device.address), gpu.label, *answers))
    return found


def _devices(before: Report, after: Report, translate: Translate) -> list[Difference]:
    def known(report: Report) -> dict[tuple[Address, int, int], str]:
        return {(one.address, one.vendor, one.device): one.name for one in report.machine.devices}

    old, new = known(before), known(after)
    return [
        Difference(
            "device", str(key[0]), (new.get(key) or old[key]),
            _presence(translate, there=key in old), _presence(translate, there=key in new),
        )
        for key in sorted(old.keys() ^ new.keys(), key=lambda key: (str(key[0]), *key[1:]))
    ]  # fmt: skip


def _findings(before: Report, after: Report, translate: Translate) -> list[Difference]:
    old = {(one.code, one.devices): one for one in before.findings}
    new = {(one.code, one.devices): one for one in after.findings}
    return [
        Difference(
            "finding", key[0], (new.get(key) or old[key]).title(translate),
            _presence(translate, there=key in old), _presence(translate, there=key in new),
        )
        for key in sorted(old.keys() ^ new.keys(), key=lambda key: (key[0], [str(one) for one in key[1]]))
    ]  # fmt: skip
