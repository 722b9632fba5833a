"""Small makers of rows that many tests need; every field that a rule looks at can be given."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from vpp.accounts import operations as accounts
from vpp.accounts.models import ApiClient, Participant
from vpp.enrollment.models import Contract, Device, Enrollment, OwnerTerms, Portfolio, Site

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
