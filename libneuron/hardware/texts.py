"""The Hardware Advisor's words for answers, states and verdicts. Marked for translation."""

from __future__ import annotations

from libneuron.errors import QT_TRANSLATE_NOOP

Marked = tuple[str, str]
"""(context, source text), as QT_TRANSLATE_NOOP returns it."""

NONE: Marked = ("hardware", "")

SEVERITIES: dict[str, Marked] = {
    "blocker": QT_TRANSLATE_NOOP("hardware", "Cannot be changed"),
    "change": QT_TRANSLATE_NOOP("hardware", "To change"),
    "warning": QT_TRANSLATE_NOOP("hardware", "Good to know"),
    "unknown": QT_TRANSLATE_NOOP("hardware", "Not known"),
}

VERDICTS: dict[str, Marked] = {
    "can": QT_TRANSLATE_NOOP("hardware", "This PC can give {gpu} to a Windows VM."),
    "can-after-one": QT_TRANSLATE_NOOP("hardware", "This PC can give {gpu} to a Windows VM after 1 change."),
    "can-after": QT_TRANSLATE_NOOP(
        "hardware", "This PC can give {gpu} to a Windows VM after {changes} changes."
    ),
    "cannot": QT_TRANSLATE_NOOP("hardware", "This PC cannot give a graphics card to a Windows VM."),
    "unknown": QT_TRANSLATE_NOOP(
        "hardware", "Whether this PC can give {gpu} to a Windows VM is not known yet."
    ),
}

STATES: dict[str, Marked] = {
    "on": QT_TRANSLATE_NOOP("hardware", "on"),
    "on-without-interrupt-remapping": QT_TRANSLATE_NOOP("hardware", "on, without interrupt remapping"),
    "passthrough-mode": QT_TRANSLATE_NOOP("hardware", "on, in passthrough mode"),
    "virtualization-off": QT_TRANSLATE_NOOP("hardware", "off: virtualization is off in the firmware"),
    "firmware-off": QT_TRANSLATE_NOOP("hardware", "off in the firmware"),
    "off-by-argument": QT_TRANSLATE_NOOP("hardware", "off by a start option"),
    "needs-argument": QT_TRANSLATE_NOOP("hardware", "off until a start option asks for it"),
    "not-built": QT_TRANSLATE_NOOP("hardware", "missing in this kernel"),
    "virtual-machine": QT_TRANSLATE_NOOP("hardware", "not offered to this virtual machine"),
    "failed": QT_TRANSLATE_NOOP("hardware", "should be on but is not"),
    "unknown": QT_TRANSLATE_NOOP("hardware", "unknown"),
}

RESETS: dict[str, Marked] = {
    "good": QT_TRANSLATE_NOOP("hardware", "comes back reliably"),
    "usual": QT_TRANSLATE_NOOP("hardware", "usually comes back"),
    "helped": QT_TRANSLATE_NOOP("hardware", "comes back with help"),
    "doubtful": QT_TRANSLATE_NOOP("hardware", "may not come back"),
    "stuck": QT_TRANSLATE_NOOP("hardware", "may stay asleep"),
    "none": QT_TRANSLATE_NOOP("hardware", "cannot be reset"),
    "unknown": QT_TRANSLATE_NOOP("hardware", "not known"),
}

WORKAROUNDS: dict[str, Marked] = {
    "vendor-reset": QT_TRANSLATE_NOOP("hardware", "the kernel module vendor-reset"),
    "disable-idle-d3": QT_TRANSLATE_NOOP("hardware", "the start option vfio_pci.disable_idle_d3=1"),
}

CARRIES: dict[bool | None, Marked] = {
    True: QT_TRANSLATE_NOOP("hardware", "This kernel carries the patch."),
    False: QT_TRANSLATE_NOOP("hardware", "This kernel does not carry the patch."),
    None: QT_TRANSLATE_NOOP("hardware", "Whether this kernel carries the patch is not known."),
}
