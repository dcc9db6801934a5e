"""Runs inside Wine: calls functions of ``tests.system.wine.inside`` that the test names, one at a time."""

from __future__ import annotations

import importlib
import json
import socket
import sys
import traceback

from tests.system.wine import jsonbytes


def _answer(line: bytes) -> dict[str, object]:
    message = json.loads(line, object_hook=jsonbytes.decode)
    module, _, name = message["call"].rpartition(".")
    try:
        function = getattr(importlib.import_module(f"tests.system.wine.inside.{module}"), name)
        return {"result": function(**message["arguments"])}
    except Exception:  # noqa: BLE001 — it is the test's, and travels there
        return {"error": traceback.format_exc()}


def main() -> None:
    """Serve the test on the port given, until it hangs up."""
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
        for line in connection.makefile("rb"):
            connection.sendall(json.dumps(_answer(line), default=jsonbytes.encode).encode() + b"\n")


if __name__ == "__main__":
    main()
