"""Replays of past days: what the bids would have captured of the value that the prices held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from bidding.operations.replay_reports import KIND
from vpp.jobs.models import Job
from vpp.jobs.operations import ALIVE

SHOWN = 30


@dataclass(frozen=True)
class Report:
    """One replay; `days` are empty until it is done. Values in EUR."""

    job: Job
    source: str
    first: date
    last: date
    power_kw: float
    energy_kwh: float
    wear_per_mwh: float
    days: list[dict[str, Any]]

    @property
    def is_running(self) -> bool:
        return self.job.state in ALIVE

    def total(self, name: str) -> float | None:
        return float(sum(day[name] for day in self.days)) if self.days else None

    @property
    def perfect(self) -> float | None:
        return self.total("perfect")

    @property
    def bid(self) -> float | None:
        return self.total("bid")

    @property
    def persistence(self) -> float | None:
        return self.total("persistence")

    @property
    def captured_pu(self) -> float | None:
        return _share(self.bid, self.perfect)

    @property
    def copied_pu(self) -> float | None:
        return _share(self.persistence, self.perfect)

    @property
    def forecast_tau(self) -> float | None:
        known = [day["forecast_tau"] for day in self.days if day["forecast_tau"] is not None]
        return float(np.mean(known)) if known else None

    @property
    def newest_first(self) -> list[dict[str, Any]]:
        return [
            {**day, "day": date.fromisoformat(day["day"]), "captured_pu": _share(day["bid"], day["perfect"])}
            for day in reversed(self.days)
        ]


def _share(value: float | None, of: float | None) -> float | None:
    return None if value is None or not of or of <= 0 else value / of


def reports() -> list[Report]:
    return [_report(job) for job in Job.objects.filter(kind=KIND).order_by("-pk")[:SHOWN]]


def find_report(job_id: int) -> Report | None:
    job = Job.objects.filter(kind=KIND, pk=job_id).first()
    return None if job is None else _report(job)


def _report(job: Job) -> Report:
    asked = job.payload
    return Report(
        job=job,
        source=asked["source"],
        first=date.fromisoformat(asked["first"]),
        last=date.fromisoformat(asked["last"]),
        power_kw=asked["battery"]["power_kw"],
        energy_kwh=asked["battery"]["energy_kwh"],
        wear_per_mwh=asked["battery"]["wear_per_mwh"],
        days=(job.result or {}).get("days", []),
    )
