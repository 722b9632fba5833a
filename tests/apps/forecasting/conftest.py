"""A small zone with a fortnight and more of readings: loads, PV, an EV charger, a heat pump, batteries on one feeder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from forecasting.kernels.ladder import LadderSettings
from telemetry.kernels.batch import batch_of
from telemetry.operations import ingest
from tests.factories import make_device, make_participant, make_portfolio, make_site
from vpp.accounts.models import Participant
from vpp.enrollment.models import Device, Portfolio
from vpp.lib.periods import as_datetime64, interval_starts64
from vpp.network.models import Feeder, Substation

DAY = date(2016, 7, 14)
ISSUE = datetime(2016, 7, 13, 8, tzinfo=UTC)
HISTORY_DAYS = 16


@dataclass
class Zone:
    portfolio: Portfolio
    utility: Participant
    devices: dict[str, Device]
    starts: NDArray[np.datetime64]
    power_kw: dict[str, NDArray[np.float64]]


def series(kind: str, starts: NDArray[np.datetime64], seed: int) -> NDArray[np.float64]:
    """A plausible synthetic year's piece of one device, load convention."""
    random = np.random.default_rng(seed)
    hour = (starts.astype("datetime64[m]").astype(np.int64) % 1440) / 60
    noise = random.uniform(0.8, 1.2, len(starts))
    if kind == "PV":
        return -8 * np.maximum(np.sin((hour - 4) / 15 * np.pi), 0) * noise * ((hour > 4) & (hour < 19))
    if kind == "EV_CHARGER":
        return np.where((hour > 16) & (hour < 20) & (noise > 0.9), 7.0, 0.0)
    return (2 + np.sin((hour - 6) / 24 * 2 * np.pi) ** 2) * noise


def store(devices: dict[str, Device], starts, power_kw, *, at: datetime, correction: bool = False) -> None:
    codes = list(devices)
    count = len(starts)
    answer = ingest(
        batch_of(
            codes=codes,
            device=np.repeat(np.arange(len(codes)), count),
            time_us=np.tile(starts.astype("datetime64[us]").astype(np.int64), len(codes)),
            power_kw=np.concatenate([power_kw[code] for code in codes]),
            correction=correction,
        ),
        at=at,
        principal=None,
        max_age_days=None,
    )
    assert not answer.refused


def build_zone(*, issue: datetime = ISSUE, history_days: int = HISTORY_DAYS) -> Zone:
    utility = make_participant(kind=Participant.Kind.UTILITY)
    station = Substation.objects.create(code="UW1", name="UW1", utility=utility)
    Feeder.objects.create(code="LV1", utility=utility, substation=station)
    kinds = ["LOAD"] * 6 + ["PV"] * 4 + ["EV_CHARGER"] * 2 + ["HEAT_PUMP"] * 2 + ["BATTERY"] * 2
    devices = {}
    for place, kind in enumerate(kinds):
        site = make_site(feeder_code="LV1", node_code=f"N{place % 4}")
        controllable = kind != "LOAD"
        produces = 12.0 if kind in {"PV", "BATTERY"} else 0.0
        devices[f"d{place}"] = make_device(
            kind=kind,
            code=f"d{place}",
            site=site,
            controllable=controllable,
            max_consumption_kw=0.0 if kind == "PV" else 12.0,
            max_production_kw=produces,
        )
    portfolio = make_portfolio(devices=list(devices.values()), code="P1")
    end = issue.replace(minute=0)
    starts = interval_starts64(end - timedelta(days=history_days), end, 15)
    measured = {code: one for code, one in devices.items() if one.kind != "BATTERY"}
    power_kw = {code: series(one.kind, starts, place) for place, (code, one) in enumerate(measured.items())}
    store(measured, starts, power_kw, at=issue - timedelta(minutes=10))
    assert starts[-1] < as_datetime64(issue)
    return Zone(portfolio, utility, devices, starts, power_kw)


@pytest.fixture(autouse=True)
def _small_models(monkeypatch) -> None:
    """The full ladder with few trees: these tests are about rows, not about accuracy."""
    monkeypatch.setattr(
        "forecasting.kernels.fleet.settings_for",
        lambda name, *, seed: LadderSettings(training_rows=2000, rounds=3, seed=seed),
    )


@pytest.fixture
def zone(db) -> Zone:
    return build_zone()
