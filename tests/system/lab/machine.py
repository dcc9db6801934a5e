"""A machine started straight with QEMU: for tests that need no libvirt (boot, updates, benches, soaks)."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.system.lab.image import Image, overlay
from tests.system.lab.shell import Shell, over_socket, until

CHANNEL = "org.neuronos.guest.0"


class Machine:
    """One emulated machine. Use as a context manager: leaving it ends QEMU and removes its files.

    ``cpu`` is QEMU's name of a processor: its own default is ``qemu64``, which newer systems refuse.
    ``ports`` are virtio-serial ports, each on the unix socket ``port(name)``; ``arguments`` are added to
    QEMU's; ``command_line`` to the kernel's. With ``image`` None only what ``arguments`` say is booted.
    """

    def __init__(
        self,
        image: Image | None,
        *,
        memory: int = 384,
        cpus: int = 2,
        cpu: str = "max",
        ports: Sequence[str] = (CHANNEL,),
        arguments: Sequence[str] = (),
        command_line: str = "",
        folder: Path | None = None,
    ) -> None:
        self._holder = tempfile.TemporaryDirectory(prefix="neuron-vm-", dir=folder)
        self.folder = Path(self._holder.name)
        self.console = self.folder / "console.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._argv = [
            "qemu-system-x86_64", "-nodefaults", "-display", "none", "-accel", "tcg,thread=multi",
            "-machine", "q35", "-cpu", cpu, "-m", str(memory), "-smp", str(cpus),
            "-serial", f"file:{self.console}",
            "-qmp", f"unix:{self.folder / 'qmp'},server=on,wait=off",
            "-device", "virtio-rng-pci", "-device", "virtio-serial-pci,id=serial",
        ]  # fmt: skip
        for number, name in enumerate(("org.qemu.guest_agent.0", *ports)):
            self._argv += [
                "-chardev", f"socket,id=port{number},path={self.port(name)},server=on,wait=off",
                "-device", f"virtserialport,chardev=port{number},name={name}",
            ]  # fmt: skip
        if image is not None:
            disk = overlay(image, self.folder / "disk.qcow2")
            self._argv += [
                "-drive", f"file={disk},format=qcow2,if=virtio,cache=unsafe",
                "-kernel", str(image.kernel), "-initrd", str(image.initrd),
                "-append", f"{image.command_line} {command_line}".strip(),
            ]  # fmt: skip
        self._argv += arguments
        self.shell = Shell(over_socket(self.port("org.qemu.guest_agent.0")))

    def port(self, name: str) -> Path:
        """The host's end of a virtio-serial port."""
        return self.folder / name

    def start(self) -> None:
        """Start QEMU; returns before the guest has booted."""
        self._process = subprocess.Popen(
            self._argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        until((self.folder / "qmp").exists, timeout=30, what="QEMU to start")

    def wait_ready(self, *, timeout: float = 400) -> None:
        """Wait until commands can run in the guest; a failure shows the end of its console."""
        try:
            self.shell.wait(timeout=timeout, alive=self._alive)
        except TimeoutError as error:
            tail = self.console.read_text("utf-8", "replace")[-3000:] if self.console.exists() else ""
            raise TimeoutError(f"{error}; its console ends:\n{tail}") from error

    def _alive(self) -> None:
        assert self._process is not None
        if self._process.poll() is not None:
            assert self._process.stderr is not None
            said = self._process.stderr.read().decode("utf-8", "replace")
            raise RuntimeError(f"QEMU ended with {self._process.returncode}: {said}")

    def wait_ended(self, *, timeout: float = 60) -> int:
        """Wait until QEMU ends by itself (the guest switched off) and return its status."""
        assert self._process is not None
        return self._process.wait(timeout)

    def monitor(self, command: str, **arguments: Any) -> Any:
        """Run one QMP command. Raises: RuntimeError with QEMU's text."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(60)
            link.connect(str(self.folder / "qmp"))
            file = link.makefile("rwb")
            for words in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                file.write(json.dumps(words).encode() + b"\n")
            file.flush()
            answers = 0
            while True:
                answer = json.loads(file.readline())
                if "error" in answer:
                    raise RuntimeError(f"{command}: {answer['error']['desc']}")
                answers += "return" in answer
                if answers == 2:
                    return answer["return"]

    def stop(self) -> None:
        """End QEMU at once, as a power cut would."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()
        self._process = None

    def __enter__(self) -> Machine:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._holder.cleanup()
