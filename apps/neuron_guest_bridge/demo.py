"""``neuron-guest-bridge demo``: a guest paired and driven through all; only its desktop is simulated."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from libneuron.cli import translate
from libneuron.errors import Exit, NeuronError
from libneuron.guest.client import BlockingGuest, GuestClient, VmKeys
from libneuron.guest.errors import GuestError
from libneuron.guest.keys import KeyStore
from libneuron.guest.permissions import DEFAULT
from libneuron.system.loop import LoopThread
from neuron_guest_bridge.simulation import VM, Simulation

_TEXT = "from the host: Ünïcödé 🙂 שלום"


@dataclass(frozen=True)
class Step:
    """One thing tried; ``ms`` is how long it took."""

    name: str
    ok: bool
    ms: float
    detail: str


class _Failed(Exception):  # noqa: N818 — a step's verdict
    """A check of a step did not hold."""


def _expect(*, found: object, wanted: object) -> None:
    if found != wanted:
        raise _Failed(f"expected {wanted!r}, got {found!r}")


class _Demo:
    def __init__(self, io: LoopThread, simulation: Simulation) -> None:
        self._io = io
        self._simulation = simulation
        self.steps: list[Step] = []

    def step(self, name: str, work: Callable[[], str]) -> None:
        """Try one thing; a failure is recorded, and the demo goes on."""
        began = time.perf_counter()
        try:
            detail, ok = work(), True
        except NeuronError as error:
            detail, ok = f"{error.sentence()} {error.details}".strip(), False
        except _Failed as error:
            detail, ok = str(error), False
        self.steps.append(Step(name, ok, round((time.perf_counter() - began) * 1000, 2), detail))

    def run(self) -> None:
        """All steps, in order."""
        self._simulation.hand_over()
        self._simulation.start()
        self._guest = self._connect(self._simulation.keys())
        self.step("pair", self._pair)
        self.step("ping", self._ping)
        self.step("get_info", self._info)
        self.step("clipboard_to_guest", self._to_guest)
        self.step("clipboard_to_host", self._to_host)
        self.step("set_resolution", self._resolution)
        self.step("list_apps", self._apps)
        self.step("launch_app", self._launch)
        self.step("screenshot", self._screenshot)
        self._guest.close()
        self.step("reject_unpaired_peer", self._reject)
        self._guest = self._connect(self._simulation.keys())
        self.step("shutdown", self._shutdown)
        self._guest.close()

    def _connect(self, keys: VmKeys) -> BlockingGuest:
        client = GuestClient(self._simulation.endpoint(), keys, permissions=lambda: DEFAULT)
        return BlockingGuest(self._io, client)

    def _pair(self) -> str:
        self._guest.wait_ready(20)
        pairing = self._simulation.store.list()[0]
        _expect(found=(pairing.paired, pairing.enrolling), wanted=(True, False))
        return (
            f"fresh keys installed, guest certificate {pairing.fingerprint[:23]}…; the enrolment key is spent"
        )

    def _ping(self) -> str:
        times = []
        for _ in range(50):
            began = time.perf_counter()
            self._guest.run(lambda api: api.ping())
            times.append(time.perf_counter() - began)
        return f"median {sorted(times)[25] * 1e6:.0f} µs of 50"

    def _info(self) -> str:
        info = self._guest.run(lambda api: api.info())
        _expect(found=info.get("backend"), wanted="simulated")
        return f"{info.get('hostname')}, {info.get('os')} (a simulated desktop)"

    def _to_guest(self) -> str:
        self._guest.run(lambda api: api.set_clipboard_text(_TEXT))
        offer = self._guest.run(lambda api: api.clipboard_offer())
        _expect(found=offer.own, wanted=True)
        return f"{len(_TEXT)} characters set; the guest's clipboard knows they came from the host"

    def _to_host(self) -> str:
        _expect(found=self._guest.run(lambda api: api.clipboard_text()), wanted=_TEXT)
        return "the same text came back"

    def _resolution(self) -> str:
        mode = self._guest.run(lambda api: api.set_resolution(1920, 1080))
        _, current = self._guest.run(lambda api: api.modes())
        _expect(found=(current.width, current.height), wanted=(1920, 1080))
        return f"{mode.width}×{mode.height}, read back"

    def _apps(self) -> str:
        return ", ".join(app.name for app in self._guest.run(lambda api: api.apps()))

    def _launch(self) -> str:
        self._guest.run(lambda api: api.launch("notes", ["a b", "$(id)", "';\n"]))
        titles = [window.title for window in self._guest.run(lambda api: api.windows())]
        _expect(found=titles, wanted=["Notes (simulated) a b $(id) ';\n"])
        return "its window is there; the arguments arrived as given"

    def _screenshot(self) -> str:
        picture = self._guest.run(lambda api: api.screenshot())
        _expect(found=(picture.width, picture.height), wanted=(1920, 1080))
        return f"{picture.width}×{picture.height} PNG, {len(picture.png)} bytes (a drawn picture)"

    def _reject(self) -> str:
        stranger = KeyStore(self._simulation.folder / "stranger")
        stranger.begin_enrolment(VM, "Simulated guest")
        guest = self._connect(VmKeys(stranger, VM))
        try:
            guest.run(lambda api: api.ping(timeout=10))
        except GuestError as error:
            _expect(found=error.code, wanted="guest.pairing-refused")
            return error.sentence()
        finally:
            guest.close()
        raise _Failed("a peer with other keys was let in")

    def _shutdown(self) -> str:
        self._guest.run(lambda api: api.power("shutdown"))
        _expect(found=self._simulation.ended(10), wanted=True)
        return "answered first, then the simulated machine went off"


def run() -> tuple[Step, ...]:
    """Run the demo and return its steps."""
    with LoopThread() as io, Simulation() as simulation:
        demo = _Demo(io, simulation)
        demo.run()
        return tuple(demo.steps)


def as_json(steps: tuple[Step, ...]) -> dict[str, Any]:
    """The JSON form."""
    return {"ok": all(step.ok for step in steps), "steps": [asdict(step) for step in steps]}


def as_text(steps: tuple[Step, ...]) -> str:
    """The form for people."""
    lines = [
        translate(
            "Bridge",
            "Guest Bridge demo: a real agent process over a real socket through TLS; "
            "its desktop is simulated.",
        )
    ]
    lines += [f"{'✓' if step.ok else '✗'} {step.name:22}{step.ms:9.1f} ms  {step.detail}" for step in steps]
    failed = sum(not step.ok for step in steps)
    lines.append(
        translate("Bridge", "{failed} of {all} steps failed.").format(failed=failed, all=len(steps))
        if failed
        else translate("Bridge", "Everything works.")
    )
    return "\n".join(lines)


def exit_status(steps: tuple[Step, ...]) -> Exit:
    """What the command ends with."""
    return Exit.DONE if all(step.ok for step in steps) else Exit.FAILED
