"""Recording and replaying what was read of a machine."""

from __future__ import annotations

from pathlib import Path

from libneuron.system.files import Root
from libneuron.system.trees import RecordingTree, ReplayTree


def tree(top: Path) -> Root:
    (top / "sys/a").mkdir(parents=True)
    (top / "sys/a/value").write_text(" 1\n")
    (top / "sys/link").symlink_to("a/value")
    return Root(top)


def test_a_replay_answers_as_the_recorded_tree_did(tmp_path: Path) -> None:
    recorder = RecordingTree(tree(tmp_path))
    asked = (
        recorder.text("/sys/a/value"),
        recorder.bytes("/sys/missing"),
        recorder.names("/sys"),
        recorder.link("/sys/link"),
        recorder.link_name("/sys/link"),
        recorder.exists("/sys/a"),
        recorder.exists("/sys/b"),
    )
    assert asked == ("1", None, ("a", "link"), "a/value", "value", True, False)
    replay = ReplayTree(recorder.recording())
    assert asked == (
        replay.text("/sys/a/value"),
        replay.bytes("/sys/missing"),
        replay.names("/sys"),
        replay.link("/sys/link"),
        replay.link_name("/sys/link"),
        replay.exists("/sys/a"),
        replay.exists("/sys/b"),
    )


def test_what_was_not_asked_is_not_recorded(tmp_path: Path) -> None:
    recorder = RecordingTree(tree(tmp_path))
    recorder.names("/sys")
    assert recorder.recording().files == {}


def test_what_may_not_be_kept_is_neither_recorded_nor_told(tmp_path: Path) -> None:
    recorder = RecordingTree(tree(tmp_path), lambda _path, data: data.replace(b"1", b"x"))
    assert recorder.text("/sys/a/value") == "x"
    assert recorder.recording().files == {"/sys/a/value": b" x\n"}


def test_a_limit_cuts_a_replay_too(tmp_path: Path) -> None:
    recorder = RecordingTree(tree(tmp_path))
    recorder.bytes("/sys/a/value")
    assert ReplayTree(recorder.recording()).bytes("/sys/a/value", limit=2) == b" 1"
