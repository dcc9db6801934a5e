"""Entry point of the helper in a person's session; the service starts it and names the pipe.

It imports neither the agent nor TLS: one of these runs as long as somebody is signed in.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from neuron_guest.platform.windows import helper, pipe
from neuron_guest.platform.windows.backend import WindowsBackend


def main(argv: Sequence[str] | None = None) -> int:
    """Serve this session's desktop until the service closes the pipe. Raises: Win32Error without one."""
    parser = argparse.ArgumentParser(prog="neuron-guest-session")
    parser.add_argument("--socket", required=True, help="the service's pipe")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    helper.serve(pipe.connect(options.socket), WindowsBackend())
    return 0


if __name__ == "__main__":
    sys.exit(main())
