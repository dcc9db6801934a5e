"""``setup install|uninstall|repair``: what the set-up disc starts inside Windows.

Runs from the bundle's own interpreter, asks for administrator rights through Windows, and needs no network.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from neuron_guest.platform.windows import install_layout, launch, quoting, setup_plan, win32
from neuron_guest.platform.windows.installer import Installer, InstallError, Texts
from neuron_guest.platform.windows.service_control import ServiceControl
from neuron_guest.platform.windows.setup_disk import MANIFEST, WindowsDisk
from neuron_guest.platform.windows.win32 import BOOL

_log = logging.getLogger("neuron_guest.setup")

_is_admin = win32.function("shell32", "IsUserAnAdmin", BOOL, fails="never")
_MODULE = "neuron_guest.platform.windows.setup"


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.2)
    return True


def _install(options: argparse.Namespace, installer: Installer, disk: WindowsDisk) -> None:
    source = Path(sys.executable).parent
    manifest = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    extra = [] if options.port is None else ["--port", options.port]
    installer.install(setup_plan.bundle(manifest), extra)
    # On the set-up disc it lies at the top, in a folder that a person copied beside setup.cmd.
    disk.import_enrolment([options.keys] if options.keys else [source.parent, source.parent.parent])


def _uninstall(options: argparse.Namespace, installer: Installer, disk: WindowsDisk) -> None:
    if not options.from_copy and disk.holds(Path(sys.executable)):
        # A running program cannot be removed: a copy of this bundle does it.
        copy = Path(tempfile.mkdtemp(prefix="neuron-uninstall-"))
        disk.copy_self(Path(sys.executable).parent, copy)
        launch.launch(str(copy / "python.exe"), ["-I", "-m", _MODULE, "uninstall", "--from-copy"])
        return
    installer.uninstall()
    if options.from_copy:
        disk.remove_at_restart(Path(sys.executable).parent)


def _elevated(arguments: Sequence[str]) -> int:
    """Start ourselves again with Windows' question, and wait for the answer's end."""
    words = ["-I", "-m", _MODULE, *arguments]
    return launch.run_elevated(sys.executable, " ".join(map(quoting.quoted, words)))


def main(argv: Sequence[str] | None = None) -> int:
    """0 done, 1 failed (what was there before works again), 2 usage, 3 no administrator."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(prog="setup", description="Installs NeuronGuest in this Windows")
    verbs = parser.add_subparsers(dest="verb", required=True)
    install = verbs.add_parser("install", help="install, or renew what is there")
    install.add_argument("--port", help="the channel's device, if not the usual one")
    install.add_argument("--keys", type=Path, help="folder with the hand-over, if not the disc's")
    install.set_defaults(run=_install)
    uninstall = verbs.add_parser("uninstall", help="remove the service, the programs and the keys")
    uninstall.add_argument("--from-copy", action="store_true", help=argparse.SUPPRESS)
    uninstall.set_defaults(run=_uninstall)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    if not _is_admin():
        return _elevated(arguments)
    try:
        service = ServiceControl(install_layout.SERVICE)
    except win32.Win32Error as error:
        _log.error("Windows lets only administrators install services: %s", error)
        return 3
    disk = WindowsDisk(source=Path(sys.executable).parent)
    texts = Texts(install_layout.DISPLAY_NAME, install_layout.DESCRIPTION)
    try:
        options.run(options, Installer(service, disk, texts, _until), disk)
    except (InstallError, setup_plan.BundleError, win32.Win32Error, OSError, ValueError) as error:
        _log.error("%s", error)
        return 1
    finally:
        service.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
