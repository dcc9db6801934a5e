"""One hypervisor: libvirt's own test driver, and addresses where nobody is."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

from libneuron.guest.errors import GuestError
from libneuron.guest.hypervisor.channel import add_channel, somebody_is_connected
from libneuron.guest.hypervisor.connection import Change, Hypervisor, no_vm
from libneuron.guest.hypervisor.domains import ChannelState, Power

_NODE = """\
<node><domain type='test'><name>test</name><memory>8192</memory><os><type>hvm</type></os></domain></node>
"""


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Hypervisor]:
    node = tmp_path / "node.xml"  # a node of its own: test:///default is shared by the whole process
    node.write_text(_NODE)
    made = Hypervisor(f"test://{node}")
    yield made
    made.close()


def test_domains_are_found_with_their_state(fake: Hypervisor) -> None:
    (only,) = fake.domains()
    assert (only.name, only.power, only.channel) == ("test", Power.RUNNING, ChannelState.MISSING)
    assert fake.domain(only.uuid) == only


def test_a_change_of_power_is_done_and_told(fake: Hypervisor) -> None:
    news: queue.SimpleQueue[Change] = queue.SimpleQueue()
    only = fake.domain("test")
    stop = fake.watch(news.put)
    fake.suspend(only)
    assert news.get(timeout=10) == Change(only.uuid)
    assert fake.domain("test").power is Power.PAUSED
    fake.start(only)
    assert fake.domain("test").power is Power.RUNNING
    fake.power_off(only)
    assert fake.domain("test").power is Power.OFF
    stop()


def test_what_needs_a_running_vm_says_that_it_is_off(fake: Hypervisor) -> None:
    only = fake.domain("test")
    fake.power_off(only)
    for verb in (fake.shutdown, fake.reboot, fake.suspend, fake.power_off):
        with pytest.raises(GuestError) as off:
            verb(only)
        assert off.value.code == "guest.vm-off"


def test_starting_what_runs_says_so(fake: Hypervisor) -> None:
    with pytest.raises(GuestError) as running:
        fake.start(fake.domain("test"))
    assert running.value.code == "guest.vm-running"


def test_a_vm_that_cannot_be_changed_is_an_error_with_details(fake: Hypervisor) -> None:
    with pytest.raises(GuestError) as refused:
        add_channel(fake, fake.domain("test"))  # the test driver has no virtio-serial
    assert refused.value.code == "guest.vm-unchangeable"
    assert "channel" in refused.value.details


def test_a_wrong_name_names_what_it_might_have_been() -> None:
    near = no_vm("Windows11", ("windows-11", "debian", "win11"))
    assert near.code == "guest.no-vm-near"
    assert "“windows-11”" in near.hint()
    assert "debian" not in near.hint()
    assert no_vm("zzz", ("debian",)).code == "guest.no-vm"


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("qemu:///system?socket=/nonexistent/socket", "guest.no-libvirt"),
        ("nonsense", "guest.bad-uri"),
    ],
)
def test_where_no_libvirt_is_the_person_is_told_what_to_do(uri: str, code: str) -> None:
    nobody = Hypervisor(uri)
    with pytest.raises(GuestError) as refused:
        nobody.domains()
    assert refused.value.code == code
    assert uri in refused.value.sentence()
    assert refused.value.hint()
    nobody.close()


_TABLE = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 19001 /run/win11
0000000000000000: 00000003 00000000 00000000 0001 03 19002 /run/win 12
0000000000000000: 00000003 00000000 00000000 0001 03 19003
"""


def test_the_kernels_table_tells_whether_a_socket_has_a_client() -> None:
    assert not somebody_is_connected(_TABLE, Path("/run/win11"))
    assert somebody_is_connected(_TABLE, Path("/run/win 12"))
    assert not somebody_is_connected(_TABLE, Path("/run/win"))
    assert not somebody_is_connected("", Path("/run/win"))


def test_vms_elsewhere_are_not_looked_for_in_our_files() -> None:
    assert Hypervisor("qemu:///system").local
    assert Hypervisor("qemu:///system?socket=/x").local
    assert not Hypervisor("qemu+ssh://user@host/system").local
