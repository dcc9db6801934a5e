"""The helper on a real bus: nothing without polkit, nothing from bad arguments, gone when idle."""

from __future__ import annotations

import concurrent.futures
import json
import subprocess
import tempfile
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libneuron.system.clock import RealClock
from libneuron.system.errors import SystemAccessError
from libneuron.system.helper import INTERFACE, NAME, PATH, HelperError
from neuron_helper.guardian_verbs import guardian_verbs
from neuron_helper.hardware_verbs import hardware_verbs
from neuron_helper.point_verbs import point_verbs
from neuron_helper.service import Service
from neuron_helper.verbs import Verb
from tests.conftest import ROOT
from tests.unit.neuron_helper.lab import Answer, Lab, lab


def never() -> Any:
    raise AssertionError("looked at the machine")


ALL = (*guardian_verbs(never), *point_verbs(never), *hardware_verbs(never))
GOOD = {"digest": "0" * 64, "file": "/etc/x", "keep": "2"}


@pytest.fixture(scope="module")
def here() -> Iterator[Lab]:
    with tempfile.TemporaryDirectory() as work, lab(Path(work)) as made:
        yield made


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine without btrfs: enough for the bus; the roll back itself is tested elsewhere."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    return tmp_path


@pytest.fixture(autouse=True)
def agreeable(here: Lab) -> None:
    here.authority.answer = Answer.YES
    here.authority.asked.clear()
    here.authority.cancelled.clear()
    here.authority.was_asked.clear()


def call(here: Lab, member: str, signature: str = "", *body: Any) -> Any:
    bus = here.bus()
    try:
        return json.loads(here.loop.wait(bus.call(NAME, PATH, INTERFACE, member, signature, body))[0])
    finally:
        here.loop.wait(bus.close())


def code(caught: pytest.ExceptionInfo[SystemAccessError]) -> str:
    return str(json.loads(str(caught.value.params["error"]))["code"])


def test_an_allowed_verb_answers_and_polkit_was_asked_about_the_caller_itself(
    here: Lab, machine: Path
) -> None:
    with here.helper(machine):
        assert call(here, "UpdatesHistory") == {"updates": [], "rollbacks": [], "held": {}}
    ((sender, action, flags),) = here.authority.asked
    assert sender.startswith(":")
    assert (action, flags) == ("org.neuronos.updates.read", 1)


@pytest.mark.parametrize("verb", ALL, ids=lambda verb: verb.name)
def test_no_verb_does_anything_when_polkit_says_no(here: Lab, machine: Path, verb: Any) -> None:
    here.authority.answer = Answer.NO
    good = [GOOD.get(item.name, "1") if item.type == "s" else True for item in verb.arguments]
    with here.helper(machine), pytest.raises(SystemAccessError) as caught:
        call(here, verb.name, verb.signature, *good)
    assert code(caught) == "helper.denied"
    assert [action for _, action, _ in here.authority.asked] == [verb.action]
    assert not (machine / "var/lib/neuron/updates/journal").exists()


def test_a_polkit_that_never_answers_is_a_no_and_its_question_is_taken_back(here: Lab, machine: Path) -> None:
    here.authority.answer = Answer.NEVER
    with here.helper(machine, patience=0.3), pytest.raises(SystemAccessError) as caught:
        call(here, "UpdatesBegin")
    assert code(caught) == "helper.no-answer"
    assert here.authority.cancelled.wait(10)


def test_a_slow_question_does_not_keep_others_waiting(here: Lab, machine: Path) -> None:
    with here.helper(machine, patience=20):
        here.authority.answer = Answer.NEVER
        bus = here.bus()
        slow = here.loop.submit(bus.call(NAME, PATH, INTERFACE, "UpdatesBegin"))
        assert here.authority.was_asked.wait(20)
        here.authority.answer = Answer.YES
        assert call(here, "UpdatesHistory")["updates"] == []
        assert not slow.done()
        slow.cancel()
        here.loop.wait(bus.close())


def test_a_user_with_many_connections_keeps_no_other_user_waiting(here: Lab, machine: Path) -> None:
    here.authority.answer = Answer.NEVER
    with here.helper(machine, patience=60):
        buses = [here.bus() for _ in range(3)]
        calls = [
            here.loop.submit(bus.call(NAME, PATH, INTERFACE, "UpdatesCheck"))
            for bus in buses
            for _ in range(4)
        ]
        refused = [next(concurrent.futures.as_completed(calls, timeout=20))]
        while len(refused) < 4:
            waiting = [call for call in calls if call not in refused]
            refused.append(next(concurrent.futures.as_completed(waiting, timeout=20)))
        assert all("helper.busy" in str(call.exception()) for call in refused)
        here.authority.answer = Answer.YES
        words = ("call", NAME, PATH, INTERFACE, "UpdatesHistory")
        assert here.as_nobody("busctl", f"--address={here.address}", *words).returncode == 0
        for bus in buses:
            here.loop.wait(bus.close())


def test_what_a_caller_that_left_was_waiting_for_is_not_done(here: Lab) -> None:
    begun, go, done = threading.Event(), threading.Event(), []

    def slow(_given: Any, _progress: Any) -> str:
        begun.set()
        return "" if go.wait(20) else "nobody let it go on"

    verbs = [
        Verb("Slow", "org.neuronos.test", (), slow),
        Verb("Quick", "org.neuronos.test", (), lambda _given, _progress: done.append("quick")),
        Verb("Last", "org.neuronos.test", (), lambda _given, _progress: done.append("last")),
    ]
    own, staying, leaving = here.bus(), here.bus(), here.bus()
    serving = here.loop.submit(Service(own, verbs, RealClock()).serve())
    here.loop.wait(here.owned(there=True), timeout=20)
    first = here.loop.submit(staying.call(NAME, PATH, INTERFACE, "Slow"))
    assert begun.wait(20)
    left = here.loop.submit(leaving.call(NAME, PATH, INTERFACE, "Quick"))
    here.loop.wait(leaving.call(NAME, PATH, "org.freedesktop.DBus.Introspectable", "Introspect"))
    name = leaving.connection.unique_name
    here.loop.wait(leaving.close())
    here.loop.wait(here.owned(there=False, name=str(name)), timeout=20)
    last = here.loop.submit(staying.call(NAME, PATH, INTERFACE, "Last"))
    here.loop.wait(staying.call(NAME, PATH, "org.freedesktop.DBus.Introspectable", "Introspect"))
    go.set()
    assert first.result(20) == ('""',)
    last.result(20)
    assert done == ["last"]
    left.cancel()
    serving.cancel()
    here.loop.wait(own.close())
    here.loop.wait(staying.close())


def test_an_unprivileged_user_reaches_the_helper_but_not_past_polkit(here: Lab, machine: Path) -> None:
    address = f"--address={here.address}"
    here.authority.answer = Answer.NO
    with here.helper(machine):
        done = here.as_nobody("busctl", address, "call", NAME, PATH, INTERFACE, "UpdatesRollback", "s", "1")
        assert done.returncode != 0
        assert "helper.denied" in done.stderr
        wrong = here.as_nobody(
            "busctl", address, "call", NAME, PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", INTERFACE
        )
        assert "Access denied" in wrong.stderr
    owning = here.as_nobody("busctl", address, "call", "org.freedesktop.DBus", "/org/freedesktop/DBus",
                            "org.freedesktop.DBus", "RequestName", "su", NAME, "0")  # fmt: skip
    assert owning.returncode != 0
    assert "Access denied" in owning.stderr


def test_it_leaves_the_bus_and_ends_when_idle(here: Lab, machine: Path) -> None:
    with here.helper(machine, idle=0.2) as process:
        assert process.wait(20) == 0


def test_a_missing_verb_and_a_wrong_signature_are_errors_not_crashes(here: Lab, machine: Path) -> None:
    with here.helper(machine):
        with pytest.raises(SystemAccessError, match="no such verb"):
            call(here, "RunCommand", "s", "id")
        with pytest.raises(SystemAccessError) as caught:
            call(here, "UpdatesRollback", "i", 1)
        assert code(caught) == "helper.bad-argument"
        assert call(here, "UpdatesHistory")["updates"] == []


def test_a_message_is_not_taken_from_another_path(here: Lab, machine: Path) -> None:
    with here.helper(machine):
        bus = here.bus()
        message = Message(destination=NAME, path="/", interface=INTERFACE, member="UpdatesHistory")
        reply = here.loop.wait(bus.connection.call(message))
        assert reply is not None
        assert reply.error_name == "org.freedesktop.DBus.Error.UnknownMethod"
        here.loop.wait(bus.close())


def test_introspection_lists_every_verb(here: Lab, machine: Path) -> None:
    with here.helper(machine):
        bus = here.bus()
        xml = here.loop.wait(bus.call(NAME, PATH, "org.freedesktop.DBus.Introspectable", "Introspect"))[0]
        here.loop.wait(bus.close())
    for verb in ALL:
        assert f'name="{verb.name}"' in xml


VERBS = {verb.name: verb for verb in ALL}
WORDS = {"PlanBootChange", "ApplyBootChange"}  # take kernel words, which the library checks one by one
NASTY = [
    "../1",
    "1/..",
    "/etc/shadow",
    "1\0",
    "",
    "r",
    "1;id",
    "$(id)",
    "１",
    "9" * 40,
    "-1",
    "rr1",
    "1\n",
    "@",
]


@pytest.mark.parametrize(
    "name", [name for name, verb in VERBS.items() if "s" in verb.signature and name not in WORDS]
)
@pytest.mark.parametrize("value", NASTY)
def test_what_is_no_number_of_ours_is_refused(name: str, value: str) -> None:
    verb = VERBS[name]
    body = [value if kind == "s" else True for kind in verb.signature]
    with pytest.raises(HelperError):
        verb.read(body)


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, max_examples=60)
@given(name=st.sampled_from(sorted(VERBS)), body=st.lists(_anything, max_size=4))
def test_arguments_are_read_or_refused_and_what_is_read_is_safe(name: str, body: list[Any]) -> None:
    try:
        given_ = VERBS[name].read(body)
    except HelperError:
        return
    for key, value in given_.items():
        if key == "file":  # the library compares it with what it found itself
            assert value.startswith("/") and "\0" not in value
            continue
        if key == "skip":
            assert all(
                part.replace(".", "").replace("-", "").replace("_", "").isalnum()
                for part in value.split(",")
                if part
            )
            continue
        numbered = isinstance(value, bool) or value.removeprefix("r").isdigit() or value == "now"
        assert numbered or (name in WORDS and value.isascii() and value.isprintable())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    name=st.sampled_from(sorted(VERBS)),
    text=st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=40),
)
def test_fuzzed_calls_over_the_bus_always_get_an_answer(fuzzed: Lab, name: str, text: str) -> None:
    verb = VERBS[name]
    body = [text if kind == "s" else True for kind in verb.signature]
    bus = fuzzed.bus()
    try:
        fuzzed.loop.wait(bus.call(NAME, PATH, INTERFACE, name, verb.signature, body, timeout=30))
    except SystemAccessError as error:
        assert error.code == "system.bus-error", error
    finally:
        fuzzed.loop.wait(bus.close())


@pytest.fixture(scope="module")
def fuzzed(here: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with here.helper(tmp_path_factory.mktemp("fuzzed")) as process:
        yield here
        assert process.poll() is None, "the helper survived"


def test_the_units_exposure_is_at_most_3(tmp_path: Path) -> None:
    unit = ROOT / "resources/systemd/system/neuron-helper.service"
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", unit],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-400:]
    assert "Overall exposure level" in done.stdout


def test_every_action_of_a_verb_is_in_the_policy_and_nothing_changes_without_a_password() -> None:
    defaults = {
        item.get("id"): {part.tag: part.text for part in item.find("defaults") or ()}
        for policy in (ROOT / "resources/polkit").glob("*.policy")
        for item in ElementTree.parse(policy).iter("action")
    }
    assert {verb.action for verb in VERBS.values()} == set(defaults)
    for action, allowed in defaults.items():
        reads = str(action).removeprefix("org.neuronos.") in (
            "updates.read",
            "updates.check",
            "hardware.history",
        )
        assert allowed["allow_any"] == allowed["allow_inactive"] == "auth_admin"
        assert reads or str(allowed["allow_active"]).startswith("auth_admin")
