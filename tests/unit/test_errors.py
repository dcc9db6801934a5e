"""One error model: a code, a sentence, a hint, an exit status."""

from __future__ import annotations

import importlib
import pickle
import pkgutil
import string

import pytest

import libneuron
from libneuron.errors import Exit, NeuronError
from libneuron.system.errors import SystemAccessError


def _error_classes() -> list[type[NeuronError]]:
    for module in pkgutil.walk_packages(libneuron.__path__, "libneuron."):
        if not module.name.startswith("libneuron.ui"):
            importlib.import_module(module.name)
    found: list[type[NeuronError]] = []
    waiting = [NeuronError]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            if kind.__module__.startswith("libneuron"):
                found.append(kind)
                waiting.append(kind)
    return found


def test_an_error_says_what_happened_and_what_to_do() -> None:
    error = SystemAccessError("system.program-missing", program="snapper", details="ENOENT")
    assert str(error) == "The program “snapper” is not installed."
    assert error.hint() == "Install it with your package manager and try again."
    assert error.exit is Exit.CANNOT
    assert error.as_json()["details"] == "ENOENT"


def test_an_error_is_translated_before_its_values_are_filled_in() -> None:
    error = SystemAccessError("system.program-missing", program="x{y}")
    assert error.sentence(lambda context, text: f"[{context}] {text}") == (
        "[system] The program “x{y}” is not installed."
    )


def test_an_unknown_code_is_a_bug() -> None:
    with pytest.raises(KeyError):
        SystemAccessError("system.no-such-code")


def test_every_text_of_the_library_has_a_sentence_a_hint_and_a_code_of_its_domain() -> None:
    classes = _error_classes()
    assert SystemAccessError in classes
    for kind in classes:
        for code, message in kind.texts.items():
            domain, _, rest = code.partition(".")
            assert rest, code
            assert {message.sentence[0], message.hint[0]} == {domain}, code
            assert message.sentence[1].endswith("."), code
            assert message.hint[1].endswith((".", ":", "?")), code
            names = [name for _, name, _, _ in string.Formatter().parse(message.sentence[1]) if name]
            assert all(name.isidentifier() for name in names), code


def test_an_error_crosses_to_another_process_with_its_words() -> None:
    error = SystemAccessError("system.program-missing", program="x", details="why")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is SystemAccessError
    assert (again.as_json(), again.exit, str(again)) == (error.as_json(), error.exit, str(error))
