"""Every recorded machine: the model arrives at the kernel's own groups, and explains the large ones."""

from __future__ import annotations

import pytest

from libneuron.hardware import acs, report
from libneuron.hardware.grouping import predict
from libneuron.hardware.isolation import judge_groups
from tests.unit.hardware.pc import RECORDED, recorded

ORDINARY = "qemu-shared-as-an-ordinary-user-sees-it"
FROM_KERNELS = [name for name in RECORDED if name.startswith("qemu-") and name != ORDINARY]


@pytest.mark.parametrize("name", FROM_KERNELS)
def test_the_predicted_groups_are_the_kernels(name: str) -> None:
    machine = recorded(name)
    live = {address: frozenset(group.devices) for group in machine.groups for address in group.devices}
    prediction = predict(machine, acs.Settings())
    assert {address: prediction.group(address) for address in live} == live


def test_every_bridge_sort_and_both_makers_are_among_them() -> None:
    assert len(FROM_KERNELS) >= 20
    assert any(recorded(name).iommu.units[:1] == ("ivhd0",) for name in FROM_KERNELS)
    assert any(recorded(name).iommu.units[:1] == ("dmar0",) for name in FROM_KERNELS)


@pytest.mark.parametrize("name", FROM_KERNELS)
def test_each_group_of_several_slots_names_one_culprit_and_no_other_does(name: str) -> None:
    for verdict in judge_groups(recorded(name)):
        assert verdict.explained
        assert (verdict.culprit is not None) == (verdict.isolated is False)


@pytest.mark.parametrize(
    ("name", "culprit", "cause"),
    [
        ("two-root-ports-of-one-slot-without-acs", "0000:00:03.0", "no-acs-capability"),
        ("switch-below-a-root-port-without-acs", "0000:00:03.0", "no-acs-capability"),
        ("gpu-behind-a-conventional-bridge", "0000:00:03.0", "conventional-bridge"),
        ("conventional-bridges-in-a-row", "0000:01:00.0", "conventional-bridge"),
        ("legacy-bridge-on-the-root-bus", "0000:00:1e.0", "conventional-bridge"),
        ("switches-inside-switches", "0000:02:00.0", "no-acs-capability"),
        ("amd-iommu-and-two-root-ports-without-acs", "0000:00:03.0", "no-acs-capability"),
    ],
)
def test_the_culprit_is_the_port_that_was_built_without_acs(name: str, culprit: str, cause: str) -> None:
    found = [verdict.culprit for verdict in judge_groups(recorded(f"qemu-{name}")) if verdict.culprit]
    assert [(str(one.address), one.cause.value) for one in found] == [(culprit, cause)]


def test_groups_predicted_with_the_iommu_off_are_those_of_the_same_pc_with_it_on() -> None:
    off = recorded("qemu-acs-off-until-the-iommu-is-on")
    on = recorded("qemu-two-root-ports-of-one-slot-with-acs")
    assert not off.groups
    predicted = predict(off, acs.Settings(kernel_enables=True))
    live = {address: frozenset(group.devices) for group in on.groups for address in group.devices}
    assert {address: predicted.group(address) for address in live} == live
    # and it is the kernel's switching on that makes the difference
    as_it_stands = predict(off, acs.Settings())
    assert {address: as_it_stands.group(address) for address in live} != live


def test_an_ordinary_user_sees_the_same_groups_and_no_culprit() -> None:
    machine = recorded(ORDINARY)
    assert machine.groups == recorded("qemu-two-root-ports-of-one-slot-without-acs").groups
    assert not machine.privileged
    judged = report.judge(machine)
    assert [verdict.isolated for verdict in judged.groups] == [True, False, True]
    assert {verdict.culprit for verdict in judged.groups} == {None}
    slot = judged.gpus[0].slot
    assert (slot.isolated, slot.needs_override, slot.overrides) == (False, None, ())
    assert judged.gpus[0].framebuffer is None
    shared = next(finding for finding in judged.findings if finding.code == "gpu-shared")
    assert any("administrator" in step for step in shared.fix())


@pytest.mark.parametrize(
    ("name", "helps"),
    [
        ("two-root-ports-of-one-slot-without-acs", True),
        ("switch-below-a-root-port-without-acs", True),
        ("gpu-behind-a-conventional-bridge", False),
        ("conventional-bridges-in-a-row", False),
    ],
)
def test_the_override_is_advised_only_where_it_can_help(name: str, *, helps: bool) -> None:
    judged = report.judge(recorded(f"qemu-{name}"))
    assert [gpu.slot.needs_override for gpu in judged.gpus] == [helps]
    codes = {finding.code for finding in judged.findings}
    assert ("gpu-shared-override" in codes) is helps


@pytest.mark.parametrize(
    "name",
    [
        "gpu-alone-behind-a-good-root-port",
        "old-root-port-of-intel",
        "multifunction-endpoint-of-three-functions",
        "gpu-behind-a-good-switch",
    ],
)
def test_a_slots_own_functions_and_bridges_need_no_override(name: str) -> None:
    gpu = report.judge(recorded(f"qemu-{name}")).gpus[0]
    assert gpu.slot.isolated
    assert gpu.slot.needs_override is False


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("gpu-alone-behind-a-good-root-port", "on"),
        ("amd-iommu-with-an-ati-gpu", "on"),
        ("intel-without-argument", "on"),
        ("no-iommu", "virtual-machine"),
        ("firmware-without-the-iommu", "firmware-off"),
        ("firmware-without-virtualization", "virtualization-off"),
        ("amd-and-a-kernel-without-its-driver", "not-built"),
        ("intel-with-a-table-of-nonsense", "failed"),
        ("processor-of-another-maker", "unknown"),
        ("intel-switched-off-by-argument", "off-by-argument"),
        ("amd-switched-off-by-argument", "off-by-argument"),
        ("intel-passthrough-mode", "passthrough-mode"),
        ("intel-without-interrupt-remapping", "on-without-interrupt-remapping"),
    ],
)
def test_the_state_of_the_iommu_is_what_the_kernel_was_started_with(name: str, state: str) -> None:
    assert report.judge(recorded(f"qemu-{name}")).iommu.state.value == state


@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_machine_is_judged_and_told(name: str) -> None:
    judged = report.judge(recorded(name))
    assert report.as_json(judged)["verdict"]["text"]
    assert report.as_text(judged)
