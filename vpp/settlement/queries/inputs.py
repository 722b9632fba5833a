"""All that the settlement of one day rests on, read once, as known at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bidding.models import Award
from vpp.enrollment.models import Contract, Portfolio
from vpp.enrollment.queries import DeviceTable, contracts_of, device_table
from vpp.lib.periods import DeliveryDay
from vpp.settlement.kernels.day import AwardDay, Owners
from vpp.settlement.kernels.fleet import FleetDay, event_hull
from vpp.settlement.kernels.grid import Event
from vpp.settlement.kernels.methods import MethodContext
from vpp.settlement.kernels.x_of_y import Circumstances
from vpp.settlement.models import BaselineProfile
from vpp.settlement.queries.awards import activated_days_before, as_award_days, awards_of, event_days_before
from vpp.settlement.queries.nominated import Nominated, nominated_devices
from vpp.settlement.queries.readings import fleet_readings
from vpp.settlement.queries.rules import holidays_before, method_by_kind, payment_rules, profiles_in_force, rule_of

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class DayInputs:
    """One portfolio's closed day. `event` is None where nothing was called for; `fleet` is None then."""

    portfolio: Portfolio
    day: DeliveryDay
    as_of: datetime
    awards: list[Award]
    award_days: list[AwardDay]
    devices: DeviceTable
    profiles: list[BaselineProfile]
    owners: Owners
    contracts: dict[str, Contract]
    nominated: Nominated
    context: MethodContext
    event: Event | None
    fleet: FleetDay | None
    metered_kw: FloatArray
    rules: dict[str, Any] = field(default_factory=dict)


def day_inputs(
    *, portfolio: Portfolio, delivery_date: date, as_of: datetime, pinned: Mapping[str, int] | None = None
) -> DayInputs:
    """Read what a settlement needs; `pinned` profile versions are those of an earlier version of the run."""
    day = DeliveryDay(delivery_date, portfolio.time_zone)
    payment = payment_rules(delivery_date)
    awards = awards_of(portfolio.pk, delivery_date, as_of)
    award_days = as_award_days(awards, day, payment, as_of)
    nominated = nominated_devices(portfolio.pk, day)
    devices = device_table(at=day.start, device_ids=nominated.device_ids)
    by_kind = method_by_kind(delivery_date)
    names = [by_kind.get(kind) or own for kind, own in zip(devices.kind, devices.baseline_method, strict=True)]
    stored = profiles_in_force(sorted(set(names)), delivery_date, pinned or {})
    profiles = [stored[name] for name in names]
    contracts, owners = _owners(devices, day)
    called = [award.obligation for award in award_days]
    hull = event_hull(np.array([one.up_kw + one.down_kw for one in called]).reshape(len(called), day.n_intervals))
    event, fleet, metered_kw = None, None, np.zeros((len(devices), day.n_intervals))
    if hull is not None:
        starts = [*day.starts(), day.end]
        event = Event(starts[hull.start], starts[hull.stop])
        rule_by_key = {
            (name, zone): rule_of(stored[name], zone) for name, zone in zip(names, devices.time_zone, strict=True)
        }
        rules = [rule_by_key[key] for key in zip(names, devices.time_zone, strict=True)]
        fleet = fleet_readings(devices, rules, nominated, day, hull, as_of)
        metered_kw = fleet.metered_kw
    return DayInputs(
        portfolio=portfolio,
        day=day,
        as_of=as_of,
        awards=awards,
        award_days=award_days,
        devices=devices,
        profiles=profiles,
        owners=owners,
        contracts=contracts,
        nominated=nominated,
        context=MethodContext(_circumstances(portfolio, day, profiles, as_of)),
        event=event,
        fleet=fleet,
        metered_kw=metered_kw,
        rules={
            "profiles": {profile.name: profile.version for profile in stored.values()},
            "payment": {kind: payment[kind].pk for kind in sorted({award.terms.product_kind for award in award_days})},
        },
    )


def _owners(devices: DeviceTable, day: DeliveryDay) -> tuple[dict[str, Contract], Owners]:
    """The contracts by owner key, and whose the devices are. Keys are ids as text: stable and free of order."""
    by_owner = contracts_of(sorted({int(owner) for owner in devices.owner_id}), day.start)
    contracts = {owner_key(owner): contract for owner, contract in by_owner.items()}
    available = devices.max_consumption_kw + devices.max_production_kw
    return contracts, Owners(
        devices=devices.code,
        owner_of=[owner_key(int(owner)) for owner in devices.owner_id],
        available_kw=[Decimal(repr(float(power))) for power in available],
        share_pu={owner: contract.owner_share_pu for owner, contract in contracts.items()},
        fees={owner: contract.fee_per_event for owner, contract in contracts.items()},
    )


def owner_key(owner_id: int) -> str:
    """A participant as a key of the split: its id, zero-padded so that text order is number order."""
    return f"{owner_id:012d}"


def _circumstances(
    portfolio: Portfolio, day: DeliveryDay, profiles: list[BaselineProfile], as_of: datetime
) -> Circumstances:
    lookback = max([int(profile.parameters.get("lookback_days", 1)) for profile in profiles], default=1)
    called = event_days_before(portfolio.pk, day.date, lookback, as_of)
    activated = activated_days_before(portfolio.pk, day.date, lookback, as_of)
    others = []
    for date_, (first, last) in sorted(called.items()):
        starts = [*DeliveryDay(date_, day.zone).starts(), DeliveryDay(date_, day.zone).end]
        others.append((starts[first], starts[last]))
    return Circumstances(
        holidays=holidays_before(portfolio.zone_code, day.date),
        event_days=frozenset(called) | activated,
        other_events=tuple(others),
    )
