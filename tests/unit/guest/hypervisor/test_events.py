"""libvirt's event loop, driven through libvirt itself: descriptors, timers, and beside Qt's loop."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from libneuron.guest.hypervisor.connection import Change, Hypervisor
from libneuron.guest.hypervisor.events import ensure_loop

READABLE, HANGUP = libvirt.VIR_EVENT_HANDLE_READABLE, libvirt.VIR_EVENT_HANDLE_HANGUP
Calls = queue.SimpleQueue  # what a callback was called with


@pytest.fixture(autouse=True)
def _loop() -> None:
    ensure_loop()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_descriptor_is_told_while_it_can_be_read_and_only_while_it_is_asked_for(
    pipe: tuple[int, int],
) -> None:
    calls: Calls[tuple[int, int]] = Calls()

    def told(watch: int, fd: int, events: int, _opaque: object) -> None:
        os.read(fd, 1)
        calls.put((watch, events))

    watch = libvirt.virEventAddHandle(pipe[0], READABLE, told, None)
    os.write(pipe[1], b"x")
    assert calls.get(timeout=30) == (watch, READABLE)
    libvirt.virEventUpdateHandle(watch, 0)
    os.write(pipe[1], b"x")
    other: Calls[int] = Calls()
    timer = libvirt.virEventAddTimeout(0, lambda number, _opaque: other.put(number), None)
    for _ in range(20):  # turns of the loop
        assert other.get(timeout=30) == timer
    assert calls.empty()
    libvirt.virEventUpdateHandle(watch, READABLE)
    assert calls.get(timeout=30) == (watch, READABLE)
    libvirt.virEventRemoveTimeout(timer)
    libvirt.virEventRemoveHandle(watch)


def test_the_other_end_that_hangs_up_is_told() -> None:
    ours, theirs = os.pipe()
    calls: Calls[int] = Calls()

    def told(watch: int, _fd: int, events: int, _opaque: object) -> None:
        libvirt.virEventRemoveHandle(watch)  # in its own callback, as libvirt does
        calls.put(events)

    libvirt.virEventAddHandle(ours, READABLE, told, None)
    os.close(theirs)
    assert calls.get(timeout=30) & HANGUP
    os.close(ours)


def test_a_timer_stops_and_starts_again() -> None:
    calls: Calls[int] = Calls()
    timer = libvirt.virEventAddTimeout(-1, lambda number, _opaque: calls.put(number), None)
    libvirt.virEventUpdateTimeout(timer, 1)
    assert calls.get(timeout=30) == timer
    assert calls.get(timeout=30) == timer
    libvirt.virEventRemoveTimeout(timer)


def test_beside_qts_loop_each_does_its_own_on_its_own_thread(qapp: QApplication, tmp_path: Path) -> None:
    """Qt's loop and libvirt's own would share GLib's: each ran the other's callbacks on its thread."""
    node = tmp_path / "node.xml"
    node.write_text(
        "<node><domain type='test'><name>t</name><memory>8192</memory>"
        "<os><type>hvm</type></os></domain></node>"
    )
    hypervisor = Hypervisor(f"test://{node}")
    changes: Calls[tuple[Change, int]] = Calls()
    stop = hypervisor.watch(lambda change: changes.put((change, threading.get_ident())))
    only = hypervisor.domain("t")
    hypervisor.suspend(only)
    here = threading.get_ident()
    change, thread = changes.get(timeout=30)  # Qt's loop does not run now
    assert change == Change(only.uuid)
    assert thread != here

    threads = set()
    loop = QEventLoop()
    ticks = iter(range(300))

    def tick() -> None:
        threads.add(threading.get_ident())
        if next(ticks, None) is None:
            timer.stop()
            loop.quit()

    timer = QTimer()
    timer.timeout.connect(tick)
    timer.start(1)
    turns = libvirt.virEventAddTimeout(1, lambda *_: None, None)
    loop.exec()
    libvirt.virEventRemoveTimeout(turns)
    hypervisor.start(only)
    assert changes.get(timeout=30)[1] == thread
    assert threads == {here}
    stop()
    hypervisor.close()
