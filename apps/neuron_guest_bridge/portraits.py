"""What is known of a machine in one value, from libvirt, the person's choices and its connection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from libneuron.errors import NeuronError
from libneuron.guest.menu import Menu, holds
from libneuron.guest.permissions import PermissionStore
from libneuron.guest.state import State
from libneuron.guest.wire.requests import Permission
from neuron_guest_bridge.machines import Machine
from neuron_guest_bridge.recent import Favourites, Recent
from neuron_guest_bridge.sharing import FOLLOWS_WINDOW, OWNS_CLIPBOARD, Choices

if TYPE_CHECKING:
    from neuron_guest_bridge.link import Link


@dataclass(frozen=True)
class Portraits:
    """Where the person's choices lie."""

    permissions: PermissionStore
    choices: Choices
    menu: Menu
    recent: Recent
    favourites: Favourites

    def permitted(self, machine: Machine) -> Machine:
        """With what it may do; one whose file is broken may do nothing, and says so."""
        in_menu = holds(self.menu, vm=machine.id)
        try:
            return replace(machine, allowed=self.permissions.get(machine.id), in_menu=in_menu)
        except NeuronError as error:
            none: frozenset[Permission] = frozenset()
            return replace(machine, allowed=none, in_menu=in_menu, state=State.FAILED, problem=error)

    def connected(self, machine: Machine, link: Link | None) -> Machine:
        """With what its connection tells."""
        if link is None:
            return machine
        client, shared = link.client, link.shared
        broken = machine.problem is not None  # a session that began before goes on, without what needs leave
        return replace(
            machine,
            state=State.FAILED if broken else client.state,
            problem=machine.problem or client.problem,
            version=link.version,
            recent=self.recent.get(machine.id),
            favourites=self.favourites.get(machine.id),
            sharing=link.sharing,
            manual=shared.manual,
            rivals=shared.rivals,
            standing_back=shared.standing_back,
            owns_clipboard=self.choices.get(machine.id, OWNS_CLIPBOARD),
            can_follow=link.watching,
            follows=self.choices.get(machine.id, FOLLOWS_WINDOW),
            follow_said=link.following.said,
            locked=link.locked,
            session=link.session,
            screen=link.screen,
        )
