"""A dry run says what would be sent and leaves no trace."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from bidding.models import Bid, BookCell, BookEntry, NightlyRun, PlannedDay

pytestmark = pytest.mark.django_db


def test_a_dry_run_names_the_bids_and_keeps_nothing(world):
    ask = world.ask()
    out = StringIO()
    call_command(
        "nightly", "--dry-run", "--zone", "DE", "--date", str(world.day.date), "--at", world.at.isoformat(), stdout=out
    )
    printed = out.getvalue()
    assert "nothing is sent or kept" in printed and "RESERVE-UP-4H" in printed and "FLEX/ASK" in printed
    for table in (Bid, BookCell, BookEntry, NightlyRun, PlannedDay):
        assert not table.objects.exists()
    ask.refresh_from_db()
    assert ask.state == "ASKED"
