"""Real kernels on PCs of every topology: their groups are the predicted ones, the recordings still hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from libneuron.hardware import acs, bundle
from libneuron.hardware.capture import capture
from libneuron.hardware.grouping import predict
from libneuron.hardware.iommu import classify
from libneuron.hardware.names import Numbers
from libneuron.system.trees import ReplayTree
from tests.system.hardware.pci_lab import ROOT, Topology, recorded
from tests.system.hardware.topologies import ALL, ORDINARY

_FIXTURES = ROOT / "tests/fixtures/machines"


@pytest.mark.vm
@pytest.mark.parametrize("topology", ALL, ids=lambda one: one.name)
def test_the_kernel_groups_as_predicted(topology: Topology, tmp_path: Path) -> None:
    machine = capture(ReplayTree(recorded(topology, tmp_path)), Numbers())
    live = {address: frozenset(group.devices) for group in machine.groups for address in group.devices}
    if topology is not ORDINARY:
        prediction = predict(machine, acs.Settings())
        assert {address: prediction.group(address) for address in live} == live
    kept = bundle.machine(bundle.open_file(_FIXTURES / f"qemu-{topology.name}.bundle"), Numbers())
    assert machine.devices == kept.devices, "the recording is stale: run tests.system.hardware.record"
    assert machine.groups == kept.groups
    assert machine.iommu == kept.iommu
    assert classify(machine) == classify(kept)


def test_every_topology_is_recorded() -> None:
    kept = {path.stem for path in _FIXTURES.glob("qemu-*.bundle")}
    assert kept == {f"qemu-{topology.name}" for topology in ALL}
