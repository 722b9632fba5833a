"""A fleet, its portfolio and its award, played over HTTP against the service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from tests.apps.settlement.makers import SUMMER, make_award
from tests.factories import ALWAYS, make_device_forecasts, make_participant, make_portfolio, make_site
from vpp.accounts.models import Participant
from vpp.accounts.operations import create_client
from vpp.enrollment.models import Device, Enrollment, OwnerTerms, Portfolio
from vpp.lib.periods import DeliveryDay
from vpp.simulation.client import Client
from vpp.simulation.fleet_runner import FleetRunner
from vpp.simulation.kernels.faults import FaultRates, draw_faults
from vpp.simulation.kernels.fleet import Fleet
from vpp.simulation.kernels.fleet_spec import FleetSpec, spec_from_rows

KINDS = ("BATTERY", "EV_CHARGER", "HEAT_PUMP")


@dataclass(frozen=True)
class World:
    day: DeliveryDay
    portfolio: Portfolio
    spec: FleetSpec
    fleet: Fleet
    runner: FleetRunner
    controllable: np.ndarray


def build_world(url: str, *, n_flexible: int, n_loads: int, up_kw: dict[int, float], faults: FaultRates) -> World:
    """n_flexible batteries, cars and heat pumps in turn, and plain loads that are only metered."""
    day = DeliveryDay(SUMMER, "Europe/Berlin")
    rows, profiles = _rows(n_flexible, n_loads, day.n_intervals)
    portfolio = make_portfolio()
    _enroll(rows, portfolio)
    own_kw = {
        device_id: profiles.get(code, 0.0)
        for device_id, code in portfolio.enrollments.values_list("device_id", "device__code")
    }
    make_device_forecasts(portfolio, day, own_kw, issued_at=day.start - timedelta(hours=12))
    make_award(portfolio, day=SUMMER, up=up_kw)
    aggregator = make_participant(kind=Participant.Kind.AGGREGATOR)
    _, token = create_client(
        participant=aggregator, name="gateway", scopes=("dispatch:read", "telemetry:write"), at=day.start
    )
    spec = spec_from_rows(rows, profiles)
    fleet = Fleet(spec, draw_faults(spec.n_devices, day.n_intervals, seed=11, rates=faults))
    runner = FleetRunner(Client(url, token), fleet, day.starts64())
    return World(day, portfolio, spec, fleet, runner, np.isin(spec.kind, KINDS))


def _rows(n_flexible: int, n_loads: int, n_intervals: int) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    rng = np.random.default_rng(5)
    rows: list[dict[str, Any]] = []
    profiles: dict[str, np.ndarray] = {}
    for number in range(n_flexible + n_loads):
        kind = KINDS[number % 3] if number < n_flexible else "LOAD"
        code = f"{kind}-{number}"
        row = {"code": code, "site_code": f"S{number}", "kind": kind, "max_consumption_kw": 10.0, "controllable": True}
        if kind == "BATTERY":
            row |= {"max_production_kw": 10.0, "energy_capacity_kwh": 20.0, "reserve_floor_pu": 0.1}
            row |= {"charge_efficiency": 0.95, "discharge_efficiency": 0.95, "cost_per_kwh": 0.03}
        elif kind == "EV_CHARGER":
            profiles[code] = np.zeros(n_intervals)
            start = int(rng.integers(0, 80))
            profiles[code][start : start + 12] = 7.0
        else:
            profiles[code] = rng.uniform(1.0, 4.0) * np.ones(n_intervals)
        row["controllable"] = kind != "LOAD"
        rows.append(row)
    return rows, profiles


def _enroll(rows: list[dict[str, Any]], portfolio: Portfolio) -> None:
    site = make_site()
    names = {field.name for field in Device._meta.get_fields()}
    devices = Device.objects.bulk_create(
        Device(site=site, **({"max_production_kw": 0.0} | {key: row[key] for key in row if key in names}))
        for row in rows
    )
    Enrollment.objects.bulk_create(
        Enrollment(device=device, portfolio=portfolio, period=ALWAYS) for device in devices if device.controllable
    )
    OwnerTerms.objects.bulk_create(
        OwnerTerms(device=device, period=ALWAYS, reserve_floor_pu=row.get("reserve_floor_pu", 0.0))
        for device, row in zip(devices, rows, strict=True)
    )
