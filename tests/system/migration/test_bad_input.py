"""Bad input, one by one: refused in a sentence, on the command line and in the wizard, and harmless."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from libneuron.errors import NeuronError
from libneuron.migration.home import Home
from libneuron.system.clock import RealClock
from libneuron.system.files import Root
from libneuron.ui.text import translate
from neuron_migration_assistant.__main__ import main
from neuron_migration_assistant.work import Job
from tests.system.migration import bitlocker, hive, ntfs
from tests.unit.migration.maker import Lab, progress, tree

FILES: dict[str, bytes | str] = {
    "Documents/a.txt": "a",
    "AppData/Local/Google/Chrome/User Data/Local State": "{}",
    "AppData/Local/Google/Chrome/User Data/Default/Preferences": "{}",
}


@dataclass
class Bad:
    """A source and a home of which something is wrong."""

    lab: Lab
    stack: ExitStack
    source: Path = field(init=False)
    key: str = ""

    def __post_init__(self) -> None:
        self.source = self.lab.source

    def disk(self, size: int) -> Path:
        """Put the home on a small file system of its own; returns its image."""
        image = self.lab.top / "disk.img"
        with image.open("wb") as file:
            file.truncate(size)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, self.lab.home], check=True)
        self.stack.callback(lambda: subprocess.run(["umount", self.lab.home], check=True))
        return image


def not_windows(bad: Bad) -> None:
    bad.source = bad.lab.top / "photos"
    (bad.source / "2019").mkdir(parents=True)


def empty_folder(bad: Bad) -> None:
    bad.source = bad.lab.top / "nothing"
    bad.source.mkdir()


def no_folder(bad: Bad) -> None:
    bad.source = bad.lab.top / "missing"


def not_an_image(bad: Bad) -> None:
    bad.source = bad.lab.top / "holiday.jpg"
    bad.source.write_bytes(os.urandom(5000))


def wrong_key(bad: Bad) -> None:
    bad.source = bad.lab.top / "locked.img"
    plain = bad.lab.top / "plain.img"
    ntfs.make(plain, 24 << 20)
    bad.source.write_bytes(bitlocker.lock(plain.read_bytes()))
    bad.key = bitlocker.WRONG_KEY


def browser_running(bad: Bad) -> None:
    profile = bad.lab.home / ".config/google-chrome"
    profile.mkdir(parents=True)
    (profile / "SingletonLock").symlink_to(f"host-{os.getpid()}")


def home_missing(bad: Bad) -> None:
    bad.lab.home.rmdir()


def home_read_only(bad: Bad) -> None:
    bad.disk(32 << 20)
    subprocess.run(["mount", "-o", "remount,ro", bad.lab.home], check=True)


def no_space(bad: Bad) -> None:
    bad.disk(32 << 20)
    (bad.lab.profile / "Documents/film").write_bytes(bytes(40 << 20))


def home_in_source(bad: Bad) -> None:
    inner = bad.lab.profile / "home"
    inner.mkdir()
    bad.lab.home.rmdir()
    bad.lab.home.symlink_to(inner)


CASES: list[tuple[Callable[[Bad], None], str, str]] = [
    (not_windows, "not-windows", "No Windows person was found in “{source}”."),
    (empty_folder, "not-windows", "No Windows person was found in “{source}”."),
    (no_folder, "source-missing", "“{source}” is not a folder that can be read."),
    (not_an_image, "image-without-windows", "No Windows partition was found in “{source}”."),
    (wrong_key, "bitlocker-wrong-key", "The recovery key does not open this drive."),
    (browser_running, "app-running", "Google Chrome is running and uses the settings that would be changed."),
    (home_missing, "home-missing", "The home folder “{home}” does not exist."),
    (home_read_only, "home-read-only", "Nothing can be written in “{home}”."),
    (no_space, "no-space", "There is not enough room in “{home}”:"),
    (home_in_source, "home-inside-source", "The home folder “{home}” lies inside the Windows files."),
]
NAMES = [case[0].__name__ for case in CASES]


@pytest.fixture
def bad(tmp_path: Path) -> Iterator[Bad]:
    with ExitStack() as stack:
        yield Bad(Lab(tmp_path).make(FILES), stack)


def home_of(bad: Bad) -> dict[str, object]:
    return tree(bad.lab.home, times=True)


@pytest.mark.parametrize(("spoil", "code", "sentence"), CASES, ids=NAMES)
def test_the_command_line_says_what_is_wrong(
    bad: Bad, capsys: pytest.CaptureFixture[str], spoil: Callable[[Bad], None], code: str, sentence: str
) -> None:
    spoil(bad)
    before, source = home_of(bad), tree(bad.lab.source, times=True)
    words = ["run", str(bad.source), "--home", str(bad.lab.home), "--yes"]
    if bad.key:
        (bad.lab.top / "key").write_text(bad.key)
        words += ["--recovery-key", str(bad.lab.top / "key")]
    assert main([*words, "--json"]) == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == f"migration.{code}"
    wanted = sentence.format(source=bad.source, home=bad.lab.home)
    assert error["message"].startswith(wanted)
    assert error["hint"]
    assert main(words) == 3
    assert wanted in capsys.readouterr().err
    assert (home_of(bad), tree(bad.lab.source, times=True)) == (before, source)


@pytest.mark.parametrize(("spoil", "code", "sentence"), CASES, ids=NAMES)
def test_the_wizards_steps_say_the_same(
    bad: Bad, spoil: Callable[[Bad], None], code: str, sentence: str
) -> None:
    spoil(bad)
    before = home_of(bad)
    root = Root(Path("/"))
    job = Job(Home(bad.lab.home, root), RealClock(), root, translate, recovery_key=bad.key)
    with pytest.raises(NeuronError) as caught:
        (person,) = job.find_people(bad.source, progress())
        plan = job.make_plan(bad.source, person.name, progress())
        job.begin(plan, frozenset(one.item.id for one in plan.items), progress())
    job.forget()
    assert caught.value.code == f"migration.{code}"
    assert str(caught.value).startswith(sentence.format(source=bad.source, home=bad.lab.home))
    assert home_of(bad) == before


def test_a_broken_hive_is_told_and_everything_comes_without_it(
    bad: Bad, capsys: pytest.CaptureFixture[str]
) -> None:
    hive.make(bad.lab.profile / "NTUSER.DAT", "Software", {})
    data = (bad.lab.profile / "NTUSER.DAT").read_bytes()
    (bad.lab.profile / "NTUSER.DAT").write_bytes(data[:4096] + os.urandom(len(data) - 4096))
    assert main(["run", str(bad.source), "--home", str(bad.lab.home), "--yes", "--json"]) == 0
    text = capsys.readouterr().out
    assert "NTUSER.DAT” is damaged." in json.dumps(json.loads(text), ensure_ascii=False)
    assert (bad.lab.home / "Documents/a.txt").read_text() == "a"


def test_malicious_names_and_links_reach_nothing_outside_the_home(
    bad: Bad, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = bad.lab.top / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    documents = bad.lab.profile / "Documents"
    (documents / "up").symlink_to("../../../../outside")
    (documents / "secret.txt").symlink_to(outside / "secret")
    for name in ("..\\..\\x", "C:\\x", "-rf", "$(touch x)", "a\nb", "\x1b[2J", "%s%n", "..."):
        (documents / name).write_text(name)
    os.mkfifo(documents / "pipe")
    os.link(documents / "a.txt", documents / "hard.txt")
    (bad.lab.home / "Pictures").symlink_to(outside)
    (bad.lab.profile / "Pictures").mkdir()
    (bad.lab.profile / "Pictures/b.jpg").write_text("b")
    before, source = tree(outside, times=True), tree(bad.lab.source, times=True)
    assert main(["run", str(bad.source), "--home", str(bad.lab.home), "--yes"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert (tree(outside, times=True), tree(bad.lab.source, times=True)) == (before, source)
    assert {path.name for path in bad.lab.top.iterdir()} == {"windows", "home", "outside"}
    made = [path for path in bad.lab.home.rglob("*") if path.is_symlink()]
    assert made == [bad.lab.home / "Pictures"]
    assert (bad.lab.home / "Documents/..\\..\\x").read_text() == "..\\..\\x"
