from __future__ import annotations

from datetime import date, datetime

import pytest

from tests.apps.bidding.world import World, make_world


@pytest.fixture
def world(db: None, at: datetime) -> World:
    """The zone on 14 July 2016, seen the day before at 08:00 UTC, two hours before the gate."""
    return make_world(date(2016, 7, 14), at.replace(hour=8))
