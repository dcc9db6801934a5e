"""The groups that the kernel makes of a machine: ``pci_device_group()`` as a function from values to values.

Ported from the behaviour of Linux 6.1.192 (drivers/iommu/iommu.c, ``pci_for_each_dma_alias`` in
drivers/pci/search.c). Where a function cannot be read, the grouping is computed twice, with everything
unknown taken as isolating and as not isolating: what comes out the same both times is certain, the rest is
unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from libneuron.hardware.acs import Settings, is_multifunction, judge
from libneuron.hardware.config_space import PortType
from libneuron.hardware.machine import Address, Device, Machine

Partition = Mapping[Address, frozenset[Address]]
"""Each function's group as the set of its members."""


@dataclass(frozen=True)
class Prediction:
    """``certain`` holds the groups that do not depend on what could not be read."""

    certain: Partition

    def group(self, address: Address) -> frozenset[Address] | None:
        """The predicted group of a function, None where it is unknown."""
        return self.certain.get(address)


def predict(machine: Machine, settings: Settings) -> Prediction:
    """The groups under ``settings``; nothing is certain where a device's place is not known."""
    if not machine.whole:
        return Prediction({})
    optimistic = partition(machine, settings, unknown=True)
    if all(_readable(device) for device in machine.devices):
        return Prediction(optimistic)
    pessimistic = partition(machine, settings, unknown=False)
    return Prediction(
        {address: group for address, group in optimistic.items() if pessimistic[address] == group}
    )


def _readable(device: Device) -> bool:
    config = device.config
    return config is not None and config.express is not None and config.acs_known


class _Grouper:
    def __init__(self, machine: Machine, settings: Settings, *, unknown: bool) -> None:
        self._machine = machine
        self._settings = settings
        self._unknown = unknown
        self._paths = {device.address: machine.path(device) for device in machine.devices}
        self._passes: dict[Address, bool] = {}
        self._slots: dict[tuple[int, int, int], list[Device]] = {}
        for device in machine.devices:
            self._slots.setdefault(device.address.of_slot, []).append(device)
        self.group: dict[Address, int] = {}

    def run(self) -> None:
        # The kernel meets bridges before what is below them.
        order = sorted(
            self._machine.devices, key=lambda device: (len(self._paths[device.address]), device.address)
        )
        for number, device in enumerate(order):
            joined = self._above(device)
            if joined is None:
                joined = self._beside(device)
            self.group[device.address] = number if joined is None else joined

    def passes(self, device: Device) -> bool:
        known = self._passes.get(device.address)
        if known is None:
            verdict = judge(self._machine, device, self._settings).passed
            known = self._passes[device.address] = self._unknown if verdict is None else verdict
        return known

    def _aliases(self, bridge: Device) -> bool:
        """Whether requests from below ``bridge`` carry its number (or its bus's) instead of their own."""
        if bridge.address in self._settings.assumed:
            return False
        config = bridge.config
        if config is None or config.express is None:
            return not self._unknown
        return not config.express or config.port_type in (PortType.PCIE_TO_PCI, PortType.PCI_TO_PCIE)

    def _above(self, device: Device) -> int | None:
        """The group of a bridge that the device cannot be told apart from or kept apart by."""
        path = self._paths[device.address]
        for bridge in path:
            if bridge.address.domain != device.address.domain:
                return self.group.get(bridge.address)  # a remapping device does all DMA in its own name
            if self._aliases(bridge):
                return self.group.get(bridge.address)
        if path and not all(self.passes(bridge) for bridge in path):
            return self.group.get(path[0].address)
        return None

    def _beside(self, device: Device) -> int | None:
        """The group of a function of the same slot that is not kept apart from this one."""
        others = [other for other in self._slots[device.address.of_slot] if other.address in self.group]
        for other in others:
            if self._alias_pair(device, other) or self._alias_pair(other, device):
                return self.group[other.address]
        if not is_multifunction(self._machine, device) or self.passes(device):
            return None
        for other in others:
            if not self.passes(other):
                return self.group[other.address]
        return None

    def _alias_pair(self, device: Device, other: Device) -> bool:
        function = self._settings.quirks.alias_function(device.vendor, device.device)
        return function == other.address.function and device.address != other.address


def partition(machine: Machine, settings: Settings, *, unknown: bool) -> Partition:
    """The groups with every unreadable function taken as passing (``unknown`` True) or failing."""
    grouper = _Grouper(machine, settings, unknown=unknown)
    grouper.run()
    members: dict[int, set[Address]] = {}
    for address, number in grouper.group.items():
        members.setdefault(number, set()).add(address)
    frozen = {number: frozenset(group) for number, group in members.items()}
    return {address: frozen[number] for address, number in grouper.group.items()}
