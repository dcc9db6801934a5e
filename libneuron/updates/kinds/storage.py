"""Boot partition space, writable file systems, and an fstab that will not stop the next start."""

from __future__ import annotations

import os
from dataclasses import dataclass

from libneuron.system.files import Root
from libneuron.system.mounts import Mount, mounted_at, mounts
from libneuron.system.tables import Table
from libneuron.updates.health import Outcome, failed, not_applicable, unknown
from libneuron.updates.kinds.boot_entries import BOOT_PLACES
from libneuron.updates.subject import Probe, Subject

_NO_DEVICE = {"tmpfs", "proc", "sysfs", "devtmpfs", "devpts", "overlay", "swap", "none", "bind", "efivarfs"}


@dataclass(frozen=True)
class FstabLine:
    """One line of fstab(5)."""

    source: str
    point: str
    kind: str
    options: tuple[str, ...]

    def option(self, key: str) -> str | None:
        """The value of ``key=value`` among the options."""
        return next((item[len(key) + 1 :] for item in self.options if item.startswith(f"{key}=")), None)


def parse_fstab(text: str) -> tuple[tuple[FstabLine, ...], tuple[str, ...]]:
    """The lines of an fstab, and the lines that are none (with fewer than three fields)."""
    good: list[FstabLine] = []
    bad: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 3 or not (words[1].startswith("/") or words[1] in ("none", "swap")):
            bad.append(line.strip()[:80])
            continue
        options = tuple(words[3].split(",")) if len(words) > 3 else ("defaults",)
        good.append(FstabLine(words[0], words[1].replace("\\040", " "), words[2], options))
    return tuple(good), tuple(bad)


def _device_there(root: Root, source: str) -> bool | None:
    """Whether the device exists; None where this machine cannot tell."""
    for tag, directory in (
        ("UUID=", "by-uuid"),
        ("LABEL=", "by-label"),
        ("PARTUUID=", "by-partuuid"),
        ("PARTLABEL=", "by-partlabel"),
    ):
        if source.startswith(tag):
            names = root.names(f"/dev/disk/{directory}")
            wanted = source[len(tag) :].strip('"')
            return None if not names else wanted.lower() in {name.lower() for name in names}
    if source.startswith("/dev/"):
        return root.exists(source) if root.exists("/dev/disk") or root.exists("/dev/null") else None
    return None


def fstab(settings: Table) -> Probe:
    """No settings. Lines marked nofail or noauto cannot stop a start and are not judged."""
    del settings

    def probe(subject: Subject) -> Outcome:
        text = subject.root.text("/etc/fstab")
        if text is None:
            return not_applicable()
        lines, bad = parse_fstab(text)
        wrong = [f"“{line}”" for line in bad]
        for line in lines:
            if {"nofail", "noauto"} & set(line.options) or line.kind in _NO_DEVICE:
                continue
            if subject.bus is not None and _device_there(subject.root, line.source) is False:
                wrong.append(f"{line.source} for {line.point} does not exist")
        return failed("fstab", wrong)

    return probe


def boot_space(settings: Table) -> Probe:
    """``free_mib``: what must be free on a boot partition of its own, in MiB."""
    wanted = settings.get("free_mib", int, 32)

    def probe(subject: Subject) -> Outcome:
        if not subject.root.live:
            return unknown("not-live")
        found = [mount for place in BOOT_PLACES if (mount := mounted_at(mounts(subject.root), place))]
        if not found:
            return not_applicable()
        low = []
        for mount in found:
            space = os.statvfs(mount.point)
            free = space.f_bavail * space.f_frsize
            if mount.kind != "autofs" and free < wanted << 20:
                low.append(mount.point)
        return failed("boot-space", low)

    return probe


def _should_write(mount: Mount, fstab_text: str) -> bool:
    lines, _ = parse_fstab(fstab_text)
    own = next((line for line in lines if line.point == mount.point), None)
    return own is None or "ro" not in own.options


def filesystems(settings: Table) -> Probe:
    """``points``: mount points that must be writable where they are mount points. Also reads btrfs' own
    error counters from sysfs."""
    points = settings.items("points", str)

    def probe(subject: Subject) -> Outcome:
        root = subject.root
        if not root.live and not root.exists("/proc/self/mountinfo"):
            return unknown("not-live")
        listed = root.text("/etc/fstab") or ""
        wrong = []
        for point in points:
            mount = mounted_at(mounts(root), point)
            if mount is not None and not mount.writable and _should_write(mount, listed):
                wrong.append(f"{point} (read-only)")
        for volume in root.names("/sys/fs/btrfs"):
            for device in root.names(f"/sys/fs/btrfs/{volume}/devinfo"):
                counts = root.text(f"/sys/fs/btrfs/{volume}/devinfo/{device}/error_stats") or ""
                wrong += [
                    f"btrfs {volume} {line}"
                    for line in counts.splitlines()
                    if line.rpartition(" ")[2].isdigit() and int(line.rpartition(" ")[2]) > 0
                ]
        return failed("filesystems", wrong)

    return probe
