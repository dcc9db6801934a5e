"""One real screen for each test here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.resolution.screen import Screen, running


@pytest.fixture
def screen() -> Iterator[Screen]:
    with running() as made:
        yield made
