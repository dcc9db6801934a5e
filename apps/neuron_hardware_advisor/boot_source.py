"""Who changes the boot for a face: the privileged helper; for root and another tree, this process."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from libneuron.hardware import bundle, names
from libneuron.hardware.boot import change, requests, sharing
from libneuron.hardware.boot.change import State
from libneuron.hardware.boot.cmdline import Wish
from libneuron.hardware.boot.errors import BootError
from libneuron.hardware.boot.plan import plan
from libneuron.hardware.capture import capture as read_machine
from libneuron.hardware.errors import HardwareError
from libneuron.hardware.machine import Machine
from libneuron.system.elsewhere import ChrootRunner
from libneuron.system.files import Root
from libneuron.system.runner import RealRunner
from libneuron.system.trees import Tree

if TYPE_CHECKING:
    from libneuron.system.bus import LoopThread


@dataclass(frozen=True)
class Shown:
    """A plan as a person sees it. ``diffs`` are (path, unified diff); ``digest`` stands for the whole of it;
    ``confirm`` is what must be typed before it is done (empty: nothing)."""

    wish: Wish
    diffs: tuple[tuple[str, str], ...]
    commands: tuple[tuple[str, ...], ...]
    digest: str
    confirm: str


@dataclass(frozen=True)
class Made:
    """A recorded change as a person sees it."""

    number: int
    state: State
    wish: Wish
    paths: tuple[str, ...]

    @property
    def can_undo(self) -> bool:
        """Whether it can still be taken back."""
        return self.state is not State.UNDONE


def shown_of(data: Mapping[str, Any]) -> Shown:
    """A plan from its JSON."""
    return Shown(
        _wish_of(data),
        tuple((edit["path"], edit["diff"]) for edit in data["edits"]),
        tuple(tuple(command) for command in data["commands"]),
        data["digest"],
        data["confirm"],
    )


def made_of(data: Mapping[str, Any]) -> Made:
    """A change from its JSON."""
    return Made(data["number"], State(data["state"]), _wish_of(data), tuple(data["paths"]))


def _wish_of(data: Mapping[str, Any]) -> Wish:
    share = sharing.parse(data["share"])
    return Wish(tuple(data["add"]), tuple(data["remove"]), tuple(data["bind"]), share)


class BootSource(Protocol):
    """Everything may take long and, but for :meth:`changes`, ask for a password."""

    def plan(self, wish: Wish) -> Shown:
        """What ``wish`` would change; nothing is touched."""

    def apply(self, shown: Shown, typed: str) -> Made:
        """Do exactly what was shown."""

    def undo(self, number: int) -> Made:
        """Take a change back."""

    def changes(self) -> tuple[Made, ...]:
        """All changes, oldest first; what was booted since is verified."""

    def capture(self) -> Machine:
        """This machine as root sees it."""


class DirectBoot:
    """For root, on this machine or on the tree below ``root``. Implements :class:`BootSource`."""

    def __init__(self, root: Path = Path("/")) -> None:
        tree = Root(root)
        runner = RealRunner() if tree.live else ChrootRunner(RealRunner(), root)
        self._machine = change.Machine(tree, runner, tree.path(requests.RECORDS))

    def plan(self, wish: Wish) -> Shown:
        """See BootSource."""
        checked = _checked(wish)
        return shown_of(requests.plan_json(plan(self._machine.root, checked), checked))

    def apply(self, shown: Shown, typed: str) -> Made:
        """See BootSource."""
        done = requests.apply(self._machine, _checked(shown.wish), shown=shown.digest, typed=typed)
        return made_of(requests.change_json(done))

    def undo(self, number: int) -> Made:
        """See BootSource."""
        return made_of(requests.change_json(requests.undo(self._machine, number)))

    def changes(self) -> tuple[Made, ...]:
        """See BootSource."""
        return tuple(made_of(requests.change_json(one)) for one in requests.changes(self._machine))

    def capture(self) -> Machine:
        """See BootSource."""
        return read_machine(self._machine.root, names.of_this_machine())


def _words(wish: Wish) -> tuple[str, str, str, str]:
    """A wish as it goes to the helper."""
    return " ".join(wish.set), " ".join(wish.unset), " ".join(wish.bind), str(wish.share or "")


def _checked(wish: Wish) -> Wish:
    """What the helper would make of ``wish``: the same is refused on every way."""
    return requests.wish_of(*_words(wish))


class HelperBoot:
    """Through the privileged helper, for everybody else. Implements :class:`BootSource`."""

    def __init__(self, loop: LoopThread, *, address: str | None = None, near: Tree | None = None) -> None:
        """``near``: where plans are made without asking for a password, as long as its files can be read."""
        # D-Bus takes a fifth of the time of a scan, which needs none.
        from libneuron.system.helper import HelperClient

        self._client = HelperClient(loop, [BootError, HardwareError], address=address)
        self._near = near

    def plan(self, wish: Wish) -> Shown:
        """See BootSource."""
        checked = _checked(wish)  # a word that is refused needs no password to hear so
        if self._near is not None:
            with contextlib.suppress(BootError):  # the helper may see more, or says the same
                shown = shown_of(requests.plan_json(plan(self._near, checked), checked))
                if shown.diffs:
                    return shown
        return shown_of(self._client.call("PlanBootChange", "ssss", *_words(wish)))

    def apply(self, shown: Shown, typed: str) -> Made:
        """See BootSource."""
        words = (*_words(shown.wish), shown.digest, typed)
        try:
            return made_of(self._client.call("ApplyBootChange", "ssssss", *words))
        except BootError as error:
            if error.code == "hardware.plan-changed":
                self._near = None  # root sees other files than we do: the next plan is the helper's
            raise

    def undo(self, number: int) -> Made:
        """See BootSource."""
        return made_of(self._client.call("UndoBootChange", "s", str(number)))

    def changes(self) -> tuple[Made, ...]:
        """See BootSource."""
        return tuple(made_of(one) for one in self._client.call("BootChanges")["changes"])

    def capture(self) -> Machine:
        """This machine as root sees it. Raises: HardwareError bundle-unreadable; the helper's."""
        packed = base64.b64decode(self._client.call("CapturePrivileged")["bundle"])
        return bundle.machine(bundle.load(packed, path="helper"), names.of_this_machine())
