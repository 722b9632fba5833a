"""Replayed days: foresight earns most, copying what it copies, and nothing is scored on prices it could not know."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bidding.errors import BadPriceFile
from bidding.kernels.replay import ReplayBattery, as_svg, play_day, rank_correlation, summed
from bidding.operations.replay import read_prices, replay


def prices(days=4):
    rng = np.random.default_rng(3)
    hours = np.arange(24)
    return [40 + 20 * np.sin((hours - 6) / 24 * 4 * np.pi) + rng.normal(0, 6, 24) for _ in range(days)]


def written(tmp_path: Path, days=4) -> Path:
    path = tmp_path / "prices.csv"
    rows = [
        f"2016-03-{d + 1:02d} {h:02d}:00:00,{p:.2f}" for d, day in enumerate(prices(days)) for h, p in enumerate(day)
    ]
    path.write_text("time_local,price_eur_mwh\n" + "\n".join(rows) + "\n")
    return path


def test_foresight_earns_most_and_a_true_forecast_as_much():
    yesterday, today = prices(2)
    battery = ReplayBattery(min_quantity_kw=100.0)
    known = play_day(date(2016, 3, 2), today, today, yesterday, battery)
    assert known.bid == pytest.approx(known.perfect) and known.perfect > known.persistence
    assert known.forecast_tau == pytest.approx(1.0)
    flat = play_day(date(2016, 3, 2), today, np.full(24, 40.0), yesterday, battery)
    assert flat.bid == pytest.approx(0.0, abs=1e-6) and np.isnan(rank_correlation(np.ones(4), np.ones(4)))


def test_a_file_is_played_day_by_day_as_known_then(tmp_path):
    asked = []

    def copy_yesterday(file, target):
        asked.append(target[0])
        known = file.prices[file.prices.index < target[0]]
        return known["price"].to_numpy()[-24:]

    file = read_prices(written(tmp_path))
    days = list(replay(file, date(2016, 3, 2), date(2016, 3, 4), ReplayBattery(), forecaster=copy_yesterday))
    summary = summed(days)
    assert len(days) == len(asked) == 3
    assert summary.captured("bid") == pytest.approx(summary.captured("persistence")) and summary.captured("bid") < 1.0
    drawn = as_svg(summary, title="auctions & <more>")
    assert drawn.startswith("<svg") and drawn.count("polyline") == 3
    assert "auctions &amp; &lt;more&gt;</text>" in drawn


def test_a_bad_price_file_is_named(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("when,price\n1,2\n")
    with pytest.raises(BadPriceFile, match="time column"):
        read_prices(path)
    file = read_prices(written(tmp_path))
    with pytest.raises(BadPriceFile, match="0 prices on"):
        list(replay(file, date(2016, 3, 1), date(2016, 3, 2), ReplayBattery(), forecaster=lambda f, t: np.zeros(24)))
