"""The guest's privileged helper, and its system bus on a unix socket of this machine: one client a time."""

from __future__ import annotations

import json
from typing import Any

from libneuron.system.helper import INTERFACE, NAME, PATH
from tests.system.lab.image import Recipe
from tests.system.lab.shell import Shell, until
from tests.system.updates.guest import NAMED

PORT = "org.neuronos.test.bus"

HELPED = Recipe("guardian-helped", packages=("login", "polkitd"), layout=NAMED.layout)
"""With what the helper needs."""

_RESOURCES = "/opt/neuron/resources"
_INSTALL = f"""
cp {_RESOURCES}/dbus/system.d/org.neuronos.Helper1.conf /usr/share/dbus-1/system.d/
cp {_RESOURCES}/dbus/system-services/org.neuronos.Helper1.service /usr/share/dbus-1/system-services/
cp {_RESOURCES}/polkit/*.policy /usr/share/polkit-1/actions/
cp {_RESOURCES}/systemd/system/neuron-helper.service /etc/systemd/system/
cat >/etc/dbus-1/system-local.conf <<'EOF'
<busconfig><limit name="service_start_timeout">600000</limit></busconfig>
EOF
mkdir -p /etc/systemd/system/neuron-helper.service.d
printf '[Service]\\nTimeoutStartSec=600\\n' >/etc/systemd/system/neuron-helper.service.d/lab.conf
systemctl daemon-reload
systemctl reload dbus
"""
"""An emulated machine needs more than the 25 s that the bus gives a service to start, and systemd's 90 s."""
_PROGRAM = """#!/bin/sh
PYTHONPATH=/opt/neuron:/opt/neuron/apps exec python3 -m neuron_helper "$@"
"""

_BRIDGE = f"""
import os, select, socket, time
port = os.open("/dev/virtio-ports/{PORT}", os.O_RDWR | os.O_NONBLOCK)
bus = None
def say(state):
    with open("/run/bridge.state", "w") as file:
        file.write(state)
say("closed")
while True:
    waiting = select.poll()
    waiting.register(port, select.POLLIN)
    if bus is not None:
        waiting.register(bus, select.POLLIN)
    for number, what in waiting.poll(1000):
        if number == port and what & select.POLLHUP:  # nobody on the other side
            if bus is not None:
                bus.close()
                bus = None
                say("closed")
            time.sleep(0.05)
        elif number == port:
            data = os.read(port, 65536)
            if bus is None:
                bus = socket.socket(socket.AF_UNIX)
                bus.connect("/run/dbus/system_bus_socket")
                say("open")
            bus.sendall(data)
        elif bus is not None:
            data = bus.recv(65536)
            while data:
                try:
                    data = data[os.write(port, data):]
                except BlockingIOError:
                    time.sleep(0.01)
"""


def install_helper(shell: Shell) -> None:
    """Put the helper, its unit with all its walls, and its policy in place."""
    shell.write("/usr/libexec/neuron-helper", _PROGRAM.encode(), mode=0o755)
    shell.sh(_INSTALL, timeout=300)


_CALL = ("/usr/bin/busctl", "--timeout=900", "--json=short", "call", NAME, PATH, INTERFACE)
_AS_NOBODY = ("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def ask_helper(shell: Shell, verb: str, signature: str = "", *words: str) -> Any:
    """Call a verb of the helper from inside the guest, as root; its answer."""
    done = shell.run(*_CALL, verb, *((signature, *words) if signature else ()), timeout=900, check=False)
    assert done.status == 0, done.stderr.decode() + shell.sh(
        "journalctl -b --no-pager -n 40 -u neuron-helper"
    )
    return json.loads(json.loads(done.text)["data"][0])


def refused_to_nobody(shell: Shell, verb: str, signature: str, *words: str) -> str:
    """What the helper and the guest's real polkit answer a user without rights."""
    done = shell.run(*_AS_NOBODY, *_CALL, verb, signature, *words, timeout=900, check=False)
    assert done.status != 0
    return done.stderr.decode()


def wait_unused(shell: Shell) -> None:
    """Wait until the last client's leaving was noticed: the next one must not inherit its connection."""
    until(lambda: shell.sh("cat /run/bridge.state") == "closed", timeout=60, what="the bridge")


def bridge_bus(shell: Shell) -> None:
    """Start the bridge in the guest; the port's socket is then an address of its system bus.

    Whoever connects is root there: tests run as root, and that is what the bus is told.
    """
    shell.write("/run/bridge.py", _BRIDGE.encode())
    shell.sh("systemd-run --unit=bus-bridge /usr/bin/python3 /run/bridge.py")
