"""The Hardware Advisor's window on a typical PC whose boot a helper on another bus changes:
``python -m tests.ui.desktop.changing BUS``.
"""

from __future__ import annotations

import sys

from libneuron.hardware.report import judge
from libneuron.system.bus import LoopThread
from libneuron.ui.app import application, run
from neuron_hardware_advisor.boot_source import HelperBoot
from neuron_hardware_advisor.window import AdvisorWindow
from tests.unit.hardware import typical


def _window(loop: LoopThread) -> AdvisorWindow:
    boot = HelperBoot(loop, address=sys.argv[1])
    made = AdvisorWindow(lambda: boot)
    made.show_report(judge(typical.shared("6.12.1-zen1-1-zen")))
    return made


if __name__ == "__main__":
    app = application(app_id="org.neuronos.HardwareAdvisor", name="Hardware Advisor")
    with LoopThread() as loop:
        sys.exit(run(app, lambda: _window(loop)))
