"""Brings the .ts files in line with the code (``update``, the default), or makes .qm files (``release``).

``python translations/update.py [update | release]``. English holds only what has plural forms. New language:
add its code to LANGUAGES, run this, translate the new file with Qt Linguist.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "translations"
COMPILED = ROOT / "resources" / "translations"
LANGUAGES: tuple[str, ...] = ()
"""Languages with a complete translation."""


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / f"pyside6-{name}")


def sources() -> list[str]:
    """Every file whose texts people see."""
    return sorted(str(path) for top in ("libneuron", "apps") for path in (ROOT / top).rglob("*.py"))


def extract(target: Path, *options: str) -> None:
    """Merge the texts of the code into ``target``; texts that are gone are dropped."""
    command = [
        _tool("lupdate"),
        *options,
        "-no-obsolete",
        "-locations",
        "none",
        *sources(),
        "-ts",
        str(target),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def fill_english(target: Path) -> None:
    """Write the two English forms of "%n file(s)" and "%n address(es)"; others are written by hand."""
    tree = ElementTree.parse(target)  # noqa: S314 — written by lupdate a moment ago
    for message in tree.iter("message"):
        source, translation = message.findtext("source", ""), message.find("translation")
        if translation is None or not re.search(r"\((e?s)\)", source):
            continue
        translation.attrib.pop("type", None)
        one, many = translation.findall("numerusform")
        one.text = re.sub(r"\((e?s)\)", "", source)
        many.text = re.sub(r"\((e?s)\)", r"\1", source)
    text = ElementTree.tostring(tree.getroot(), encoding="unicode")
    target.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{text}\n', encoding="utf-8")


def release(source: Path, target: Path) -> None:
    """Compile one language. Raises: CalledProcessError if a text is not translated."""
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [_tool("lrelease"), "-silent", "-fail-on-unfinished", str(source), "-qm", str(target)]
    subprocess.run(command, check=True)


def main(words: list[str]) -> int:
    """Run the verb."""
    if words in ([], ["update"]):
        extract(HERE / "neuron_en.ts", "-pluralonly", "-source-language", "en", "-target-language", "en")
        fill_english(HERE / "neuron_en.ts")
        for language in LANGUAGES:
            extract(HERE / f"neuron_{language}.ts", "-source-language", "en", "-target-language", language)
        return 0
    if words == ["release"]:
        for source in sorted(HERE.glob("neuron_*.ts")):
            release(source, COMPILED / f"{source.stem}.qm")
        return 0
    sys.stderr.write(f"{__doc__}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
