"""What the helper answers with, on a bus of its own."""

from __future__ import annotations

import json
from pathlib import Path

from libneuron.system.clock import RealClock
from libneuron.system.helper import INTERFACE, NAME, PATH
from neuron_helper.service import Service
from neuron_helper.verbs import Verb
from tests.unit.neuron_helper.lab import lab


def test_an_answer_with_a_name_that_is_no_text_arrives(tmp_path: Path) -> None:
    """The bus carries UTF-8 alone, and a name of a file may be anything."""
    with lab(tmp_path) as here:
        own = here.bus()
        verb = Verb("Name", "org.neuronos.test", (), lambda _given, _progress: {"name": "\udcff"})
        serving = here.loop.submit(Service(own, [verb], RealClock()).serve())
        here.loop.wait(here.owned(there=True), timeout=20)
        try:
            asking = here.bus()
            (answer,) = here.loop.wait(asking.call(NAME, PATH, INTERFACE, "Name"))
            here.loop.wait(asking.close())
            assert json.loads(answer) == {"name": "\udcff"}
        finally:
            serving.cancel()
            here.loop.wait(own.close())
