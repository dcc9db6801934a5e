"""Applications of a Windows: found, with icons, started, and files opened with them."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QImage

from tests.system.wine.lab import WineLab
from tests.system.wine.test_desktop import do, wait_for, windows_titled


def named(wine: WineLab, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(app for app in do(wine, "apps", icons=True) if app["name"] == name)
    return found


def notepad_shortcut(wine: WineLab, name: str) -> str:
    target = r"C:\windows\notepad.exe"
    made: str = wine.call("start_menu.make", name=name, target=target, arguments="", icon="", index=0)
    return made


def close_all(wine: WineLab, title: str) -> None:
    for window in windows_titled(wine, title):
        do(wine, "close_window", window["id"])
    wait_for(lambda: not windows_titled(wine, title))


def test_a_shortcut_in_the_start_menu_is_an_application_with_its_icon(wine: WineLab) -> None:
    path = notepad_shortcut(wine, "Éditeur 😀")
    app = named(wine, "Éditeur 😀")
    assert app["path"] == path
    image = QImage.fromData(app["icon"])
    assert (image.width(), image.height()) == (64, 64)
    alphas = {image.pixelColor(x, y).alpha() for x in range(64) for y in range(64)}
    assert {0, 255} <= alphas


def test_a_shortcut_is_launched_with_the_arguments_it_holds(wine: WineLab) -> None:
    (wine.prefix / "drive_c" / "held by the shortcut.txt").write_text("x")
    wine.call(
        "start_menu.make",
        name="With a file",
        target=r"C:\windows\notepad.exe",
        arguments=r'"C:\held by the shortcut.txt"',
        icon=r"C:\windows\system32\shell32.dll",
        index=3,
    )
    app = named(wine, "With a file")
    assert app["icon"]
    assert do(wine, "launch", app["path"], []) >= 0
    wait_for(lambda: windows_titled(wine, "held by the shortcut"))
    close_all(wine, "held by the shortcut")


def test_a_shortcut_to_the_network_is_listed_but_its_icon_not_looked_up(wine: WineLab) -> None:
    wine.call(
        "start_menu.make",
        name="Far away",
        target=r"C:\windows\notepad.exe",
        arguments="",
        icon=r"\\10.255.255.1\share\icon.ico",
        index=0,
    )
    assert named(wine, "Far away")["icon"]


def test_what_only_looks_like_a_shortcut_is_left_out(wine: WineLab) -> None:
    path = wine.call(
        "start_menu.make",
        name="Soon broken",
        target=r"C:\windows\notepad.exe",
        arguments="",
        icon="",
        index=0,
    )
    file = wine.prefix / "drive_c" / path[3:].replace("\\", "/")
    file.write_bytes(b"\0" * 100)
    assert "Soon broken" not in [app["name"] for app in do(wine, "apps", icons=False)]


def test_a_file_is_opened_with_the_program_for_its_kind(wine: WineLab) -> None:
    wine.run("reg", "add", r"HKCR\.txt", "/ve", "/d", "txtfile")
    (wine.prefix / "drive_c" / "to be opened é.txt").write_text("x")
    assert do(wine, "open", r"C:\to be opened é.txt") is None
    wait_for(lambda: windows_titled(wine, "to be opened é"))
    close_all(wine, "to be opened é")
    assert do(wine, "open", r"C:\not there.txt")["refused"] == "not-found"
