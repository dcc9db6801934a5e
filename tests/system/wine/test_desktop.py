"""The Windows backend on a real Windows Python: what a person would see really happens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.system.wine.lab import SCREEN, WineLab


def do(wine: WineLab, verb: str, *arguments: object, **named: object) -> Any:
    return wine.call("desktop.do", verb=verb, arguments=arguments, named=named)


def windows_titled(wine: WineLab, part: str) -> list[dict[str, Any]]:
    return [each for each in do(wine, "windows") if part in each["title"]]


def wait_for(condition: Any, seconds: float = 30) -> Any:
    """Poll until ``condition()`` is true; returns what it gave."""
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.1)
    return found


@pytest.fixture
def notepad(wine: WineLab) -> Iterator[dict[str, Any]]:
    """A Notepad launched by the backend, with its window."""
    assert do(wine, "launch", "notepad.exe", []) > 0
    window: dict[str, Any] = wait_for(lambda: windows_titled(wine, "Notepad"))[0]
    yield window
    for each in windows_titled(wine, "Notepad"):
        do(wine, "close_window", each["id"])
    wait_for(lambda: not windows_titled(wine, "Notepad"))


def test_info_names_windows_the_person_and_the_session(wine: WineLab) -> None:
    info = do(wine, "info")
    assert info["os"] == "Windows"
    assert info["os_version"].startswith("10.")
    assert info["backend"] == "windows"
    assert info["session"] == "active"
    assert info["user"]
    assert info["dpi"] == 96


def test_the_resolution_really_changes_and_is_read_back(wine: WineLab) -> None:
    try:
        after = wine.call("desktop.set_mode", width=1024, height=768)
        assert (after["width"], after["height"]) == (1024, 768)
        now = do(wine, "mode")
        assert (now["width"], now["height"]) == (1024, 768)
        shot = wine.call("desktop.pixels_of", png=do(wine, "screenshot"))
        assert (shot["width"], shot["height"]) == (1024, 768)
    finally:
        wine.call("desktop.set_mode", width=SCREEN[0], height=SCREEN[1])


def test_a_mode_that_the_screen_has_not_is_refused_and_nothing_changes(wine: WineLab) -> None:
    before = do(wine, "mode")
    assert wine.call("desktop.set_mode", width=1234, height=567)["refused"] == "mode-refused"
    assert wine.call("desktop.set_mode", width=70000, height=-1)["refused"] == "mode-refused"
    assert do(wine, "mode") == before


def test_modes_are_listed_with_the_present_one_among_them(wine: WineLab) -> None:
    sizes = {(mode["width"], mode["height"]) for mode in do(wine, "modes")}
    assert SCREEN in sizes
    assert (1920, 1080) in sizes or (1024, 768) in sizes


def test_a_launched_program_shows_its_window_and_closes_when_asked(
    wine: WineLab, notepad: dict[str, Any]
) -> None:
    assert notepad["app"].lower().endswith("\\notepad.exe")
    do(wine, "close_window", notepad["id"])
    wait_for(lambda: not windows_titled(wine, "Notepad"))
    assert do(wine, "focus_window", notepad["id"])["refused"] == "not-found"


def test_a_window_is_brought_to_the_front(wine: WineLab, notepad: dict[str, Any]) -> None:
    do(wine, "launch", "winver.exe", [])
    other = wait_for(lambda: windows_titled(wine, "About Wine"))[0]
    do(wine, "focus_window", notepad["id"])
    assert windows_titled(wine, "Notepad")[0]["focused"]
    do(wine, "focus_window", other["id"])
    assert not windows_titled(wine, "Notepad")[0]["focused"]
    do(wine, "close_window", other["id"])
    wait_for(lambda: not windows_titled(wine, "About Wine"))


def test_the_screenshot_is_not_blank(wine: WineLab, notepad: dict[str, Any]) -> None:
    assert notepad["title"]
    shot = wine.call("desktop.pixels_of", png=do(wine, "screenshot"))
    assert (shot["width"], shot["height"]) == SCREEN
    # The window has its title before it has painted itself.
    wait_for(lambda: wine.call("desktop.pixels_of", png=do(wine, "screenshot"))["values"] > 10)


@pytest.mark.parametrize(
    ("verb", "target"),
    [
        ("open", r"\\server\share\x.txt"),
        ("open", "file:///C:/windows/win.ini"),
        ("open", "javascript:alert(1)"),
        ("open", r"C:\windows\notepad.exe"),
        ("launch", r"\\server\share\x.exe"),
        ("launch", r"C:\x\y.bat"),
    ],
)
def test_what_could_harm_is_refused(wine: WineLab, verb: str, target: str) -> None:
    arguments = [target] if verb == "open" else [target, []]
    assert do(wine, verb, *arguments)["refused"] == "refused"


def test_a_program_that_does_not_exist_is_not_found(wine: WineLab) -> None:
    assert do(wine, "launch", r"C:\nowhere\x.exe", [])["refused"] == "not-found"
    assert do(wine, "launch", "no-such-program", [])["refused"] == "not-found"


def test_metrics_are_plausible(wine: WineLab) -> None:
    metrics = do(wine, "metrics")
    assert 0 <= metrics["cpu"] <= 1
    assert 0 < metrics["memory_used"] <= metrics["memory_total"]
    assert metrics["uptime"] > 0
