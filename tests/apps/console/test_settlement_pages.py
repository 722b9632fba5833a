"""Runs, the baseline behind an award as a picture, and the ledger."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.utils.formats import date_format

from tests.apps.console.makers import chart_of, page
from vpp.console.queries.settlement import group_of
from vpp.console.settlement_charts import on_clock, placed
from vpp.settlement.models import LedgerAccount, Performance, ResettlementStep, SettlementRun

pytestmark = pytest.mark.django_db


def test_runs_can_be_narrowed(staff, world):
    assert f"{world.portfolio.code} v1" in page(staff, "/settlement/")
    assert "No run matches" in page(staff, "/settlement/?date=2015-01-01")
    assert "No run matches" in page(staff, "/settlement/?portfolio=nothing")
    assert f"{world.portfolio.code} v1" in page(staff, f"/settlement/?portfolio={world.portfolio.code}&state=x&page=0")


def test_a_run_names_its_awards_findings_and_rules(staff, world):
    run = SettlementRun.objects.get()
    body = page(staff, f"/settlement/{run.pk}/")
    assert world.ask.reference in body and run.checksum in body
    for finding in run.findings:
        assert finding["devices"][0] in body
    page(staff, f"/settlement/{run.pk + 99}/", 404)


def test_an_awards_baseline_is_drawn_from_its_chosen_days(staff, world):
    performance = Performance.objects.get(award__bid__ask=world.ask)
    body = page(staff, f"/settlement/awards/{performance.pk}/")
    power, moved = chart_of(body, "award-chart")["panels"]
    assert moved["series"][0]["y"][72] == performance.committed_kw[72]
    assert power["series"][0]["y"][72] == pytest.approx(performance.baseline_kw[72], abs=1e-3)
    for number, entry in enumerate(e for e in performance.explanation["baselines"] if e["level"] == "portfolio"):
        series = chart_of(body, f"baseline-{number + 1}")["panels"][0]["series"]
        assert sum(one["role"] == "thin" for one in series) in (0, len(entry["selected_days"]))
        assert any(one["name"] == "adjusted baseline" for one in series)


def test_an_award_says_when_its_market_settles_the_day_again(staff, world):
    performance = Performance.objects.get(award__bid__ask=world.ask)
    address, day = f"/settlement/awards/{performance.pk}/", performance.run.delivery_date
    assert "settles this day again" not in page(staff, address)
    market = performance.award.bid.product.market.code
    steps = {"market_code": market, "unit": "DAYS", "valid_from": day}
    ResettlementStep.objects.create(name="T+5", offset=5, **steps)
    ResettlementStep.objects.create(name="T+30", offset=30, disputable=False, **steps)
    body = page(staff, address)
    first, last = (date_format(day + timedelta(days=days), "j F Y") for days in (5, 30))
    assert f"settles this day again: T+5 {first}, T+30 {last} (final)." in body


@pytest.mark.parametrize(
    ("adjustment", "expected"),
    [({"kind": "multiplicative", "applied": 0.8}, [8.0, 16.0]), ({"kind": "additive", "applied": -0.5}, [8.0, 18.0])],
)
def test_the_adjusted_baseline_is_the_mean_after_its_adjustment(adjustment, expected):
    entry = {
        "rule": "R", "devices": 2, "status": "ok", "adjustment": adjustment, "excluded": [],
        "selected_days": ["2016-07-13"], "weights": [1.0], "unadjusted_kwh": [2.5, 5.0],
    }  # fmt: skip
    group = group_of(entry, slice(2, 4))
    assert group.mean_kw.tolist() == [10.0, 20.0]
    assert group.adjusted_kw.tolist() == expected
    assert placed(group.adjusted_kw, group, list("abcde")) == [None, None, *expected, None]


def test_a_reference_day_of_another_length_is_cut_or_left_open():
    assert on_clock(np.ones(100), 96).size == 96
    assert np.isnan(on_clock(np.ones(92), 96)[92:]).all()


def test_the_ledger_balances_and_opens_an_account(staff, world):
    body = page(staff, "/ledger/")
    assert "debits and credits agree" in body
    account = LedgerAccount.objects.filter(lines__amount__lt=Decimal(0), participant__isnull=False).first()
    assert account is not None
    body = page(staff, f"/ledger/?account={account.code}")
    assert f"Journals on {account.code}" in body and "settlement:" in body
    assert "No journal matches" in page(staff, "/ledger/?date=2010-01-01")
