"""Each rule is needed: with its row taken out, the independent check in plain code finds what it prevents."""

from __future__ import annotations

import numpy as np
import pytest

from bidding.kernels import constraints
from bidding.kernels.book import Promise, check_book
from bidding.kernels.co_optimise import co_optimise
from tests.kernels.bidding.cases import FAST, battery, energy, problem, reserve

PRICES = [10.0, 90.0, 20.0, 80.0]


def played(book_kw: float = 10_000.0, min_kw: float = 100.0, energy_kwh: float = 2000.0):
    group = battery(
        4, energy_kwh=energy_kwh, energy_start_kwh=energy_kwh, charge_efficiency=0.95, discharge_efficiency=0.95
    )
    stated = problem(
        [group], 4, energy=energy(PRICES, min_kw=min_kw), reserves=(reserve(30.0, 4, endurance_h=0.25),),
        book_up_kw=np.full(4, book_kw), book_down_kw=np.full(4, book_kw),
    )  # fmt: skip
    plan = co_optimise(stated, FAST, gap_target=1e-3)
    promises = [
        Promise("sell", "UP", plan.sell_kw.tolist(), 100.0, min_kw),
        Promise("buy", "DOWN", plan.buy_kw.tolist(), 100.0, min_kw),
        Promise("reserve", "UP", plan.reserve_kw["RES-UP"].tolist(), 100.0, 100.0),
    ]
    findings = check_book(promises, capacity_up_kw=[book_kw] * 4, capacity_down_kw=[book_kw] * 4)
    beyond = plan.group_up_kw[0] - plan.group_down_kw[0] + plan.reserve_kw["RES-UP"] - group.up_limit_kw
    return {finding.rule for finding in findings} | ({"headroom"} if beyond.max() > 1e-3 else set())


def without(monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    monkeypatch.setattr(constraints, rule, lambda *_: None)


def test_with_all_rules_nothing_is_found():
    assert played() == set() and played(book_kw=600.0) == set() and played(min_kw=700.0, energy_kwh=350.0) == set()


def test_without_the_headroom_row_a_kilowatt_is_sold_twice(monkeypatch):
    without(monkeypatch, "add_headroom_rows")
    assert "headroom" in played()


def test_without_the_book_row_more_is_promised_than_the_book_has(monkeypatch):
    without(monkeypatch, "add_book_rows")
    assert "sold_twice_up" in played(book_kw=600.0)


def test_without_the_lot_rule_a_bid_is_below_the_minimum(monkeypatch):
    from bidding.kernels import co_optimise as module

    without(monkeypatch, "add_lot_rows")
    monkeypatch.setattr(module, "dives", lambda made, model: [])  # which round sub-minimum lots to zero as well
    assert "below_minimum" in played(min_kw=700.0, energy_kwh=350.0)
