"""The contract against NeuronGuest in a real Linux VM."""

from __future__ import annotations

import pytest

from libneuron.guest.client import BlockingGuest
from tests.system.contract.contract import GuestContract, Subject


@pytest.mark.vm
class TestVm(GuestContract):
    @pytest.fixture
    def subject(self, client: BlockingGuest) -> Subject:
        return Subject(client, None, slow=4)
