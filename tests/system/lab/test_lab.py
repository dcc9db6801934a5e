"""The lab itself: images are named by what they hold, and a machine of one answers."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

import pytest

from tests.system.lab.image import GuestFile, Layout, Recipe, build, overlay
from tests.system.lab.machine import CHANNEL, Machine
from tests.system.lab.recipes import GUEST


def test_a_change_to_a_recipe_names_another_image() -> None:
    plain = Recipe("x")
    for change in (
        Recipe("x", packages=("less",)),
        Recipe("x", files=(GuestFile("/etc/x", "y"),)),
        Recipe("x", commands=("true",)),
        Recipe("x", layout=Layout("btrfs")),
    ):
        assert change.disk_hash != plain.disk_hash


def test_layouts_share_one_tree_where_only_subvolumes_differ() -> None:
    named = Recipe("x", layout=Layout("btrfs", (("@", "/"),)))
    default = dataclasses.replace(named, layout=Layout("btrfs", (("@", "/"),), default=True))
    assert named.tree_hash == default.tree_hash
    assert named.disk_hash != default.disk_hash
    assert "subvol=@" in named.layout.root_flags
    assert "subvol" not in default.layout.root_flags


@pytest.mark.vm
def test_a_machine_runs_commands_moves_files_and_has_the_channel(tmp_path: Path) -> None:
    image = build(GUEST)
    before = image.disk.stat().st_mtime_ns
    with Machine(image, folder=tmp_path) as vm:
        vm.wait_ready()
        assert vm.shell.sh("cat /proc/1/comm") == "systemd"
        data = bytes(range(256)) * 5000
        vm.shell.write("/root/new/file", data, mode=0o600)
        assert vm.shell.read("/root/new/file") == data
        assert vm.shell.sh("stat -c %a /root/new/file") == "600"
        echo = f"p = open('/dev/virtio-ports/{CHANNEL}', 'r+b', buffering=0); p.write(p.read(5)[::-1])"
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(30)
            link.connect(str(vm.port(CHANNEL)))  # before the guest reads: without a host it reads an end
            pid = vm.shell.start("/usr/bin/python3", "-c", echo)
            link.sendall(b"hello")
            assert link.recv(5) == b"olleh"
        vm.shell.finish(pid)
        vm.monitor("quit")
        assert vm.wait_ended() == 0
    assert image.disk.stat().st_mtime_ns == before


def test_an_overlay_leaves_the_image_alone(tmp_path: Path) -> None:
    image = build(GUEST)
    assert overlay(image, tmp_path / "o.qcow2").stat().st_size < 1 << 20
