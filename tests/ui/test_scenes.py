"""Every window and state of the suite passes the audit in every variant."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from tests.ui.audit.run import findings
from tests.ui.scenes import data, scenes
from tests.ui.variants import VARIANTS, Variant


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize("scene", scenes())
def test_the_audit_finds_nothing(qapp: QApplication, scene: str, variant: Variant) -> None:
    found = findings(qapp, scenes()[scene], data=data(), variants=[variant])
    assert not found, "\n".join(str(finding) for finding in found[variant.name])
