"""Tables are checked at load, with file and key named."""

from __future__ import annotations

from pathlib import Path

import pytest

from libneuron.system import tables
from libneuron.system.errors import SystemAccessError


def _problem(text: str, key: str, kind: type) -> str:
    with pytest.raises(SystemAccessError) as refused:
        tables.parse(text, file="rules.toml").get(key, kind)
    return str(refused.value)


def test_values_come_back_typed() -> None:
    table = tables.parse('name = "x"\nsize = 3\nlist = ["a", "b"]\n[[rule]]\nid = "r"\n', file="t.toml")
    assert table.get("name", str) == "x"
    assert table.get("size", int) == 3
    assert table.items("list", str) == ("a", "b")
    assert [rule.get("id", str) for rule in table.tables("rule")] == ["r"]
    assert table.get("absent", int, 7) == 7
    assert table.optional("absent", str) is None
    table.done()


def test_a_wrong_type_names_file_and_key() -> None:
    assert _problem("size = true", "size", int) == (
        "The file “rules.toml” is not valid: size must be int, not bool."
    )
    assert "name is missing" in _problem("", "name", str)


def test_a_wrong_element_names_its_index() -> None:
    table = tables.parse('[[rule]]\nids = ["a", 1]', file="t.toml").tables("rule")[0]
    with pytest.raises(SystemAccessError, match=r"rule\[0\]\.ids\[1\] must be str"):
        table.items("ids", str)


def test_a_key_that_nobody_read_is_a_typing_error() -> None:
    table = tables.parse("name = 1\nnmae = 2", file="t.toml")
    table.get("name", int)
    with pytest.raises(SystemAccessError, match="nmae is not a known key"):
        table.done()


@pytest.mark.parametrize("data", [b"a = ", b"\xff\xfe"])
def test_a_broken_file_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(data)
    with pytest.raises(SystemAccessError, match=r"broken\.toml"):
        tables.load(path)
