"""From what was found to what could be changed: wishes that a person is shown and agrees to. Pure."""

from __future__ import annotations

from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.findings import Finding, Severity
from libneuron.hardware.gpus import Companion, Gpu
from libneuron.hardware.machine import Machine


def wanted(findings: tuple[Finding, ...]) -> Wish:
    """The kernel arguments that what stands in the way asks for; an ACS override is never among them."""
    add: list[str] = []
    remove: list[str] = []
    for finding in findings:
        words = dict(finding.params)
        if finding.severity is not Severity.CHANGE:
            continue
        if finding.code == "iommu-needs-argument":
            add.append(words["argument"])
        elif finding.code == "iommu-off-by-argument":
            remove.append(words["argument"])
        elif finding.code == "gpu-shared-config-acs":
            add.append(f"pci=config_acs={words['mask']}@{words['culprit']}")
    return Wish(tuple(add), tuple(remove))


def override(findings: tuple[Finding, ...]) -> Wish:
    """The ACS override that is predicted to help; a risk, so it is never part of :func:`wanted`."""
    found = (dict(finding.params) for finding in findings if finding.code == "gpu-shared-override")
    return Wish(tuple(dict.fromkeys(f"pcie_acs_override={words['override']}" for words in found))[:1])


def reservation(machine: Machine, gpus: tuple[Gpu, ...]) -> Wish:
    """The card to give away, kept for virtual machines from the start on: all its functions, by address.

    Nothing where no other card would be left, where it shows this desktop, where it is not separated from
    other devices or nobody knows, and where vfio-pci has it already.
    """
    if len(gpus) < 2 or gpus[0].slot.isolated is not True or gpus[0].integrated or gpus[0].shows_host:
        return Wish()
    goes = [companion for companion, kind in gpus[0].companions if kind is not Companion.OTHER]
    functions = (gpus[0].device.address, *goes)
    drivers = {machine.by_address[address].driver for address in functions}
    return Wish() if drivers == {"vfio-pci"} else Wish(bind=tuple(map(str, functions)))
