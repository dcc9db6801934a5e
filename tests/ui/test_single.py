"""One instance per person: the second start asks the first, whatever became of those before."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from libneuron.ui.single import SingleInstance


def test_a_second_start_asks_the_first_to_show_itself(qtbot: QtBot, tmp_path: Path) -> None:
    asked: list[bool] = []
    first = SingleInstance(tmp_path / "run", "app", lambda: asked.append(True))
    second = SingleInstance(tmp_path / "run", "app", lambda: None)
    assert (first.first, second.first) == (True, False)
    qtbot.waitUntil((tmp_path / "run" / "app.socket").exists)  # it listens once its event loop runs
    assert second.ask_first()
    qtbot.waitUntil(lambda: asked == [True])
    second.close()
    first.close()


def test_after_the_first_has_ended_the_next_is_first(qtbot: QtBot, tmp_path: Path) -> None:
    first = SingleInstance(tmp_path / "run", "app", lambda: None)
    first.close()
    second = SingleInstance(tmp_path / "run", "app", lambda: None)
    assert second.first
    second.close()


def test_a_socket_left_by_a_crash_is_in_nobodys_way(qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    (folder / "app.socket").touch()
    (folder / "app.lock").write_text("left behind")
    only = SingleInstance(folder, "app", lambda: None)
    assert only.first
    only.close()


def test_two_apps_do_not_meet_and_others_cannot_look_in(qtbot: QtBot, tmp_path: Path) -> None:
    one = SingleInstance(tmp_path / "run", "one", lambda: None)
    other = SingleInstance(tmp_path / "run", "other", lambda: None)
    assert one.first and other.first
    assert (tmp_path / "run").stat().st_mode & 0o077 == 0
    one.close()
    other.close()


def test_what_the_second_start_was_told_to_do_reaches_the_first(qtbot: QtBot, tmp_path: Path) -> None:
    done: list[str] = []
    first = SingleInstance(tmp_path / "run", "app", lambda: done.append("shown"))
    first.wished = done.append
    second = SingleInstance(tmp_path / "run", "app", lambda: None)
    qtbot.waitUntil((tmp_path / "run" / "app.socket").exists)
    assert second.ask_first("show 7")
    qtbot.waitUntil(lambda: done == ["shown", "show 7"])
    second.close()
    first.close()
