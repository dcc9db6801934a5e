"""Names of items: a person's words are translated, proper names stay."""

from __future__ import annotations

from libneuron.migration.labels import label
from tests.unit.migration.maker import RULES

PROPER = {
    "OneDrive", "Google Chrome", "Microsoft Edge", "Chromium", "Brave", "Vivaldi", "Opera", "Mozilla Firefox",
    "Mozilla Thunderbird", "Visual Studio Code", "Git", "npm", "FileZilla", "Notepad++", "Windows Terminal",
}  # fmt: skip


def test_every_name_that_is_no_proper_one_is_translated() -> None:
    kept = {
        rule.label for rule in RULES if label(rule.label, lambda _context, text: f"[{text}]") == rule.label
    }
    assert kept == PROPER
