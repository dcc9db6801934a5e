"""Translations: complete, in step with the code, and true to placeholders and mnemonics."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtWidgets import QApplication

from libneuron.ui.text import translate
from tests.ui.variants import PseudoTranslator
from translations import update
from translations.pseudo import KEPT, pseudo

SOURCES = update.sources()


def kept(text: str) -> Counter[str]:
    """What a translation must carry over; of mnemonics only that there is one, its letter is free."""
    return Counter("&" if part.startswith("&") else part for part in KEPT.findall(text))


def dropped(file: Path) -> Iterator[str]:
    """Translations in ``file`` that lost or invented a placeholder or a mnemonic."""
    for message in ElementTree.parse(file).iter("message"):
        source = message.findtext("source", "")
        translation = message.find("translation")
        if translation is None:
            continue
        for form in [form.text or "" for form in translation] or [translation.text or ""]:
            if form and kept(form) != kept(source):
                yield f"{source!r} → {form!r}"


@pytest.mark.parametrize("file", sorted(update.HERE.glob("*.ts")), ids=lambda file: file.name)
def test_no_translation_drops_a_placeholder_or_mnemonic(file: Path) -> None:
    assert list(dropped(file)) == []


def test_a_dropped_placeholder_or_mnemonic_is_found(tmp_path: Path) -> None:
    broken = tmp_path / "neuron_de.ts"
    broken.write_text(
        "<TS><context><name>X</name>"
        "<message><source>&amp;Open {file}</source><translation>&amp;Öffne</translation></message>"
        "<message><source>&amp;Open</source><translation>Öffnen</translation></message>"
        "<message><source>&amp;Close</source><translation>Sch&amp;ließen</translation></message>"
        "</context></TS>"
    )
    assert len(list(dropped(broken))) == 2


def test_the_english_plurals_are_in_step_with_the_code(tmp_path: Path) -> None:
    fresh = tmp_path / "neuron_en.ts"
    update.extract(fresh, "-pluralonly")

    def sources(file: Path) -> set[str]:
        return {message.findtext("source", "") for message in ElementTree.parse(file).iter("message")}

    assert sources(fresh) == sources(update.HERE / "neuron_en.ts"), "run translations/update.py"


@pytest.mark.parametrize("file", sorted(update.HERE.glob("*.ts")), ids=lambda file: file.name)
def test_every_translation_compiles_and_is_complete(file: Path, tmp_path: Path) -> None:
    update.release(file, tmp_path / "out.qm")
    assert (tmp_path / "out.qm").stat().st_size > 0


def test_an_unfinished_translation_does_not_compile(tmp_path: Path) -> None:
    broken = tmp_path / "neuron_de.ts"
    broken.write_text(
        '<?xml version="1.0"?><!DOCTYPE TS><TS version="2.1" language="de"><context><name>X</name>'
        '<message><source>Open</source><translation type="unfinished"/></message></context></TS>'
    )
    with pytest.raises(subprocess.CalledProcessError):
        update.release(broken, tmp_path / "out.qm")


def test_plurals_reach_the_screen(qapp: QApplication) -> None:
    assert translate("Text", "about %n minute(s)", None, 1) == "about 1 minute"
    assert translate("Text", "about %n minute(s)", None, 3) == "about 3 minutes"


def _calls(source: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in update.MARKS:
                yield node


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(update.ROOT)))
def test_every_marked_text_is_a_literal(source: Path) -> None:
    """``translate("Context", f"…")`` looks right and is never translated."""
    unreadable = [
        f"{source.name}:{call.lineno}"
        for call in _calls(source)
        if len(call.args) >= 2
        and isinstance(call.args[0], ast.Constant)
        and not isinstance(call.args[1], ast.Constant)
    ]
    assert unreadable == []


def test_texts_are_found_whatever_their_shape(tmp_path: Path) -> None:
    source = tmp_path / "code.py"
    source.write_text(
        """
translate("A", "%n one(s)", None, max(1, round(2 / 60)))
QCoreApplication.translate("A", "in " "parts “…”", "for the button")
TABLE = {"x": Message(QT_TRANSLATE_NOOP("library", ("in " "parentheses")))}
english(context, text)
"""
    )
    assert set(update.texts(source)) == {
        ("A", "%n one(s)", ""),
        ("A", "in parts “…”", "for the button"),
        ("library", "in parentheses", ""),
    }


def test_modules_without_qt_are_read_too(tmp_path: Path) -> None:
    target = tmp_path / "all.ts"
    update.extract(target)
    found = target.read_text()
    assert "The program “{program}” is not installed." in found
    assert "Show &amp;details" in found


@given(st.text(alphabet="abcXYZ &{}%n1\n.", max_size=60))
def test_the_pseudo_locale_keeps_what_must_stay(text: str) -> None:
    assert Counter(KEPT.findall(pseudo(text))) == Counter(KEPT.findall(text))


def test_the_pseudo_locale_is_longer_and_marked() -> None:
    text = "Copy {count} &files to the folder “{folder}”"
    made = pseudo(text)
    assert made.startswith("[") and made.endswith("]")
    assert "{count}" in made and "&f" in made and "{folder}" in made
    assert len(made) >= 1.4 * len(KEPT.sub("", text))
    assert not re.search(r"[Cc]opy", made)


def test_the_pseudo_locale_answers_for_every_text(qapp: QApplication) -> None:
    translator = PseudoTranslator()
    assert translator.translate("Anything", "Open") == pseudo("Open")
