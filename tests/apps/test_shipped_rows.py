"""What migrations ship is there for every test, also after one that empties the tables."""

import pytest

from vpp.settlement.models import BaselineProfile, PaymentRule


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_shipped_rules_survive_a_test_with_real_transactions(turn: int):
    assert PaymentRule.objects.exists(), turn
    assert BaselineProfile.objects.exists(), turn
