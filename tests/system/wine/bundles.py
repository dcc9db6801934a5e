"""Agent bundles for the tests, built by the project's own script from the lab's Python."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

from tests.system.wine.lab import ROOT
from tests.system.wine.runtime import windows_python


def build(out: Path, *, version: str | None = None) -> Path:
    """Build a bundle in ``out``."""
    script = runpy.run_path(str(ROOT / "packaging" / "windows" / "build.py"))
    script["build"](windows_python(), out, version=version)
    return out


def break_it(bundle: Path) -> None:
    """Make the agent of a bundle end at once, its manifest being right."""
    script = runpy.run_path(str(ROOT / "packaging" / "windows" / "build.py"))
    agent = bundle / "agent"
    module = agent / "app" / "neuron_guest" / "platform" / "windows" / "service_main.py"
    module.write_text("raise SystemExit('broken')\n")
    for compiled in module.parent.glob("__pycache__/service_main.*"):
        compiled.unlink()
    manifest = json.loads((agent / "manifest.json").read_text())
    (agent / "manifest.json").unlink()
    manifest["files"] = script["_checksums"](agent)
    (agent / "manifest.json").write_text(json.dumps(manifest))
