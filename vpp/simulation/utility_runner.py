"""The simulated utility: studies its feeders on the forecast, asks for relief, accepts bids, reads the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpp.network.kernels.document import NetworkDocument
from vpp.simulation.client import Client, HttpRefused
from vpp.simulation.grids.utility_flow import FeederStudy, study_feeder
from vpp.simulation.kernels.congestion import Need, cut_to, need_above_limit, need_of, tightened_limit_kw

Floats = NDArray[np.float64]

THERMAL = ("branch_overload", "transformer_overload", "power_limit")
LONGEST_ASK_INTERVALS = 12
TIGHTENED_INTERVALS = 8
SMALLEST_ASK_KW = 10.0
TIGHTENED_PU = 0.25  # of the feeder's peak


@dataclass(frozen=True)
class Congestion:
    """Where relief is needed and why; tightened: no limit was broken, the utility lowered it to try the market."""

    feeder: str
    congestion_point: str
    limit_kw: float
    peak_kw: float
    need: Need
    tightened: bool

    def __str__(self) -> str:
        why = "no violation forecast; limit tightened to" if self.tightened else "forecast above its limit of"
        return f"{self.feeder}: peak {self.peak_kw:.0f} kW, {why} {self.limit_kw:.0f} kW, {self.need.direction} asked"


class NoForecast(Exception):
    """The service shows no forecast for any of the utility's feeders."""


class UtilityRunner:
    """One utility's programs, with its own network file."""

    def __init__(self, client: Client, document: NetworkDocument) -> None:
        self.client, self.document = client, document

    def forecast_kw(self, feeder: str, delivery_date: date) -> dict[str, Floats]:
        """Mean net load (H,) by node as the service forecasts it; empty without a forecast."""
        try:
            answer = self.client.get("/api/v1/forecasts", {"feeder": feeder, "date": delivery_date.isoformat()})
        except HttpRefused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return {}
            raise
        return {row["node"]: np.array(row["mean_kw"], dtype=np.float64) for row in answer["nodes"]}

    def find_congestion(self, feeders: Sequence[str], delivery_date: date, *, most_kw: float) -> Congestion:
        """The worst violation among the feeders, else a tightened limit on the most loaded one.

        most_kw : largest quantity to ask for in an interval. Raises NoForecast.
        """
        studies = []
        for feeder in feeders:
            if injections := self.forecast_kw(feeder, delivery_date):
                studies.append(study_feeder(self.document, feeder, injections))
        if not studies:
            raise NoForecast(f"no forecast for {', '.join(feeders)} on {delivery_date}")
        found = [one for study in studies if (one := _violated(study, most_kw)) is not None]
        if found:
            return max(found, key=lambda one: one.need.energy_kwh)
        return _tightened(max(studies, key=lambda study: float(np.nanmax(study.head_loading_pu))), most_kw)

    def ask(
        self,
        congestion: Congestion,
        delivery_date: date,
        *,
        reference: str,
        ceiling_price_per_mwh: float,
        gate_at: datetime,
        expires_at: datetime,
    ) -> dict[str, Any]:
        """Issue the ask through the public API; a repeat gets the first answer."""
        body = {
            "reference": reference,
            "congestion_point": congestion.congestion_point,
            "direction": congestion.need.direction,
            "delivery_date": delivery_date.isoformat(),
            "interval_minutes": 15,
            "quantity_kw": congestion.need.quantity_kw.tolist(),
            "ceiling_price_per_mwh": ceiling_price_per_mwh,
            "gate_at": gate_at.isoformat(),
            "expires_at": expires_at.isoformat(),
        }
        answer: dict[str, Any] = self.client.post("/api/v1/asks", body)
        return answer

    def accept_bids(self, reference: str) -> list[dict[str, Any]]:
        """Order every open bid on an ask; returns the commits, also those of an earlier try."""
        for bid in self.client.get_all("/api/v1/bids", {"ask": reference}):
            if bid["state"] in ("SUBMITTED", "ACKNOWLEDGED"):
                self.client.post(f"/api/v1/bids/{bid['id']}/accept", {})
        return self.client.get_all("/api/v1/commits", {"ask": reference})

    def report(self, delivery_date: date) -> Any:
        """The performance report of the utility's own asks."""
        return self.client.get("/api/v1/performance-reports", {"date": delivery_date.isoformat()})


def _violated(study: FeederStudy, most_kw: float) -> Congestion | None:
    """The relief that every overloaded transformer, line or agreed limit of the feeder needs, interval by interval."""
    over_kw = {True: np.zeros(study.head_p_kw.size), False: np.zeros(study.head_p_kw.size)}
    for one in study.violations:
        if one.kind in THERMAL and np.isfinite(one.excess_kw):
            over_kw[one.up][one.interval] = max(over_kw[one.up][one.interval], one.excess_kw)
    need = need_of(over_kw[True], over_kw[False])
    if need is None:
        return None
    return _congestion(study, study.limit_kw, cut_to(need, most_kw, LONGEST_ASK_INTERVALS), tightened=False)


def _tightened(study: FeederStudy, most_kw: float) -> Congestion:
    peak_kw = float(np.abs(study.head_p_kw).max())
    wanted_kw = min(max(TIGHTENED_PU * peak_kw, SMALLEST_ASK_KW), most_kw)
    limit_kw = tightened_limit_kw(study.head_p_kw, wanted_kw, TIGHTENED_INTERVALS)
    need = need_above_limit(study.head_p_kw, limit_kw)
    if need is None:
        raise ValueError(f"feeder {study.feeder} carries nothing on this day")
    return _congestion(study, limit_kw, cut_to(need, most_kw, LONGEST_ASK_INTERVALS), tightened=True)


def _congestion(study: FeederStudy, limit_kw: float, need: Need, *, tightened: bool) -> Congestion:
    peak_kw = float(np.abs(study.head_p_kw).max())
    return Congestion(study.feeder, study.congestion_point, limit_kw, peak_kw, need, tightened)
