"""A delivery day end to end through the public entrances: the loop closes, repeats change nothing, kills lose nothing.

The day is the one with 100 quarter hours; `test_clock_change_days` plays the one with 92.
"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from tests.journeys.conftest import Stage, check_the_loop_is_closed

pytestmark = pytest.mark.slow(seconds=110)

DATE = "2016-10-30"
KILLED_IN = ("forecast", "fallback", "optimise", "check")
KINDS = {"ENERGY", "RESERVE_UP", "RESERVE_DOWN", "ASK"}


def outcome(result: dict[str, Any]) -> dict[str, Any]:
    """What must not depend on when the day was played, how fast, or how often it was interrupted."""
    kept = ("positions", "payouts_by_owner_group", "totals", "balanced", "settlement_states", "book_check")
    return {name: result[name] for name in kept}


@pytest.fixture(scope="module")
def played(new_stage) -> tuple[Stage, dict[str, Any]]:
    stage = new_stage("plain")
    return stage, stage.play("--date", DATE)


def test_the_day_is_bid_committed_delivered_and_paid(played):
    _, result = played
    check_the_loop_is_closed(result, 100)
    awarded = {position["kind"] for position in result["positions"] if position["awarded_mwh"] > 0}
    # Whether the smallest grid's five batteries sell a lot of reserve down as well is worth less than the gap.
    assert KINDS - {"RESERVE_DOWN"} <= awarded <= KINDS
    reserves = ("RESERVE_UP", "RESERVE_DOWN")
    assert all(position["share"] is not None for position in result["positions"] if position["kind"] not in reserves)
    assert result["price_source"] == "modelled price"


def test_a_payout_leads_back_to_its_readings(played):
    stage, result = played
    trace = result["trace"]
    assert {"payout", "journal", "performance", "award", "bid", "nightly_run", "forecast_run", "devices"} <= set(trace)
    assert Decimal(trace["payout"]["amount"]) > 0
    assert trace["devices"]
    ledger = stage.query("SELECT currency, sum(amount) FROM settlement_journalline GROUP BY currency")
    assert ledger == [("EUR", Decimal("0.00"))]


def test_playing_the_same_day_again_changes_nothing(played):
    stage, first = played
    before = stage.counts()
    assert outcome(stage.play("--date", DATE)) == outcome(first)
    assert stage.counts() == before


@pytest.mark.thorough
def test_a_nightly_run_killed_at_every_step_ends_in_the_same_result(played, new_stage):
    reference, undisturbed = played
    stage = new_stage("killed")
    killed = [step for step in KILLED_IN if kill_when_step_begins(stage, step)]
    assert len(killed) >= 2, f"only {killed} was caught in the act"
    assert outcome(stage.play("--date", DATE)) == outcome(undisturbed)
    assert stage.counts() == reference.counts()


def kill_when_step_begins(stage: Stage, step: str) -> bool:
    """Start the demo and SIGKILL it as soon as a nightly step has begun; False if it was over before we looked."""
    process = stage.start("--date", DATE)
    state = None
    while state is None:
        assert process.poll() is None, "the demo ended before its nightly run"
        rows = stage.query(f"SELECT state FROM bidding_nightlystep WHERE name = '{step}'")
        state = rows[0][0] if rows else None
        time.sleep(0.005)
    process.kill()
    process.wait()
    return state == "RUNNING"
