"""Machines that a private libvirtd manages, made of a lab image."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import libvirt
import libvirt_qemu

from tests.system.lab.image import Image, overlay
from tests.system.lab.machine import CHANNEL
from tests.system.lab.shell import GuestFailedError, Shell

__all__ = ["CHANNEL", "Domain", "over_libvirt"]

_XML = """\
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>{cpus}</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{kernel}</kernel><initrd>{initrd}</initrd><cmdline>{cmdline}</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='maximum'/>
  <on_reboot>restart</on_reboot>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='unsafe'/><source file='{disk}'/><target dev='vda' bus='virtio'/>
    </disk>
    <controller type='usb' model='qemu-xhci'/>
    <serial type='file'><source path='{console}'/></serial>
    {devices}
    <memballoon model='none'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
"""

_SERIAL = """\
<controller type='virtio-serial' index='0'/>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
"""


def channel_xml(path: Path | None = None) -> str:
    """Our channel as libvirt wants it; without a path libvirt chooses one."""
    source = f"<source mode='bind' path='{path}'/>" if path else ""
    return f"<channel type='unix'>{source}<target type='virtio' name='{CHANNEL}'/></channel>"


def over_libvirt(domain: libvirt.virDomain) -> Any:
    """A carrier for :class:`Shell`: libvirt occupies qemu-ga's port, so commands go through libvirt."""

    def carry(command: dict[str, Any], timeout: float) -> Any:
        try:
            text = libvirt_qemu.qemuAgentCommand(domain, json.dumps(command), max(1, round(timeout)), 0)
        except libvirt.libvirtError as error:
            raise GuestFailedError(str(error)) from error
        return json.loads(text)["return"]

    return carry


class Domain:
    """One persistent domain, defined but not started. Use as a context manager: leaving it undefines it.

    ``serial`` False leaves out virtio-serial, and with it qemu-ga and the shell.
    """

    def __init__(
        self,
        connection: libvirt.virConnect,
        image: Image,
        *,
        name: str,
        memory: int = 384,
        cpus: int = 2,
        devices: str = "",
        command_line: str = "",
        serial: bool = True,
    ) -> None:
        self._holder = tempfile.TemporaryDirectory(prefix="neuron-domain-")
        self.folder = Path(self._holder.name)
        self.console = self.folder / "console.log"
        text = _XML.format(
            name=name,
            memory=memory,
            cpus=cpus,
            kernel=image.kernel,
            initrd=image.initrd,
            cmdline=f"{image.command_line} {command_line}".strip(),
            disk=overlay(image, self.folder / "disk.qcow2"),
            console=self.console,
            devices=(_SERIAL if serial else "") + devices,
        )
        self.handle: libvirt.virDomain = connection.defineXML(text)
        self.shell = Shell(over_libvirt(self.handle))

    def wait_ready(self, *, timeout: float = 400) -> None:
        """Wait until commands can run in the guest; a failure shows the end of its console."""
        try:
            self.shell.wait(timeout=timeout)
        except TimeoutError as error:
            tail = self.console.read_text("utf-8", "replace")[-3000:] if self.console.exists() else ""
            raise TimeoutError(f"{error}; its console ends:\n{tail}") from error

    def live(self) -> ElementTree.Element:
        """The running machine's description."""
        return ElementTree.fromstring(self.handle.XMLDesc(0))

    def stop(self) -> None:
        """Cut its power."""
        if self.handle.isActive():
            self.handle.destroy()

    def __enter__(self) -> Domain:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.handle.undefine()
        self._holder.cleanup()
