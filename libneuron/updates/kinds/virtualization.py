"""What the Windows VM needs: libvirt that answers, VFIO with its devices bound, modules built by DKMS."""

from __future__ import annotations

import re
import socket
import struct

from libneuron.system.files import Root
from libneuron.system.tables import Table
from libneuron.updates.health import Outcome, failed, not_applicable, unknown
from libneuron.updates.kinds.kernel import MODULE_PLACES, kernels
from libneuron.updates.subject import Probe, Subject

_PROGRAM, _VERSION, _AUTH_LIST = 0x20008086, 1, 66  # src/remote/remote_protocol.x


def libvirt(settings: Table) -> Probe:
    """``sockets``: alternatives in order; the first that exists must answer a request."""
    sockets = settings.items("sockets", str)

    def probe(subject: Subject) -> Outcome:
        place = next((path for path in sockets if subject.root.path(path).is_socket()), None)
        if place is None:
            return not_applicable()
        try:
            answered = _ask(str(subject.root.path(place)), subject.limit)
        except PermissionError:
            return unknown("no-permission", path=place)
        except OSError:
            answered = False
        return failed("libvirt", [] if answered else [place])

    return probe


def _ask(path: str, limit: float) -> bool:
    """Whether the daemon replies to AUTH_LIST, the call that every client makes first."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(limit)
        link.connect(path)
        link.sendall(struct.pack(">7I", 28, _PROGRAM, _VERSION, _AUTH_LIST, 0, 0, 0))
        head = b""
        while len(head) < 28:
            data = link.recv(28 - len(head))
            if not data:
                return False
            head += data
        _length, program, _version, procedure, kind, _serial, _status = struct.unpack(">7I", head)
        return (program, procedure, kind) == (_PROGRAM, _AUTH_LIST, 1)


def _configured_ids(root: Root) -> set[str]:
    """The vendor:device pairs that the kernel's command line or modprobe.d hands to vfio-pci."""
    texts = [root.text("/proc/cmdline") or ""]
    for top in ("/etc/modprobe.d", "/usr/lib/modprobe.d"):
        texts += [
            line.replace("options vfio-pci", "vfio-pci.")
            for name in root.names(top)
            for line in (root.text(f"{top}/{name}") or "").splitlines()
            if line.startswith("options vfio-pci")
        ]
    found = re.findall(r"vfio[-_]pci\.\s*ids=(\S+)", " ".join(texts))
    return {
        ":".join(item.lower().split(":")[:2]) for text in found for item in text.split(",") if ":" in item
    }


def vfio(settings: Table) -> Probe:
    """No settings. Applies where devices are set aside for a VM: the driver exists and each device has it."""
    del settings

    def probe(subject: Subject) -> Outcome:
        root = subject.root
        ids = _configured_ids(root)
        if not ids:
            return not_applicable()
        wrong = []
        release = root.text("/proc/sys/kernel/osrelease") or ""
        if not root.exists("/sys/bus/pci/drivers/vfio-pci") and not _has_module(root, release, "vfio-pci"):
            wrong.append("the kernel has no vfio-pci")
        for address in root.names("/sys/bus/pci/devices"):
            place = f"/sys/bus/pci/devices/{address}"
            vendor, device = root.text(f"{place}/vendor") or "", root.text(f"{place}/device") or ""
            if f"{vendor.removeprefix('0x')}:{device.removeprefix('0x')}" in ids:
                driver = root.link_name(f"{place}/driver")
                if driver != "vfio-pci":
                    wrong.append(f"{address} ({driver or 'no driver'})")
        return failed("vfio", wrong)

    return probe


def _has_module(root: Root, release: str, name: str) -> bool:
    for top in MODULE_PLACES:
        for listing in ("modules.dep", "modules.builtin"):
            text = root.text(f"{top}/{release}/{listing}", limit=16 << 20) or ""
            if f"/{name}.ko" in text:
                return True
    return False


def dkms(settings: Table) -> Probe:
    """No settings. Each module added to DKMS is built for each installed kernel."""
    del settings

    def probe(subject: Subject) -> Outcome:
        root = subject.root
        wrong, seen = [], 0
        releases = [kernel.release for kernel in kernels(root) if kernel.release]
        for module in root.names("/var/lib/dkms"):
            versions = [
                name
                for name in root.names(f"/var/lib/dkms/{module}")
                if root.exists(f"/var/lib/dkms/{module}/{name}/source")
            ]
            for version in versions:
                seen += 1
                wrong += [
                    f"{module} {version} for {release}"
                    for release in releases
                    if not root.names(f"/var/lib/dkms/{module}/{version}/{release}")
                ]
        return failed("dkms", wrong) if seen else not_applicable()

    return probe
