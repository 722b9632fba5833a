from __future__ import annotations

from datetime import date, datetime

import pytest

from tests.apps.bidding.world import World, make_world


@pytest.fixture(autouse=True)
def _short_branching(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of these tests ask what happens to bids, not how good they are."""
    from bidding.distribution import real
    from bidding.operations import optimising

    for module in (optimising, real):
        monkeypatch.setattr(module, "NODE_LIMIT", 1)
        monkeypatch.setattr(module, "GAP_TARGET", 0.5)


@pytest.fixture
def world(db: None, at: datetime) -> World:
    """The zone on 14 July 2016, seen the day before at 08:00 UTC, two hours before the gate."""
    return make_world(date(2016, 7, 14), at.replace(hour=8))
