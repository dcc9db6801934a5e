"""What each finding says, for a person who never heard of an IOMMU. Marked for translation.

Each has a title (one sentence), why it matters, what to do, and how to take it back. ``{placeholders}`` are
filled from the finding. Steps that depend on the boot loader are in :mod:`libneuron.hardware.steps`.
"""

from __future__ import annotations

from dataclasses import dataclass

from libneuron.errors import QT_TRANSLATE_NOOP
from libneuron.hardware.texts import NONE, Marked


@dataclass(frozen=True)
class Text:
    """The words of one kind of finding."""

    title: Marked
    why: Marked
    fix: Marked = NONE
    undo: Marked = NONE


FINDINGS: dict[str, Text] = {
    "virtualization-off": Text(
        QT_TRANSLATE_NOOP("hardware", "The processor's virtualization is switched off."),
        QT_TRANSLATE_NOOP(
            "hardware", "Without it no virtual machine runs at a usable speed. Almost every PC has it."
        ),
        QT_TRANSLATE_NOOP(
            "hardware",
            "In the firmware settings switch on “Intel Virtualization Technology” (Intel) or"
            " “SVM Mode” (AMD).",
        ),
        QT_TRANSLATE_NOOP("hardware", "Switch the same setting off again."),
    ),
    "iommu-firmware-off": Text(
        QT_TRANSLATE_NOOP("hardware", "The firmware keeps the device protection (IOMMU) switched off."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "A graphics card can be given to a virtual machine only behind this protection; otherwise the"
            " virtual machine could write into all of the PC's memory.",
        ),
        QT_TRANSLATE_NOOP(
            "hardware", "In the firmware settings switch on “VT-d” (Intel) or “IOMMU” / “AMD-Vi” (AMD)."
        ),
        QT_TRANSLATE_NOOP("hardware", "Switch the same setting off again."),
    ),
    "iommu-off-by-argument": Text(
        QT_TRANSLATE_NOOP(
            "hardware",
            "The start option “{argument}” switches device protection (IOMMU) off.",
        ),
        QT_TRANSLATE_NOOP(
            "hardware", "The hardware and the firmware are ready; only this option stands in the way."
        ),
        undo=QT_TRANSLATE_NOOP("hardware", "Add “{argument}” again in the same place."),
    ),
    "iommu-needs-argument": Text(
        QT_TRANSLATE_NOOP(
            "hardware", "This kernel wants to be told to use device protection: “{argument}” is missing."
        ),
        QT_TRANSLATE_NOOP(
            "hardware",
            "The hardware and the firmware are ready; this kernel leaves the Intel IOMMU off"
            " unless it is asked.",
        ),
        undo=QT_TRANSLATE_NOOP("hardware", "Remove “{argument}” again in the same place."),
    ),
    "iommu-not-built": Text(
        QT_TRANSLATE_NOOP("hardware", "This kernel was built without device protection (IOMMU)."),
        QT_TRANSLATE_NOOP("hardware", "No setting can add it: another kernel is needed."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "Install your distribution's standard kernel and start with it. This one is {release}."
        ),
        QT_TRANSLATE_NOOP("hardware", "Choose the old kernel in the boot menu."),
    ),
    "iommu-failed": Text(
        QT_TRANSLATE_NOOP("hardware", "Device protection (IOMMU) should be running but is not."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "The firmware announces it and nothing forbids it, yet the kernel made no groups: usually a fault"
            " in the firmware.",
        ),
        QT_TRANSLATE_NOOP(
            "hardware",
            "Update the firmware (BIOS). The kernel's messages say more: journalctl -k -g 'DMAR|AMD-Vi'.",
        ),
    ),
    "iommu-unknown": Text(
        QT_TRANSLATE_NOOP("hardware", "Whether device protection (IOMMU) can be used could not be read."),
        QT_TRANSLATE_NOOP("hardware", "No list of firmware tables was readable and no groups exist."),
        QT_TRANSLATE_NOOP("hardware", "Start the same check on the PC itself, outside of a container."),
    ),
    "in-virtual-machine": Text(
        QT_TRANSLATE_NOOP("hardware", "This system itself runs inside a virtual machine."),
        QT_TRANSLATE_NOOP("hardware", "A graphics card can be given away only by the real PC below."),
        QT_TRANSLATE_NOOP("hardware", "Start the check on the real PC."),
    ),
    "no-interrupt-remapping": Text(
        QT_TRANSLATE_NOOP("hardware", "Device protection runs without interrupt remapping."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "A virtual machine could disturb the PC with forged interrupts, so the kernel refuses to give"
            " devices away.",
        ),
        QT_TRANSLATE_NOOP(
            "hardware",
            "Remove the start options “intremap=off” and “nointremap” if they are set; in the firmware"
            " settings switch on “x2APIC”; update the firmware.",
        ),
    ),
    "no-gpu": Text(
        QT_TRANSLATE_NOOP("hardware", "No graphics card was found."),
        QT_TRANSLATE_NOOP("hardware", "There is nothing that could be given to a virtual machine."),
    ),
    "single-gpu": Text(
        QT_TRANSLATE_NOOP("hardware", "There is only one graphics card: {gpu}."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "While the virtual machine has it, Linux has no picture, and the window (Looking"
            " Glass) that shows"
            " Windows needs a second one.",
        ),
        QT_TRANSLATE_NOOP(
            "hardware",
            "Switch on the processor's own graphics in the firmware settings if it has any, or add a second"
            " graphics card.",
        ),
    ),
    "gpu-shared": Text(
        QT_TRANSLATE_NOOP("hardware", "{gpu} is not separated from other devices."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "It shares its group with {foreign}. All of a group goes to the virtual machine or nothing does,"
            " because devices in one group can reach each other's memory.",
        ),
        QT_TRANSLATE_NOOP("hardware", "Put the card into another slot, best one wired to the processor."),
    ),
    "gpu-shared-override": Text(
        QT_TRANSLATE_NOOP("hardware", "{gpu} is not separated from other devices, but it could be."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "It shares its group with {foreign}. The port {culprit} does not promise to keep devices apart"
            " ({missing}). All of a group goes to the virtual machine or nothing does.",
        ),
        QT_TRANSLATE_NOOP(
            "hardware",
            "First try another slot, best one wired to the processor. Otherwise a kernel"
            " with the ACS override"
            " patch would split the group with “pcie_acs_override={override}” — predicted, and at a risk:"
            " devices may then reach each other's memory past the protection. {carries}",
        ),
        QT_TRANSLATE_NOOP("hardware", "Remove the start option again."),
    ),
    "gpu-shared-config-acs": Text(
        QT_TRANSLATE_NOOP("hardware", "{gpu} could be separated from other devices by a switch in a port."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "It shares its group with {foreign}. The port {culprit} can keep devices apart"
            " but was not told to"
            " ({missing}).",
        ),
        QT_TRANSLATE_NOOP(
            "hardware", "Linux 6.11 and newer switch it on with “pci=config_acs={mask}@{culprit}”."
        ),
        QT_TRANSLATE_NOOP("hardware", "Remove the start option again."),
    ),
    "gpu-isolation-unknown": Text(
        QT_TRANSLATE_NOOP("hardware", "Whether {gpu} is separated from other devices is not known."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "The groups exist only while device protection (IOMMU) is on, and predicting them needs"
            " the administrator's rights."
        ),
        QT_TRANSLATE_NOOP(
            "hardware",
            "Run the check once as administrator, or switch the protection on first.",
        ),
    ),
    "gpu-alone-by-override": Text(
        QT_TRANSLATE_NOOP("hardware", "{gpu} is separated only because the ACS override says so."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "The hardware does not promise it: the virtual machine may reach other devices' memory past the"
            " protection.",
        ),
        QT_TRANSLATE_NOOP("hardware", "Put the card into another slot and remove “pcie_acs_override”."),
    ),
    "gpu-direct-region": Text(
        QT_TRANSLATE_NOOP("hardware", "The firmware keeps a part of memory for {gpu} (RMRR)."),
        QT_TRANSLATE_NOOP("hardware", "The kernel refuses to give such a device to a virtual machine."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "Update the firmware, or switch off in it what manages this device (server management)."
        ),
    ),
    "gpu-no-reset": Text(
        QT_TRANSLATE_NOOP("hardware", "{gpu} has no way to be reset."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "After the virtual machine ends, the card works again only once the PC has been restarted.",
        ),
        QT_TRANSLATE_NOOP("hardware", "Plan with one start of the virtual machine per start of the PC."),
    ),
    "gpu-reset-vendor-reset": Text(
        QT_TRANSLATE_NOOP("hardware", "{gpu} needs help to be reset."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "Cards of the family {family} hang when a virtual machine ends, until the PC is restarted. The"
            " kernel module “vendor-reset” knows how to reset this very model.",
        ),
        QT_TRANSLATE_NOOP(
            "hardware",
            "Install the module “vendor-reset” (DKMS), load it early, and write “device_specific” to"
            " /sys/bus/pci/devices/{address}/reset_method before the virtual machine starts.",
        ),
        QT_TRANSLATE_NOOP("hardware", "Remove the module again."),
    ),
    "gpu-reset-stuck": Text(
        QT_TRANSLATE_NOOP("hardware", "{gpu} may stay asleep after the virtual machine ends."),
        QT_TRANSLATE_NOOP("hardware", "Owners of {family} report it; the PC must then be restarted."),
        QT_TRANSLATE_NOOP("hardware", "Add the start option “vfio_pci.disable_idle_d3=1”."),
        QT_TRANSLATE_NOOP("hardware", "Remove the start option again."),
    ),
    "gpu-reset-doubtful": Text(
        QT_TRANSLATE_NOOP("hardware", "{gpu} may not come back after the virtual machine ends."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "Cards of the family {family} do not reset on every board, and no module helps this family.",
        ),
        QT_TRANSLATE_NOOP(
            "hardware",
            "Try it: start and end the virtual machine twice. Update the card's and the PC's firmware."
        ),
    ),
    "gpu-shows-host": Text(
        QT_TRANSLATE_NOOP("hardware", "{gpu} shows this desktop."),
        QT_TRANSLATE_NOOP(
            "hardware", "The card that is given away goes dark for Linux while the virtual machine runs."
        ),
        QT_TRANSLATE_NOOP(
            "hardware",
            "Plug the monitor into {other}, and choose that one as the first display in the"
            " firmware settings.",
        ),
        QT_TRANSLATE_NOOP("hardware", "Plug the monitor back."),
    ),
    "gpu-framebuffer": Text(
        QT_TRANSLATE_NOOP("hardware", "The boot screen still holds memory of {gpu} ({owner})."),
        QT_TRANSLATE_NOOP(
            "hardware", "The virtual machine then starts with a black picture: “BAR … cannot reserve”."
        ),
        QT_TRANSLATE_NOOP(
            "hardware", "Choose the other card as the first display in the firmware settings."
        ),
    ),
    "gpu-twins": Text(
        QT_TRANSLATE_NOOP("hardware", "There are two of the same card: {gpu} and {twins}."),
        QT_TRANSLATE_NOOP(
            "hardware", "Guides that reserve a card by its model number would take both away from Linux."
        ),
        QT_TRANSLATE_NOOP("hardware", "Reserve the card by its address {address}, not by its model number."),
    ),
    "vfio-missing": Text(
        QT_TRANSLATE_NOOP("hardware", "This kernel has no driver for giving devices away (vfio-pci)."),
        QT_TRANSLATE_NOOP("hardware", "The driver holds a device for the virtual machine."),
        QT_TRANSLATE_NOOP("hardware", "Install your distribution's standard kernel with all its modules."),
    ),
    "memory-small": Text(
        QT_TRANSLATE_NOOP("hardware", "The PC has {memory} of memory."),
        QT_TRANSLATE_NOOP(
            "hardware",
            "Windows and Linux share it while the virtual machine runs; 16 GiB are comfortable.",
        ),
        QT_TRANSLATE_NOOP("hardware", "Add memory, or give Windows little and close programs meanwhile."),
    ),
    "processor-small": Text(
        QT_TRANSLATE_NOOP("hardware", "The processor runs {threads} threads at a time."),
        QT_TRANSLATE_NOOP("hardware", "Windows and Linux share them; six or more are comfortable."),
    ),
    "laptop-mux": Text(
        QT_TRANSLATE_NOOP("hardware", "On this laptop the screen may hang on either graphics chip."),
        QT_TRANSLATE_NOOP("hardware", "The chip that drives the built-in screen cannot be given away."),
        QT_TRANSLATE_NOOP(
            "hardware", "In the firmware or the maker's tool choose “hybrid” (not “discrete”), and keep a"
            " monitor or a dummy plug for the other chip."
        ),
    ),
}  # fmt: skip
