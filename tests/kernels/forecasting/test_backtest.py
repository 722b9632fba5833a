"""A backtest forecasts from what was known and scores against last week."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from forecasting.kernels.backtest import backtest

INDEX = pd.date_range("2016-05-01", "2016-07-14", freq="h", tz="UTC", inclusive="left")


def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({"good": 5 + random.random(len(INDEX)), "bad": 5 + random.random(len(INDEX))}, index=INDEX)


def test_it_shows_no_model_the_day_and_puts_the_worst_series_first():
    whole, asked = frame(), []

    def oracle(known, issue, target, quantiles, exog):
        asked.append((known.index.max() < issue, len(target)))
        truth = {("good", level): whole["good"].reindex(target) for level in quantiles}
        wrong = {("bad", level): np.full(len(target), 50.0) for level in quantiles}
        return pd.DataFrame(truth | wrong, index=target)

    rows = backtest(
        whole,
        None,
        first=date(2016, 7, 1),
        last=date(2016, 7, 9),
        every_days=1,
        zone="Europe/Berlin",
        step_minutes=60,
        forecast=oracle,
    )
    assert asked == [(True, 24)] * 9
    assert [row.series for row in rows] == ["bad", "good"]
    assert (rows[0].coverage, rows[1].coverage, rows[1].mae_ratio) == (0, 1, 0)
    assert rows[0].drift == rows[1].drift == 3


def test_the_command_names_a_column_that_is_not_there(tmp_path):
    frame().rename_axis("time").to_csv(tmp_path / "history.csv")
    with pytest.raises(CommandError, match="no column x"):
        call_command("backtest", str(tmp_path), "--from", "2016-07-01", "--to", "2016-07-02", "--series", "x")


def test_the_command_prints_a_row_a_series(tmp_path, capsys):
    frame().iloc[-30 * 24 :].rename_axis("time").to_csv(tmp_path / "history.csv")
    call_command("backtest", str(tmp_path), "--from", "2016-07-10", "--to", "2016-07-10", "--step", "60")
    assert capsys.readouterr().out.count("\n") == 3
