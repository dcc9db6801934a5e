"""Brings the .ts files in line with the code (``update``, the default), or makes .qm files (``release``).

``python translations/update.py [update | release]``. English holds only what has plural forms. New language:
add its code to LANGUAGES, run this, translate the new file with Qt Linguist.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "translations"
COMPILED = ROOT / "resources" / "translations"
LANGUAGES: tuple[str, ...] = ()
"""Languages with a complete translation."""
MARKS = ("translate", "QT_TRANSLATE_NOOP")


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / f"pyside6-{name}")


def sources() -> list[Path]:
    """Every file whose texts people see."""
    return sorted(path for top in ("libneuron", "apps") for path in (ROOT / top).rglob("*.py"))


def texts(source: Path) -> Iterator[tuple[str, str, str]]:
    """(context, text, comment) of each call of :data:`MARKS` with literal words in ``source``.

    lupdate's own reader of Python differs by version: 6.11 loses a call whose count is an expression.
    """
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        words = [word.value for word in node.args[:3] if isinstance(word, ast.Constant)]
        if name in MARKS and len(words) >= 2 and isinstance(words[0], str) and isinstance(words[1], str):
            comment = words[2] if len(words) > 2 and isinstance(words[2], str) else ""
            yield words[0], words[1], comment


def extract(target: Path, *options: str) -> None:
    """Merge the texts of the code into ``target``; texts that are gone are dropped."""
    found = sorted({text for source in sources() for text in texts(source)})
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder, "texts.cpp")  # in C++, which lupdate reads reliably
        lines = []
        for words in found:
            context, text, comment = (json.dumps(word, ensure_ascii=False) for word in words)
            count = ", 1" if "%n" in words[1] else ""
            lines.append(f"QCoreApplication::translate({context}, {text}, {comment}{count});\n")
        code.write_text("".join(lines), encoding="utf-8")
        command = [
            _tool("lupdate"),
            *options,
            "-no-obsolete",
            "-locations",
            "none",
            str(code),
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
