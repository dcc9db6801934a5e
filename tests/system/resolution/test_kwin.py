"""A window in a real KWin session is followed: opened, resized, closed, and KWin itself started anew."""

from __future__ import annotations

import queue
from collections.abc import Iterator

import pytest
from dbus_fast import Message

from libneuron.guest.resolution import Size
from libneuron.system.bus import Bus
from libneuron.system.errors import SystemAccessError
from libneuron.system.kwin_windows import KWinWindows
from libneuron.system.loop import LoopThread
from libneuron.system.x11_window import WatchedWindow
from neuron_guest_bridge.desktop_windows import Windows
from tests.system.resolution.kwin import KWin, running
from tests.system.resolution.screen import CLASS

WAIT = 60.0
News = queue.Queue[tuple[str, WatchedWindow | None]]


@pytest.fixture
def kwin() -> Iterator[KWin]:
    with running() as made:
        yield made


@pytest.fixture
def io() -> Iterator[LoopThread]:
    with LoopThread() as thread:
        yield thread


def until(news: News, wanted: WatchedWindow | None) -> None:
    while (told := news.get(timeout=WAIT)) != (CLASS, wanted):
        assert told[0] == CLASS


def test_a_window_is_followed_from_opening_to_closing_also_by_the_next_kwin(
    kwin: KWin, io: LoopThread
) -> None:
    news: News = queue.Queue()
    kwin.begin()
    kwin.window("another", 400, 300)
    watcher = KWinWindows(io, (CLASS,), lambda *told: news.put(told), address=kwin.address)
    try:
        client = kwin.window(CLASS, 800, 600)
        until(news, WatchedWindow(800, 600, 96.0))
        kwin.resize(CLASS, 1024, 700)
        until(news, WatchedWindow(1024, 700, 96.0))
        kwin.end(client)
        until(news, None)
        client = kwin.window(CLASS, 640, 480)
        until(news, WatchedWindow(640, 480, 96.0))

        kwin.end(kwin.kwin)
        until(news, None)
        kwin.begin()
        kwin.window(CLASS, 500, 400)
        until(news, WatchedWindow(500, 400, 96.0))
    finally:
        watcher.close()


def test_another_program_cannot_pretend_to_be_kwin_and_the_script_goes_with_us(
    kwin: KWin, io: LoopThread
) -> None:
    news: News = queue.Queue()
    kwin.begin()
    watcher = KWinWindows(io, (CLASS,), lambda *told: news.put(told), address=kwin.address)
    service = str(watcher._bus.connection.unique_name)
    plugin = watcher._plugin
    with pytest.raises(SystemAccessError) as refused:
        kwin.call(service, "Changed", "siii", CLASS, 800, 600, 100)
    assert "AccessDenied" in refused.value.details
    assert kwin.loaded(plugin)
    watcher.close()
    assert not kwin.loaded(plugin)
    assert news.empty()


def test_in_a_wayland_session_the_app_asks_kwin(
    kwin: KWin, io: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    news: queue.Queue[tuple[str, Size | None]] = queue.Queue()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-test")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", kwin.address)
    monkeypatch.delenv("DISPLAY", raising=False)
    kwin.begin()
    windows = Windows(io, (CLASS, "remote-viewer"), lambda *told: news.put(told))
    try:
        assert windows.watching
        kwin.window(CLASS, 700, 500)
        assert news.get(timeout=WAIT) == (CLASS, Size(700, 500))
        assert windows.classes == {CLASS}
    finally:
        windows.close()


def test_without_kwin_it_says_so(kwin: KWin, io: LoopThread) -> None:
    with pytest.raises(SystemAccessError) as refused:
        KWinWindows(io, (CLASS,), lambda *_told: None, address=kwin.address)
    assert refused.value.code == "system.bus-error"


async def sent(bus: Bus, message: Message) -> None:
    await bus.connection.send(message)


def test_another_program_cannot_say_that_it_has_taken_kwins_place(kwin: KWin, io: LoopThread) -> None:
    """A bus hands on a signal to whom it is addressed, whatever its sender calls it."""
    news: News = queue.Queue()
    kwin.begin()
    watcher = KWinWindows(io, (CLASS,), lambda *told: news.put(told), address=kwin.address)
    service = str(watcher._bus.connection.unique_name)
    bus = io.wait(Bus.open(address=kwin.address))
    try:
        name = str(bus.connection.unique_name)
        forged = Message.new_signal(
            "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss",
            ["org.kde.KWin", "", name],
        )  # fmt: skip
        forged.destination = service
        io.wait(sent(bus, forged))
        with pytest.raises(SystemAccessError) as refused:
            call = (service, "/org/neuronos/Windows", "org.neuronos.Windows1", "Changed", "siii")
            io.wait(bus.call(*call, (CLASS, 800, 600, 100)))
        assert "AccessDenied" in refused.value.details
    finally:
        io.wait(bus.close())
        watcher.close()
    assert news.empty()
