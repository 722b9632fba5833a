"""Small makers of rows that many tests need; every field that a rule looks at can be given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import numpy as np
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from forecasting.models import Forecast, ForecastRun
from vpp.accounts import operations as accounts
from vpp.accounts.models import ApiClient, Participant
from vpp.enrollment.models import Contract, Device, Enrollment, OwnerTerms, Portfolio, Site
from vpp.lib.periods import DeliveryDay
from vpp.network.models import CongestionPoint, Feeder, Substation

ALWAYS = DateTimeTZRange(datetime(2015, 12, 31, tzinfo=UTC), None)
ZONE = "Europe/Berlin"
_numbers = count(1)


def make_participant(*, kind: str = Participant.Kind.OWNER, code: str = "") -> Participant:
    code = code or f"{kind.lower()}-{next(_numbers)}"
    return Participant.objects.create(code=code, name=code.replace("-", " "), kind=kind)


def make_client(
    *, kind: str = Participant.Kind.AGGREGATOR, scopes: tuple[str, ...] = ("read",)
) -> tuple[ApiClient, str]:
    """A client and its token, of a new participant of that kind."""
    return accounts.create_client(
        participant=make_participant(kind=kind), name="tests", scopes=scopes, at=datetime(2016, 1, 1, tzinfo=UTC)
    )


def make_site(**fields: Any) -> Site:
    code = fields.pop("code", f"site-{next(_numbers)}")
    owner = fields.pop("owner", None) or make_participant()
    defaults = {"name": code, "time_zone": ZONE, "zone_code": "DE", "import_limit_kw": 100.0, "export_limit_kw": 100.0}
    return Site.objects.create(code=code, owner=owner, **(defaults | fields))


def make_device(*, kind: str = Device.Kind.BATTERY, **fields: Any) -> Device:
    code = fields.pop("code", f"device-{next(_numbers)}")
    site = fields.pop("site", None) or make_site()
    defaults: dict[str, Any] = {"max_consumption_kw": 10.0, "max_production_kw": 10.0}
    if kind == Device.Kind.BATTERY:
        defaults |= {
            "energy_capacity_kwh": 20.0,
            "charge_efficiency": 0.95,
            "discharge_efficiency": 0.95,
            "controllable": True,
        }
    elif kind in {Device.Kind.LOAD, Device.Kind.EV_CHARGER, Device.Kind.HEAT_PUMP, Device.Kind.METER}:
        defaults |= {"max_production_kw": 0.0}
    return Device.objects.create(code=code, site=site, kind=kind, **(defaults | fields))


def make_portfolio(*, devices: list[Device] | None = None, **fields: Any) -> Portfolio:
    code = fields.pop("code", f"portfolio-{next(_numbers)}")
    defaults = {"name": code, "zone_code": "DE", "time_zone": ZONE}
    portfolio = Portfolio.objects.create(code=code, **(defaults | fields))
    for device in devices or []:
        Enrollment.objects.create(device=device, portfolio=portfolio, period=ALWAYS)
    return portfolio


def make_terms(device: Device, **fields: Any) -> OwnerTerms:
    return OwnerTerms.objects.create(device=device, **({"period": ALWAYS} | fields))


def make_contract(owner: Participant, **fields: Any) -> Contract:
    defaults = {"code": f"contract-{next(_numbers)}", "period": ALWAYS, "owner_share_pu": "0.7"}
    return Contract.objects.create(owner=owner, **(defaults | fields))


def make_feeder(*, utility: Participant | None = None, code: str = "") -> Feeder:
    """A feeder without nodes at a substation of its own."""
    code = code or f"feeder-{next(_numbers)}"
    utility = utility or make_participant(kind=Participant.Kind.UTILITY)
    substation = Substation.objects.create(code=f"sub-{code}", utility=utility)
    return Feeder.objects.create(code=code, utility=utility, substation=substation)


def make_congestion_point(
    feeder: Feeder | None = None, *, utility: Participant | None = None, limit_kw: float = 5000.0
) -> CongestionPoint:
    """On a new feeder (of that utility) where none is given."""
    feeder = feeder or make_feeder(utility=utility)
    return CongestionPoint.objects.create(
        code=f"ea1.2016-01.dso.example:{feeder.code}", utility=feeder.utility, feeder=feeder, limit_kw=limit_kw
    )


def make_device_forecasts(
    portfolio: Portfolio, day: DeliveryDay, mean_kw: Mapping[int, np.ndarray | float], *, issued_at: datetime
) -> ForecastRun:
    """A run of the portfolio with the mean of each device by its id, (H,) or one number for all intervals."""
    run = ForecastRun.objects.create(
        natural_key=f"test:{portfolio.code}:{day.date}",
        portfolio=portfolio,
        zone_code=portfolio.zone_code,
        time_zone=day.zone,
        delivery_date=day.date,
        issue_time=issued_at,
        data_as_of=issued_at,
        history_start=issued_at - timedelta(days=30),
        seed=1,
        state=ForecastRun.State.OK,
        duration_s=0.0,
    )
    Forecast.objects.bulk_create(
        Forecast(
            run=run,
            scope=Forecast.Scope.DEVICE,
            device_id=device_id,
            rung="test",
            mean_kw=np.broadcast_to(np.asarray(mean, dtype=np.float64), (day.n_intervals,)),
            quantiles_kw=np.zeros(0),
            available_at=issued_at,
        )
        for device_id, mean in mean_kw.items()
    )
    return run
