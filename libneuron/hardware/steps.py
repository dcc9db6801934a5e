"""How a person changes a start option or opens the firmware settings on this very system, step by step.

Sources: the manuals of GRUB, Debian's update-grub, Fedora's grubby, systemd-boot (loader entries,
kernel-install's /etc/kernel/cmdline) and Limine (limine.conf).
"""

from __future__ import annotations

from dataclasses import dataclass

from libneuron.errors import QT_TRANSLATE_NOOP, Translate
from libneuron.hardware.machine import BootSetup, Firmware
from libneuron.hardware.texts import Marked


@dataclass(frozen=True)
class Step:
    """One thing to do; ``params`` fill the text."""

    text: Marked
    params: tuple[tuple[str, str], ...] = ()

    def say(self, translate: Translate) -> str:
        """The step in the person's language."""
        return translate(*self.text).format_map(dict(self.params))


_ADD_GRUB = QT_TRANSLATE_NOOP(
    "hardware", "In /etc/default/grub add “{argument}” to GRUB_CMDLINE_LINUX_DEFAULT, inside the quotes."
)
_REMOVE_GRUB = QT_TRANSLATE_NOOP(
    "hardware", "In /etc/default/grub remove “{argument}” from the lines that begin with GRUB_CMDLINE_LINUX."
)
_ADD_GRUBBY = QT_TRANSLATE_NOOP("hardware", 'Run: sudo grubby --update-kernel=ALL --args="{argument}"')
_REMOVE_GRUBBY = QT_TRANSLATE_NOOP(
    "hardware", 'Run: sudo grubby --update-kernel=ALL --remove-args="{argument}"'
)
_ADD_CMDLINE = QT_TRANSLATE_NOOP(
    "hardware", "In /etc/kernel/cmdline add “{argument}” at the end of the line."
)
_REMOVE_CMDLINE = QT_TRANSLATE_NOOP("hardware", "In /etc/kernel/cmdline remove “{argument}”.")
_ADD_LIMINE = QT_TRANSLATE_NOOP("hardware", "In limine.conf add “{argument}” to the lines “cmdline:”.")
_REMOVE_LIMINE = QT_TRANSLATE_NOOP(
    "hardware", "In limine.conf remove “{argument}” from the lines “cmdline:”."
)
_ADD_ANY = QT_TRANSLATE_NOOP("hardware", "Add “{argument}” to the kernel's start options in the boot loader.")
_REMOVE_ANY = QT_TRANSLATE_NOOP(
    "hardware", "Remove “{argument}” from the kernel's start options in the boot loader."
)
_RUN = QT_TRANSLATE_NOOP("hardware", "Run: {command}")
_RESTART = QT_TRANSLATE_NOOP("hardware", "Restart the PC.")
_FIRMWARE_UEFI = QT_TRANSLATE_NOOP(
    "hardware", "Open the firmware settings: systemctl reboot --firmware-setup"
)
_FIRMWARE_KEY = QT_TRANSLATE_NOOP(
    "hardware", "Restart the PC and press the key its first picture names (often Del or F2) for its settings."
)


AS_ADMINISTRATOR = Step(
    QT_TRANSLATE_NOOP(
        "hardware", "Run the check once as administrator: it then names the port that is to blame."
    )
)


def _is(boot: BootSetup, *names: str) -> bool:
    return any(name in (boot.distribution, *boot.family) for name in names)


def _loader(boot: BootSetup) -> str:
    """Which of the found loaders the person configures: Fedora's is grubby whatever lies below."""
    if _is(boot, "fedora", "rhel"):
        return "grubby"
    return boot.loaders[0] if boot.loaders else ""


def change_argument(boot: BootSetup, argument: str, *, add: bool) -> tuple[Step, ...]:
    """Add a start option, or remove it, and restart."""
    named = (("argument", argument),)
    restart = Step(_RESTART)
    match _loader(boot):
        case "grubby":
            return (Step(_ADD_GRUBBY if add else _REMOVE_GRUBBY, named), restart)
        case "grub":
            command = (
                "sudo update-grub"
                if _is(boot, "debian", "ubuntu")
                else "sudo grub2-mkconfig -o /boot/grub2/grub.cfg"
                if _is(boot, "suse", "opensuse")
                else "sudo grub-mkconfig -o /boot/grub/grub.cfg"
            )
            edit = Step(_ADD_GRUB if add else _REMOVE_GRUB, named)
            return (edit, Step(_RUN, (("command", command),)), restart)
        case "systemd-boot":
            command = "sudo reinstall-kernels" if _is(boot, "arch") else "sudo kernel-install add-all"
            edit = Step(_ADD_CMDLINE if add else _REMOVE_CMDLINE, named)
            return (edit, Step(_RUN, (("command", command),)), restart)
        case "limine":
            return (Step(_ADD_LIMINE if add else _REMOVE_LIMINE, named), restart)
        case _:
            return (Step(_ADD_ANY if add else _REMOVE_ANY, named), restart)


def open_firmware(firmware: Firmware) -> Step:
    """How to get to the firmware's settings."""
    return Step(_FIRMWARE_UEFI if firmware.uefi else _FIRMWARE_KEY)
