"""A libvirtd of the tests' own: no systemd, nothing of this machine's /etc/libvirt, ended with all its VMs.

It runs in namespaces of its own: a mount namespace, where libvirt's fixed directories are ours, and a process
namespace, so that ending its first process ends every QEMU, also when the tests themselves are killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import libvirt

from tests.system.lab.image import cache
from tests.system.lab.shell import until

_QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
remember_owner = 0
namespaces = []
stdio_handler = "file"
"""

_DAEMON_CONF = """\
unix_sock_dir = "{sockets}"
unix_sock_rw_perms = "0777"
unix_sock_ro_perms = "0777"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "2:file:{top}/libvirtd.log"
"""

# The first process of the namespace: starts libvirtd and reaps what QEMU's own forking leaves behind.
_INIT = """\
import os, sys
child = os.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
while os.wait()[0] != child:
    pass
"""


class Libvirtd:
    """One private libvirtd. Use as a context manager."""

    def __init__(self) -> None:
        self._holder = tempfile.TemporaryDirectory(prefix="neuron-libvirt-")
        self.folder = Path(self._holder.name)
        self.folder.chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "sockets" / "libvirt-sock"

    @property
    def uri(self) -> str:
        """What to open."""
        return f"qemu:///system?socket={self.socket}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        own = {name: self.folder / name for name in ("etc", "lib", "run", "log", "lock", "sockets")}
        for path in own.values():
            path.mkdir(exist_ok=True)
        capabilities = (
            cache() / "libvirt"
        )  # probing QEMU takes 8 s; libvirt itself checks that it still holds
        capabilities.mkdir(parents=True, exist_ok=True)
        (own["etc"] / "qemu.conf").write_text(_QEMU_CONF)
        (own["etc"] / "libvirtd.conf").write_text(
            _DAEMON_CONF.format(top=self.folder, sockets=own["sockets"])
        )
        binds = {
            "/etc/libvirt": own["etc"], "/var/lib/libvirt": own["lib"], "/run/libvirt": own["run"],
            "/var/log/libvirt": own["log"], "/var/cache/libvirt": capabilities,
            # Locks of channels name the process that holds them, and ours are numbered in a namespace.
            str(Path("/var/lock").resolve()): own["lock"],
        }  # fmt: skip
        for place in binds:
            Path(place).mkdir(parents=True, exist_ok=True)
        # libvirt's default user must exist, even where qemu.conf names another.
        for place, line in (
            ("/etc/passwd", "libvirt-qemu:x:64055:64055::/:/bin/false"),
            ("/etc/group", "libvirt-qemu:x:64055:"),
        ):
            text = Path(place).read_text()
            if "libvirt-qemu:" not in text:
                binds[place] = self.folder / Path(place).name
                binds[place].write_text(f"{text}{line}\n")
        script = "\n".join(f"mount --bind {source} {place}" for place, source in binds.items())
        daemon = (
            f"/usr/sbin/libvirtd --config {own['etc']}/libvirtd.conf --pid-file {own['run']}/libvirtd.pid"
        )
        argv = [
            "setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child",
            "--mount-proc", "sh", "-ec", f'{script}\nexec "$0" -c "$1" {daemon}', sys.executable, _INIT,
        ]  # fmt: skip
        with (self.folder / "stderr").open("wb") as stderr:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )
        try:
            until(self._answers, timeout=60, what="libvirtd", every=0.2)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {self.log()}") from error

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"libvirtd ended: {self.log()}")
        if not self.socket.exists():
            return False
        try:
            libvirt.open(self.uri).close()
        except libvirt.libvirtError:
            return False
        return True

    def log(self) -> str:
        """What it said."""
        files = (self.folder / "stderr", self.folder / "libvirtd.log")
        return "\n".join(file.read_text("utf-8", "replace") for file in files if file.exists())[-4000:]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to libvirtd itself: SIGSTOP hangs it, SIGCONT lets it go on. VMs run on."""
        os.kill(self._daemon(), number)

    def _daemon(self) -> int:
        """libvirtd's process id as this machine sees it: the grandchild of unshare."""
        assert self._process is not None
        here = self._process.pid
        for _ in range(2):
            here = int(Path(f"/proc/{here}/task/{here}/children").read_text().split()[0])
        return here

    def stop(self) -> None:
        """End it and every VM."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Libvirtd:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._holder.cleanup()
