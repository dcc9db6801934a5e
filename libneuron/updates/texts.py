"""What check outcomes say to a person. ``{items}`` are the things that are wrong."""

from __future__ import annotations

from libneuron.errors import QT_TRANSLATE_NOOP

CHECK_TEXTS: dict[str, tuple[str, str]] = {
    "ok": QT_TRANSLATE_NOOP("health", "All is well."),
    "saved": QT_TRANSLATE_NOOP("health", "{detail}"),
    "not-applicable": QT_TRANSLATE_NOOP("health", "This machine does not have it."),
    "timeout": QT_TRANSLATE_NOOP("health", "The check did not finish within {seconds} s."),
    "crashed": QT_TRANSLATE_NOOP("health", "The check itself went wrong: {problem}."),
    "no-bus": QT_TRANSLATE_NOOP("health", "The system bus cannot be asked here."),
    "not-live": QT_TRANSLATE_NOOP("health", "This can only be checked on the running system."),
    "offline": QT_TRANSLATE_NOOP("health", "The computer was started for the update alone."),
    "no-permission": QT_TRANSLATE_NOOP("health", "Reading {path} needs administrator rights."),
    "binaries": QT_TRANSLATE_NOOP("health", "Missing, not executable or unable to start: {items}."),
    "libraries": QT_TRANSLATE_NOOP("health", "Programs miss libraries: {items}."),
    "systemd-state": QT_TRANSLATE_NOOP("health", "systemd reports “{state}”."),
    "systemd-bad": QT_TRANSLATE_NOOP("health", "systemd is in the state {items}."),
    "services": QT_TRANSLATE_NOOP("health", "Services are not running or cannot start: {items}."),
    "failed-units": QT_TRANSLATE_NOOP("health", "Units failed: {items}."),
    "kernel": QT_TRANSLATE_NOOP("health", "Kernel, modules, initramfs and boot entries disagree: {items}."),
    "kernel-none": QT_TRANSLATE_NOOP("health", "No kernel was found where boot loaders look for one."),
    "boot-space": QT_TRANSLATE_NOOP("health", "Too little space left for boot files: {items}."),
    "filesystems": QT_TRANSLATE_NOOP("health", "File systems are read-only or report errors: {items}."),
    "fstab": QT_TRANSLATE_NOOP("health", "/etc/fstab would stop the next start: {items}."),
    "packages": QT_TRANSLATE_NOOP("health", "Packages are not completely installed: {items}."),
    "libvirt": QT_TRANSLATE_NOOP("health", "libvirt does not answer: {items}."),
    "vfio": QT_TRANSLATE_NOOP("health", "Passthrough is not ready: {items}."),
    "dkms": QT_TRANSLATE_NOOP("health", "Modules were not built for the installed kernel: {items}."),
    "network": QT_TRANSLATE_NOOP("health", "The network is not connected: {items}."),
    "reboot-pending": QT_TRANSLATE_NOOP("health", "A restart is pending: the running kernel was replaced."),
    "bus-service": QT_TRANSLATE_NOOP("health", "Services do not answer on the system bus: {items}."),
    "command": QT_TRANSLATE_NOOP("health", "It reports a problem: {items}."),
    "accounts": QT_TRANSLATE_NOOP("health", "Nobody could log in: {items}."),
    "scripts": QT_TRANSLATE_NOOP("health", "Scripts of this machine failed: {items}."),
}
