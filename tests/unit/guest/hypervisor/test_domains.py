"""A domain's XML becomes one value, and devices become XML that no name can break."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libneuron.guest.hypervisor import devices
from libneuron.guest.hypervisor.domains import CHANNEL, ChannelState, Disc, Domain, Power, describe

_OURS = f"<channel type='unix'>{{source}}<target type='virtio' name='{CHANNEL}'{{state}}/></channel>"


def xml(devices: str = "", *, name: str = "win11", more: str = "") -> str:
    return (
        "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
        f"<name>{name}</name><uuid>9c2a</uuid><devices>{devices}</devices>{more}</domain>"
    )


def channel(*, path: str = "", state: str = "") -> str:
    return _OURS.format(
        source=f"<source mode='bind' path='{path}'/>" if path else "",
        state=f" state='{state}'" if state else "",
    )


def off(devices: str = "", more: str = "") -> Domain:
    return describe(live=None, config=xml(devices, more=more), power=Power.OFF)


@pytest.mark.parametrize(
    ("live", "config", "state"),
    [
        (None, "", ChannelState.MISSING),
        (None, channel(), ChannelState.CONFIGURED),
        ("", "", ChannelState.MISSING),
        ("", channel(), ChannelState.NEEDS_RESTART),
        (channel(), channel(), ChannelState.DISCONNECTED),
        (channel(state="disconnected"), channel(), ChannelState.DISCONNECTED),
        (channel(state="connected"), channel(), ChannelState.CONNECTED),
        (channel(state="connected"), None, ChannelState.CONNECTED),
    ],
)
def test_the_channels_state_follows_from_both_descriptions(
    live: str | None, config: str | None, state: ChannelState
) -> None:
    found = describe(
        live=None if live is None else xml(live),
        config=None if config is None else xml(config),
        power=Power.OFF if live is None else Power.RUNNING,
    )
    assert found.channel is state
    assert found.persistent is (config is not None)


def test_the_sockets_path_is_known_while_the_vm_runs() -> None:
    live = channel(path="/run/a & b", state="connected").replace("&", "&amp;")
    found = describe(live=xml(live), config=xml(channel()), power=Power.RUNNING)
    assert found.channel_path == Path("/run/a & b")
    assert found.active


def test_other_channels_are_not_ours() -> None:
    others = (
        "<channel><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>"
        "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>"
        "<channel type='pty'><target type='guestfwd' address='10.0.2.1' port='4600'/></channel>"
    )
    found = describe(live=xml(others), config=xml(others), power=Power.RUNNING)
    assert found.channel is ChannelState.MISSING
    assert found.guest_agent
    assert found.guest_agent_connected
    assert found.spice


_SHMEM = "<shmem name='looking-glass'><model type='ivshmem-plain'/><size{unit}>{size}</size></shmem>"
_RAW = "<qemu:commandline><qemu:arg value='-object'/><qemu:arg value='{value}'/></qemu:commandline>"
_PLAIN = "memory-backend-file,id=looking-glass,mem-path=/dev/kvmfr0,size=128M,share=yes"
_JSON = '{"qom-type":"memory-backend-file","id":"looking-glass","size":33554432,"share":true}'


@pytest.mark.parametrize(
    ("devices", "more", "size"),
    [
        (_SHMEM.format(unit=" unit='M'", size=64), "", 64 << 20),
        (_SHMEM.format(unit="", size=1 << 20), "", 1 << 20),
        (_SHMEM.format(unit=" unit='parsec'", size=1), "", None),
        ("", _RAW.format(value=_PLAIN), 128 << 20),
        ("", _RAW.format(value=_JSON), 32 << 20),
        ("", _RAW.format(value="isa-debugcon"), None),
        ("", "", None),
    ],
)
def test_looking_glasss_memory_is_found(devices: str, more: str, size: int | None) -> None:
    assert off(devices, more).ivshmem == size


def test_disc_drives_are_listed_with_what_is_in_them() -> None:
    found = off(
        "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>"
        "<disk type='file' device='cdrom'><source file='/x.iso'/><target dev='sdb' bus='usb'/></disk>"
        "<disk type='file' device='disk'><source file='/x.img'/><target dev='vda' bus='virtio'/></disk>"
    )
    assert found.discs == (Disc("sda", "sata", None), Disc("sdb", "usb", "/x.iso"))


@pytest.mark.parametrize("text", ["", "<domain", "<!DOCTYPE d [<!ENTITY a 'b'>]><domain/>", "\0"])
def test_what_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a domain description"):
        describe(live=None, config=text, power=Power.OFF)


def test_a_domain_without_any_description_is_refused() -> None:
    with pytest.raises(ValueError, match="without any description"):
        describe(live=None, config=None, power=Power.OFF)


_text = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1)


@given(_text)
def test_no_path_breaks_out_of_its_attribute(path: str) -> None:
    made = ElementTree.fromstring(devices.usb_drive("sdc", Path("/", path)))
    source = made.find("source")
    assert source is not None
    assert source.get("file") == str(Path("/", path))
    assert [item.tag for item in made] == ["driver", "source", "target", "readonly"]


def test_an_emptied_drive_has_no_source() -> None:
    assert "source" not in devices.medium(Disc("sda", "sata", "/x.iso"), None)


def test_a_free_disk_name_is_one_that_no_disk_has() -> None:
    used = "".join(f"<disk><target dev='sd{letter}'/></disk>" for letter in "abd")
    assert devices.free_target(xml(used)) == "sdc"


def test_the_channel_is_seen_in_a_description() -> None:
    assert devices.has_channel(xml(devices.channel()))
    assert not devices.has_channel(xml())
