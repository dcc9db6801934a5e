"""The command-line face: JSON, sentences, exit statuses."""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from libneuron import cli
from libneuron.errors import Exit
from libneuron.progress import ProgressView
from libneuron.system.errors import SystemAccessError
from libneuron.system.files import write_atomic

DEMO = """
import signal, sys
from libneuron import cli
def wait(options):
    print("ready", flush=True)
    signal.pause()
made = cli.parser("demo", "a test")
verbs = made.add_subparsers(required=True)
verb = verbs.add_parser("wait")
cli.add_json(verb)
verb.set_defaults(verb=wait)
sys.exit(cli.run(made, None))
"""


def _parser(verb: cli.Verb) -> argparse.ArgumentParser:
    made = cli.parser("demo", "a test")
    verbs = made.add_subparsers(required=True)
    one = verbs.add_parser("go")
    cli.add_json(one)
    one.set_defaults(verb=verb)
    return made


def _refuse(_options: argparse.Namespace) -> cli.Reply:
    raise SystemAccessError("system.program-missing", program="snapper", details="looked everywhere")


def test_a_reply_is_text_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    made = _parser(lambda _: cli.Reply({"a": 1}, "One a."))
    assert cli.run(made, ["go"]) == Exit.DONE
    assert capsys.readouterr().out == "One a.\n"


def test_a_reply_is_one_json_object_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    made = _parser(lambda _: cli.Reply({"a": "é"}, "One a.", Exit.FAILED))
    assert cli.run(made, ["go", "--json"]) == Exit.FAILED
    assert json.loads(capsys.readouterr().out) == {"a": "é"}


def test_an_error_is_a_sentence_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(_parser(_refuse), ["go"]) == Exit.CANNOT
    out = capsys.readouterr()
    assert out.out == ""
    assert out.err.splitlines() == [
        "The program “snapper” is not installed.",
        "Install it with your package manager and try again.",
        "“--debug” before the verb shows the details.",
    ]
    cli.run(_parser(_refuse), ["--debug", "go"])
    assert capsys.readouterr().err.splitlines()[-1] == "looked everywhere"


def test_an_error_as_json_has_code_message_hint_and_details(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(_parser(_refuse), ["go", "--json"]) == Exit.CANNOT
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "system.program-missing"
    assert set(error) == {"code", "message", "hint", "details"}


def test_a_file_that_cannot_be_written_is_a_sentence_with_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def save(_options: argparse.Namespace) -> cli.Reply:
        write_atomic(tmp_path / "missing" / "picture.png", b"")
        raise AssertionError("written into a folder that is not there")

    assert cli.run(_parser(save), ["go", "--json"]) == Exit.FAILED
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "system.file-refused"
    assert str(tmp_path / "missing") in error["message"]
    assert "folder" in error["hint"]


def test_a_usage_error_is_json_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run(_parser(_refuse), ["go", "--json", "--no-such-option"])
    assert ended.value.code == Exit.USAGE
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


@pytest.mark.parametrize("words", [["go"], ["go", "--json"]])
def test_whoever_reads_may_go_away(root: Path, words: list[str]) -> None:
    code = (
        "import sys\nfrom libneuron import cli\nmade = cli.parser('demo', 'a test')\n"
        "verb = made.add_subparsers().add_parser('go')\ncli.add_json(verb)\n"
        "verb.set_defaults(verb=lambda _: cli.Reply({'a': 'x' * 99999}, 'x\\n' * 99999))\n"
        "sys.exit(cli.run(made, None))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), said) == (0, b"")


@pytest.mark.parametrize("encoding", ["utf-8", "iso8859-1"])
def test_what_the_terminals_encoding_lacks_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    odd = "caf\udce9 ✓"  # a file's name in odd bytes; a sign that Latin-1 lacks
    for words in (["go"], ["go", "--json"]):
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", out)
        assert cli.run(_parser(lambda _: cli.Reply({"a": odd}, odd)), words) == Exit.DONE
        raw = out.buffer
        assert isinstance(raw, io.BytesIO)
        found = raw.getvalue().decode(encoding)
        assert found.startswith("caf?") if words == ["go"] else json.loads(found) == {"a": odd}


def test_a_wrong_word_is_usage() -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run(_parser(_refuse), ["no-such-verb"])
    assert ended.value.code == Exit.USAGE


@pytest.mark.parametrize(
    "words",
    [
        "go a --json -- -x --json",
        "go --json a -- -x --json",
        "go a -- -x --json",
        "go -- a -x --json",
        "go --json -- a -x --json",
    ],
)
def test_what_follows_two_dashes_belongs_to_the_verb_wherever_its_options_stand(words: str) -> None:
    made = cli.parser("demo", "a test")
    going = made.add_subparsers().add_parser("go")
    cli.add_json(going)
    going.add_argument("where")
    cli.add_rest(going, "words", "its words")
    found = made.parse_args(words.split())
    assert (found.where, found.words, found.json) == ("a", ["-x", "--json"], words.count("--json") == 2)


def test_what_a_verb_still_needs_may_stand_behind_the_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    made = cli.parser("demo", "a test")
    going = made.add_subparsers().add_parser("go")
    going.add_argument("where")
    cli.add_rest(going, "words", "its words")
    for words, where, rest in (("-- a", "a", []), ("-- -a -b", "-a", ["-b"]), ("a -- b", "a", ["b"])):
        found = made.parse_args(["go", *words.split()])
        assert (found.where, found.words) == (where, rest)
    with pytest.raises(SystemExit):
        made.parse_args(["go", "--"])
    assert "required: where" in capsys.readouterr().err


def test_interrupting_a_verb_is_cancelled(root: Path) -> None:
    path = os.pathsep.join(str(part) for part in (root, root / "apps"))
    process = subprocess.Popen(
        [sys.executable, "-c", DEMO, "wait", "--json"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == Exit.CANCELLED
    assert json.loads(out)["error"]["code"] == "cancelled"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (200 << 20, "200 MiB"), (5 << 40, "5.0 TiB")],
)
def test_sizes_are_written_for_a_person(size: int, text: str) -> None:
    assert cli.bytes_text(size) == text


@pytest.mark.parametrize(("seconds", "text"), [(5, "0:05"), (125, "2:05"), (3600, "1:00:00")])
def test_durations_are_written_for_a_person(seconds: float, text: str) -> None:
    assert cli.seconds_text(seconds) == text


def test_progress_is_drawn_only_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    view = ProgressView(
        done=512,
        total=1024,
        unit="bytes",
        item="a.jpg",
        rate=1.0,
        remaining=65.0,
        cancellable=True,
        paused=False,
    )
    plain, terminal = io.StringIO(), Terminal()
    cli.ProgressLine(plain)(view)
    cli.ProgressLine(terminal)(view)
    assert plain.getvalue() == ""
    assert terminal.getvalue().endswith("512 B / 1.0 KiB  1:05 left  a.jpg")


STEER = "a\x1b]0;title\x07b\x9b2Jc\rd\te\n"


def test_what_a_text_quotes_does_not_steer_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_options: argparse.Namespace) -> cli.Reply:
        raise SystemAccessError("system.program-missing", program=STEER)

    cli.run(_parser(refuse), ["go"])
    assert not set("\x1b\x07\x9b\r") & set(capsys.readouterr().err)
    made = _parser(lambda _: cli.Reply({"a": STEER}, STEER))
    cli.run(made, ["go"])
    assert capsys.readouterr().out == STEER  # into a file or a pipe: as it is
    cli.run(made, ["go", "--json"])
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": STEER}
    assert not set("\x1b\x07\x9b\r") & set(out)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    cli.run(made, ["go"])
    out = capsys.readouterr().out
    assert not set("\x1b\x07\x9b\r") & set(out)
    assert "d\te\n" in out


@pytest.mark.parametrize(
    "app",
    [
        "neuron_hardware_advisor",
        "neuron_migration_assistant",
        "neuron_update_guardian",
    ],
)
def test_where_no_desktop_answers_an_app_says_so_and_what_it_can_do(root: Path, app: str) -> None:
    other = ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    kept = {key: value for key, value in os.environ.items() if key not in other}
    done = subprocess.run(
        [sys.executable, "-m", app],
        env={**kept, "DISPLAY": ":64999", "PYTHONPATH": f"{root}:{root / 'apps'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (Exit.CANNOT, "")
    assert done.stderr == (
        "No desktop answers here, so there is no window. "
        f"“{app.replace('_', '-')} --help” lists what it does in a terminal.\n"
    )
