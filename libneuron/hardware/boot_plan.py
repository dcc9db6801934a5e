"""Planning a change of kernel arguments: which files change how, and which programs run afterwards.

Pure: from what a machine's boot files hold to what they shall hold. The privileged helper writes it. A plan
can be shown as a diff, and taken back, also when the files have been changed since by somebody else.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from libneuron.hardware import boot_text
from libneuron.hardware.boot_text import Arguments, Editor
from libneuron.hardware.errors import HardwareError
from libneuron.hardware.machine import BootSetup
from libneuron.system.trees import Tree

GRUB = "/etc/default/grub"
GRUB_MORE = "/etc/default/grub.d"
CMDLINE = "/etc/kernel/cmdline"
ENTRY_FOLDERS = ("/boot/loader/entries", "/efi/loader/entries", "/boot/efi/loader/entries")
LIMINE = (
    "/boot/limine.conf", "/boot/limine/limine.conf", "/boot/efi/limine.conf", "/efi/limine.conf",
    "/boot/limine.cfg", "/boot/limine/limine.cfg",
)  # fmt: skip

Command = tuple[str, ...]


@dataclass(frozen=True)
class FileEdit:
    """One file before and after."""

    path: str
    before: str
    after: str

    @property
    def diff(self) -> str:
        """The change as people read it (unified diff)."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            f"{self.path} (now)",
            f"{self.path} (then)",
            n=1,
        )
        return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


@dataclass(frozen=True)
class BootPlan:
    """Edits first, then the commands in order. ``undo_commands`` follow the taking back of the edits."""

    arguments: Arguments
    edits: tuple[FileEdit, ...]
    commands: tuple[Command, ...]
    undo_commands: tuple[Command, ...]

    @property
    def empty(self) -> bool:
        """Whether everything is already as wanted."""
        return not self.edits and not self.commands


def editor_of(path: str) -> Editor:
    """What understands the file at ``path``; only these files are ever written.

    Raises: HardwareError boot-file-foreign.
    """
    if path == GRUB or (path.rpartition("/")[0] == GRUB_MORE and path.endswith(".cfg")):
        return boot_text.grub
    if path == CMDLINE:
        return boot_text.cmdline
    if path in LIMINE:
        return boot_text.limine
    folder, _, name = path.rpartition("/")
    if folder in ENTRY_FOLDERS and name.endswith(".conf"):
        return boot_text.entry
    raise HardwareError("hardware.boot-file-foreign", path=path)


def read(tree: Tree) -> dict[str, str]:
    """The boot files of a machine that a plan could change, by path. Unreadable ones are left out."""
    found = {}
    paths = [GRUB, CMDLINE, *LIMINE]
    for folder, ending in ((GRUB_MORE, ".cfg"), *((folder, ".conf") for folder in ENTRY_FOLDERS)):
        paths += [f"{folder}/{name}" for name in tree.names(folder) if name.endswith(ending)]
    for path in paths:
        data = tree.bytes(path)
        if data is None:
            continue
        try:
            found[path] = data.decode("utf-8")
        except UnicodeDecodeError:
            continue  # nobody's boot file: not to be touched
    return found


def _is(boot: BootSetup, *names: str) -> bool:
    return any(name in (boot.distribution, *boot.family) for name in names)


def _grub_command(boot: BootSetup) -> Command:
    if _is(boot, "debian", "ubuntu"):
        return ("update-grub",)
    if _is(boot, "suse", "opensuse"):
        return ("grub2-mkconfig", "-o", "/boot/grub2/grub.cfg")
    return ("grub-mkconfig", "-o", "/boot/grub/grub.cfg")


def _grubby(arguments: Arguments) -> Command:
    words = ["grubby", "--update-kernel=ALL"]
    if arguments.remove:
        words.append(f"--remove-args={' '.join(arguments.remove)}")
    if arguments.add:
        words.append(f"--args={' '.join(arguments.add)}")
    return tuple(words)


def _paths(boot: BootSetup, files: Mapping[str, str]) -> tuple[str, ...]:
    """The files of the loader in use. systemd-boot's entries change with the line they are made from."""
    loader = boot.loaders[0] if boot.loaders else ""
    entries = tuple(path for path in files if path.rpartition("/")[0] in ENTRY_FOLDERS)
    wanted: tuple[str, ...]
    if loader == "grub":
        wanted = (GRUB, *sorted(path for path in files if path.startswith(f"{GRUB_MORE}/")))
    elif loader == "systemd-boot":
        wanted = (CMDLINE, *entries)
    elif loader == "limine":
        wanted = LIMINE
    else:
        wanted = ()
    return tuple(path for path in wanted if path in files)


def _overruled(files: Mapping[str, str], paths: tuple[str, ...]) -> frozenset[str]:
    """GRUB's files whose default arguments a later file sets afresh: adding to them would do nothing."""
    shell = [path for path in paths if path.startswith(GRUB)]
    if not shell:
        return frozenset()
    setting = [path for path in shell if boot_text.grub_assigns(files[path])]
    return frozenset(shell) - {setting[-1] if setting else shell[0]}


def plan_boot_change(files: Mapping[str, str], boot: BootSetup, arguments: Arguments) -> BootPlan:
    """What to write and run so that the next boot has ``arguments``.

    ``files`` as :func:`read` gives them. Raises: HardwareError argument-unsafe, boot-loader-unknown,
    boot-file-unclear.
    """
    boot_text.checked(arguments)
    if _is(boot, "fedora", "rhel"):
        # grubby keeps the entries, /etc/default/grub and (on newer systems) /etc/kernel/cmdline in step.
        return BootPlan(arguments, (), (_grubby(arguments),), (_grubby(arguments.reverse),))
    paths = _paths(boot, files)
    if not paths:
        raise HardwareError("hardware.boot-loader-unknown")
    edits = []
    overruled = _overruled(files, paths)
    for path in paths:
        wanted = Arguments((), arguments.remove) if path in overruled else arguments
        after = editor_of(path)(files[path], wanted)
        if after != files[path]:
            edits.append(FileEdit(path, files[path], after))
    commands: tuple[Command, ...] = ()
    if edits and GRUB in paths:
        commands = (_grub_command(boot),)
    return BootPlan(arguments, tuple(edits), commands, commands)


def undo(plan: BootPlan, files: Mapping[str, str]) -> BootPlan:
    """The plan that takes ``plan`` back, given what its files hold now.

    A file that nobody touched gets its old text back to the byte; in one that was changed since, only our
    arguments are taken back. Files that are gone stay gone. Raises: as :func:`plan_boot_change`.
    """
    edits = []
    for edit in plan.edits:
        now = files.get(edit.path)
        if now is None:
            continue
        back = edit.before if now == edit.after else editor_of(edit.path)(now, plan.arguments.reverse)
        if back != now:
            edits.append(FileEdit(edit.path, now, back))
    commands = plan.undo_commands if edits or not plan.edits else ()
    return BootPlan(plan.arguments.reverse, tuple(edits), commands, plan.commands)
