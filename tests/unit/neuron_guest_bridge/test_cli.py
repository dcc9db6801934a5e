"""The command line over a channel's socket: each verb, its JSON, its exit status, its errors."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import queue
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from libneuron import cli
from libneuron.guest.api import GuestApp
from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.hypervisor import opening
from libneuron.guest.hypervisor.domains import Domain, Power, describe
from libneuron.guest.owner import acquire, serve
from libneuron.guest.permissions import DEFAULT, PermissionStore
from libneuron.guest.state import State
from libneuron.guest.wire.requests import Permission
from libneuron.system.loop import LoopThread
from libneuron.system.paths import Paths, below
from neuron_guest_bridge import reach, targets
from neuron_guest_bridge.__main__ import main, names_a_verb
from neuron_guest_bridge.cli import parser
from neuron_guest_bridge.simulation import VM, Simulation

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    made = below(tmp_path)
    monkeypatch.setattr(targets, "paths", lambda: made)
    return made


@pytest.fixture
def simulation(where: Paths) -> Iterator[Simulation]:
    with Simulation() as made:
        made.store = targets.keys(where)
        yield made


@pytest.fixture
def run(simulation: Simulation, capsys: pytest.CaptureFixture[str]) -> Run:
    def go(*words: str) -> tuple[int, dict[str, Any]]:
        where_to = () if words[0] == "unpair" else ("--socket", str(simulation.socket))
        status = main([*words, "--json", *where_to])
        found = json.loads(capsys.readouterr().out)
        assert isinstance(found, dict)
        return status, found

    return go


@pytest.fixture
def paired(simulation: Simulation, run: Run) -> Run:
    simulation.start()
    file = simulation.folder / "guest" / "neuron-enrolment.json"
    status, found = run("pair", VM, "--file", str(file))
    assert (status, found["paired"], found["method"]) == (0, True, "file")
    assert not file.exists()
    return run


def test_pairing_by_file_and_every_verb(paired: Run, simulation: Simulation, tmp_path: Path) -> None:
    status, found = paired("ping", VM)
    assert (status, found["version"]) == (0, "0.1.0")
    assert paired("info", VM)[1]["backend"] == "simulated"
    assert paired("clipboard", "set", VM, "text 🙂") == (0, {"characters": 6})
    assert paired("clipboard", "get", VM) == (0, {"text": "text 🙂"})
    status, found = paired("resolution", VM, "1920x1080")
    assert (status, found["width"], found["height"]) == (0, 1920, 1080)
    assert paired("resolution", VM)[1]["current"]["width"] == 1920
    assert [app["id"] for app in paired("apps", VM)[1]["apps"]] == ["notes", "paint", "files"]
    assert paired("launch", VM, "notes", "a", "b c")[0] == 0
    (window,) = paired("windows", VM)[1]["windows"]
    assert (window["title"], window["focused"]) == ("Notes (simulated) a b c", True)
    number = str(window["id"])
    assert paired("focus", VM, number) == (0, {"window": int(number)})
    assert paired("close", VM, number) == (0, {"window": int(number)})
    assert paired("windows", VM)[1]["windows"] == []
    assert paired("close", VM, number)[1]["error"]["code"] == "guest.not-found"
    assert paired("open", VM, "https://example.org/") == (0, {"opened": "https://example.org/"})
    assert paired("open", VM, str(simulation.socket))[0] == 0
    assert paired("open", VM, "/no/such/file")[1]["error"]["code"] == "guest.not-found"
    picture = tmp_path / "picture.png"
    assert paired("screenshot", VM, str(picture))[1]["width"] == 1920
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert paired("doctor", VM)[1]["ok"] is True
    assert paired("shutdown", VM) == (0, {"action": "shutdown"})


@pytest.mark.parametrize("damage", ["missing", "rubbish"])
def test_damaged_keys_of_one_machine_hide_no_other_and_can_be_removed(
    paired: Run, where: Paths, damage: str
) -> None:
    store = targets.keys(where)
    store.begin_enrolment("broken", "Broken")
    store.finish_enrolment("broken")
    certificate = where.data / "guest" / "keys" / "broken" / "paired" / "guest.pem"
    certificate.unlink() if damage == "missing" else certificate.write_text("rubbish")
    assert [(item.vm, bool(item.fingerprint)) for item in store.list()] == [("broken", False), (VM, True)]
    status, found = paired("ping", "broken")
    assert (status, found["error"]["code"]) == (1, "guest.keys-unreadable")
    assert paired("unpair", "broken") == (0, {"unpaired": ["broken"]})
    assert [item.vm for item in store.list()] == [VM]


def test_the_doctor_looks_at_every_paired_vm_that_runs(
    where: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def machine(name: str, power: Power) -> Domain:
        xml = f"<domain><name>{name}</name><uuid>{name}-uuid</uuid></domain>"
        return describe(live=None if power is Power.OFF else xml, config=xml, power=power)

    class Libvirt:
        def domains(self) -> tuple[Domain, ...]:
            return (
                machine("works", Power.RUNNING),
                machine("sleeps", Power.OFF),
                machine("stranger", Power.RUNNING),
            )

        def domain(self, name: str) -> Domain:
            return next(found for found in self.domains() if name in (found.name, found.uuid))

        async def describe_async(self, uuid: str, *, vm: str) -> Domain:
            return self.domain(uuid)

        def close(self) -> None:
            pass

    monkeypatch.setattr(opening, "hypervisor", lambda _uri: Libvirt())
    for vm in ("works", "sleeps"):
        targets.keys(where).begin_enrolment(f"{vm}-uuid", vm)
        targets.keys(where).finish_enrolment(f"{vm}-uuid")
    assert main(["doctor", "--json", "--timeout", "0.1"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert {check["vm"] for check in found["checks"]} == {"", "works"}
    wrong = [check for check in found["checks"] if not check["ok"]]
    assert [(check["vm"], check["name"]) for check in wrong] == [("works", "channel")]
    assert "pair" in wrong[0]["hint"]


def test_every_sentence_is_translated(
    simulation: Simulation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = simulation.folder / "guest" / "neuron-enrolment.json"
    simulation.start()
    verbs = (
        ("pair", VM, "--file", str(file)),
        ("ping", VM),
        ("clipboard", "get", VM, "--type", "text/plain;charset=utf-8", "--output", str(tmp_path / "text")),
        ("resolution", VM, "big"),
        ("clipboard", "get", VM, "--type", "image/png"),
        ("launch", VM, "notes"),
        ("doctor", VM),
        ("shutdown", VM),
        ("unpair", VM),
    )
    for words in verbs:
        where_to = () if words[0] == "unpair" else ("--socket", str(simulation.socket))
        cli.run(parser(), [*words, *where_to], translate=lambda _, text: f"⟦{text}⟧")
        if words[0] == "launch":
            continue
        shown = "".join(capsys.readouterr())
        assert shown.count("⟦") >= 1, words
        plain = re.sub(r"⟦[^⟦⟧]*⟧", "", re.sub(r"⟦[^⟦⟧]*⟦[^⟦⟧]*⟧[^⟦⟧]*⟧", "", shown))
        assert not re.search(r"[A-Za-z]", plain), (words, shown)


def test_what_is_no_text_is_not_sent(
    paired: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9")))
    status, found = paired("clipboard", "set", VM)
    assert (status, found["error"]["code"]) == (2, "guest.bad-value")


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        ([], False),
        (["--background"], False),
        (["--connect", "qemu:///session"], False),
        (["--connect=qemu:///session", "--debug"], False),
        (["--debug", "list"], True),
        (["ping", "win", "--connect", "qemu:///session"], True),
    ],
)
def test_without_a_verb_it_is_the_window(words: list[str], *, verb: bool) -> None:
    assert names_a_verb(words) is verb


def test_unpairing_forgets_and_says_so_the_second_time(paired: Run) -> None:
    assert paired("ping", VM)[0] == 0
    assert paired("unpair", VM) == (0, {"unpaired": [VM]})
    status, found = paired("unpair", VM)
    assert (status, found["error"]["code"]) == (1, "guest.not-paired")
    assert paired("ping", VM)[1]["error"]["code"] == "guest.not-paired"


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (("ping", VM), 1, "guest.not-paired"),
        (("resolution", VM, "big"), 2, "guest.bad-value"),
        (("clipboard", "get", VM, "--type", "image/png"), 2, "guest.bad-value"),
    ],
)
def test_errors_have_code_sentence_and_hint(run: Run, words: tuple[str, ...], status: int, code: str) -> None:
    found_status, found = run(*words)
    error = found["error"]
    assert (found_status, error["code"]) == (status, code)
    assert error["message"]
    assert error["hint"]


def test_a_channel_that_is_not_there_says_what_to_do(run: Run, where: Paths) -> None:
    targets.keys(where).begin_enrolment(VM, VM)
    status, found = run("ping", VM, "--timeout", "0.5")
    assert (status, found["error"]["code"]) == (1, "guest.no-channel")


def test_a_second_command_goes_through_the_first(paired: Run, where: Paths, simulation: Simulation) -> None:
    import argparse

    options = argparse.Namespace(socket=simulation.socket, vm=VM, timeout=15.0)
    with targets.guest(options) as owner:
        owner.ask(lambda api: api.ping())
        assert paired("clipboard", "set", VM, "from the second")[0] == 0
        assert owner.ask(lambda api: api.clipboard_text()) == "from the second"


def test_a_command_waits_for_one_that_only_begins_or_ends(
    paired: Run, where: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = acquire(where.runtime, VM)
    assert lock is not None  # held, and nobody listens
    looks = []

    def pause(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            lock.release()

    monkeypatch.setattr(reach, "sleep", pause)
    assert paired("ping", VM)[0] == 0
    assert len(looks) == 2


def test_a_holder_that_never_listens_is_named(paired: Run, where: Paths) -> None:
    with acquire(where.runtime, VM) or pytest.fail("somebody holds the lock"):
        status, found = paired("ping", VM, "--timeout", "0.2")
    assert (status, found["error"]["code"]) == (1, "guest.channel-in-use")


def test_unpairing_ends_what_another_program_keeps_connected(
    paired: Run, simulation: Simulation, where: Paths
) -> None:
    with LoopThread() as io, acquire(where.runtime, VM) or pytest.fail("somebody holds the lock"):
        states: queue.Queue[State] = queue.Queue()
        client = GuestClient(
            simulation.endpoint(),
            VmKeys(simulation.store, VM),
            permissions=lambda: DEFAULT,
            on_state=lambda state, _problem: states.put(state),
        )
        server = io.wait(serve(client, where.runtime, VM))
        guest = BlockingGuest(io, client)
        guest.wait_ready(20)
        assert paired("unpair", VM)[0] == 0
        while states.get(timeout=20) is not State.NOT_PAIRED:
            pass
        guest.close()
        io.wait(server.close())


def test_what_a_guest_says_fakes_no_line_and_steers_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Hostile:
        async def info(self) -> Mapping[str, Any]:
            return {"os": "x\x1b]0;owned\x07", "k\nok: fake line": 1}

        async def metrics(self) -> Mapping[str, float]:
            return {}

        async def apps(self) -> tuple[GuestApp, ...]:
            return (GuestApp("id\n2", "\x1b]52;c;cm0gLXJmIH4=\x07Editor", "p", (), ""),)

    class Connected:
        version = reach.version_of({"version": "1\x1b[2J\n0"})

        def ask(self, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
            return asyncio.run(work(Hostile()))

    monkeypatch.setattr(targets, "guest", lambda _options: contextlib.nullcontext(Connected()))
    for verb, lines in (("info", 3), ("apps", 1)):
        assert main([verb, VM]) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert out.count("\n") == lines
    assert Connected.version == "1[2J0"


@pytest.mark.parametrize("text", ["no line end", "two\n\n", "", "\ttab \x1b[1m🙂 \u202e\n"])
def test_the_clipboard_reaches_a_pipe_byte_by_byte(
    paired: Run, simulation: Simulation, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    assert paired("clipboard", "set", VM, text)[0] == 0
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, "ascii", write_through=True))
    assert main(["clipboard", "get", VM, "--socket", str(simulation.socket)]) == 0
    assert pipe.getvalue() == text.encode()


@pytest.mark.parametrize(
    ("act", "status", "power"), [("suspend", 0, "paused"), ("power-off", 0, "off"), ("start", 1, None)]
)
def test_a_machines_power_is_libvirts(tmp_path: Path, act: str, status: int, power: str | None) -> None:
    node = tmp_path / "node.xml"  # libvirt's own test driver; its one machine runs
    machine = "<name>test</name><memory>8192</memory><os><type>hvm</type></os>"
    node.write_text(f"<node><domain type='test'>{machine}</domain></node>")
    words = [
        sys.executable,
        "-m",
        "neuron_guest_bridge",
        act,
        "test",
        "--connect",
        f"test://{node}",
        "--json",
    ]
    done = subprocess.run(words, capture_output=True, check=False, timeout=120)
    found = json.loads(done.stdout)
    assert done.returncode == status
    assert found.get("power") == power
    if power is None:
        assert found["error"]["code"] == "guest.vm-running"


def test_files_are_sent_into_the_downloads_and_without_leave_they_are_not(
    paired: Run, where: Paths, tmp_path: Path
) -> None:
    (tmp_path / "a b.txt").write_bytes(b"content")
    status, told = paired("send", VM, str(tmp_path / "a b.txt"))
    assert (status, told["error"]["code"]) == (1, "guest.files-not-allowed")
    PermissionStore(where.config / "guest").set(VM, DEFAULT | {Permission.FILES})
    for name in ("a b.txt", "a b (2).txt"):
        status, told = paired("send", VM, str(tmp_path / "a b.txt"))
        assert (status, told["size"]) == (0, 7)
        [uri] = told["uris"]
        there = Path(unquote(uri.removeprefix("file://")))
        assert (there.name, there.parent.name, there.read_bytes()) == (name, "Downloads", b"content")
    status, told = paired("send", VM, str(tmp_path / "not there"))
    assert (status, told["error"]["code"]) == (1, "guest.file-refused")
