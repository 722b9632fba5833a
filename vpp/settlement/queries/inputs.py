"""All that the settlement of one day rests on, read once, as known at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from bidding.models import Award
from vpp.enrollment.models import Contract, Portfolio
from vpp.enrollment.ownership import owned_at
from vpp.enrollment.queries import DeviceTable, contracts_of, device_table
from vpp.lib.periods import DeliveryDay
from vpp.settlement.kernels.circumstances import Circumstances
from vpp.settlement.kernels.contracts import ContractTerms, Owners
from vpp.settlement.kernels.day import AwardDay
from vpp.settlement.kernels.fleet import FleetDay, event_hull
from vpp.settlement.kernels.methods import MethodContext, Rule
from vpp.settlement.kernels.reactive import ReactiveDay
from vpp.settlement.kernels.slots import Event
from vpp.settlement.models import BaselineProfile
from vpp.settlement.queries.awards import activated_days_before, as_award_days, awards_of, event_days_before
from vpp.settlement.queries.nominated import Nominated, nominated_devices
from vpp.settlement.queries.reactive import ReactiveInputs, reactive_days
from vpp.settlement.queries.readings import fleet_readings
from vpp.settlement.queries.rules import NO_PINS, Pins, device_profiles, holidays_before, payment_rules, rule_of
from vpp.settlement.queries.terms import day_terms


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
    rules: dict[str, Any] = field(default_factory=dict)
    reactive: ReactiveInputs | None = None


def day_inputs(*, portfolio: Portfolio, delivery_date: date, as_of: datetime, pins: Pins = NO_PINS) -> DayInputs:
    """Read what a settlement needs, as known at `as_of`; `pins` are the rules of an earlier version of the run."""
    day = DeliveryDay(delivery_date, portfolio.time_zone)
    payment = payment_rules(delivery_date, pins)
    awards = awards_of(portfolio.pk, delivery_date, as_of)
    held = day_terms(awards, day, as_of, pins.terms)
    award_days = as_award_days(awards, day, payment, held, as_of)
    nominated = nominated_devices(portfolio.pk, day, as_of)
    devices = owned_at(device_table(at=day.start, device_ids=nominated.device_ids), day.start, known_at=as_of)
    profiles = device_profiles(devices, delivery_date, pins)
    currencies = {award.bid.product.market.currency for award in awards}
    contracts, owners = _owners(devices, day, currencies, pins)
    reactive, more_contracts = _reactive(reactive_days(portfolio, awards, day, as_of), day, currencies, pins)
    circumstances = _circumstances(portfolio, day, profiles, as_of, pins)
    event, fleet = _fleet(devices, profiles, award_days, nominated, day, as_of)
    return DayInputs(
        portfolio=portfolio,
        day=day,
        as_of=as_of,
        awards=awards,
        award_days=award_days,
        devices=devices,
        profiles=profiles,
        owners=owners,
        contracts=contracts | more_contracts,
        nominated=nominated,
        context=MethodContext(circumstances),
        event=event,
        fleet=fleet,
        rules={
            "profiles": {profile.name: profile.version for profile in sorted(profiles, key=str)},
            "payment": {kind: payment[kind].pk for kind in sorted({award.terms.product_kind for award in award_days})},
            "holidays": sorted(day.isoformat() for day in circumstances.holidays),
            "event_days": sorted(day.isoformat() for day in circumstances.event_days),
            "terms": dict(held.terms),
            "components": dict(held.components),
        },
        reactive=reactive,
    )


def _fleet(
    devices: DeviceTable,
    profiles: list[BaselineProfile],
    award_days: list[AwardDay],
    nominated: Nominated,
    day: DeliveryDay,
    as_of: datetime,
) -> tuple[Event | None, FleetDay | None]:
    """The settled event, from the first to the last called interval, and the devices' readings; None without a call."""
    called = [award.obligation for award in award_days]
    called_kw = np.array([one.up_kw + one.down_kw for one in called]).reshape(len(called), day.n_intervals)
    hull = event_hull(called_kw)
    if hull is None:
        return None, None
    made: dict[tuple[int, str], Rule] = {}
    for profile, zone in zip(profiles, devices.time_zone, strict=True):
        if (profile.pk, zone) not in made:
            made[profile.pk, zone] = rule_of(profile, zone)
    rules = [made[profile.pk, zone] for profile, zone in zip(profiles, devices.time_zone, strict=True)]
    starts = [*day.starts(), day.end]
    return Event(starts[hull.start], starts[hull.stop]), fleet_readings(devices, rules, nominated, day, hull, as_of)


def _owners(
    devices: DeviceTable, day: DeliveryDay, currencies: set[str], pins: Pins
) -> tuple[dict[str, Contract], Owners]:
    """The contracts by owner key, and whose the devices are. Keys are ids as text: stable and free of order.

    A contract in another currency than the day's is none (nothing is converted), nor is one without a known split rule:
    the owner is named in the findings.
    """
    ids = sorted({int(owner) for owner in devices.owner_id})
    by_owner = contracts_of(ids, day.start) if pins.contracts is None else _pinned_contracts(ids, pins.contracts)
    contracts = {
        owner_key(owner): contract
        for owner, contract in by_owner.items()
        if contract.split_rule in Contract.SplitRule.values and (not currencies or contract.currency in currencies)
    }
    rated_kw = zip(devices.device_id.tolist(), devices.max_consumption_kw + devices.max_production_kw, strict=True)
    return contracts, Owners(
        devices=devices.code,
        owner_of=[owner_key(int(owner)) for owner in devices.owner_id],
        available_kw=[Decimal(repr(float(pins.available_kw.get(device, power)))) for device, power in rated_kw],
        terms={owner: contract_terms(contract) for owner, contract in contracts.items()},
    )


def _pinned_contracts(owner_ids: list[int], pinned: dict[int, int]) -> dict[int, Contract]:
    found = Contract.objects.in_bulk([pinned[owner] for owner in owner_ids if owner in pinned])
    return {contract.owner_id: contract for contract in found.values()}


def _reactive(
    found: tuple[DeviceTable, dict[str, ReactiveDay]] | None, day: DeliveryDay, currencies: set[str], pins: Pins
) -> tuple[ReactiveInputs | None, dict[str, Contract]]:
    """The side of reactive power, and the contracts of its owners."""
    if found is None:
        return None, {}
    devices, days = found
    contracts, owners = _owners(devices, day, currencies, pins)
    return ReactiveInputs(devices, device_profiles(devices, day.date, pins), owners, days), contracts


def contract_terms(contract: Contract) -> ContractTerms:
    """A contract as kernels take it."""
    return ContractTerms(
        share_pu=contract.owner_share_pu,
        fee_per_event=contract.fee_per_event,
        split_rule=contract.split_rule,
        floor_per_event=contract.floor_per_event,
        tariff_per_kwh=contract.tariff_per_kwh,
    )


def owner_key(owner_id: int) -> str:
    """A participant as a key of the split: its id, zero-padded so that text order is number order."""
    return f"{owner_id:012d}"


def _circumstances(
    portfolio: Portfolio, day: DeliveryDay, profiles: list[BaselineProfile], as_of: datetime, pins: Pins
) -> Circumstances:
    lookback = max([int(profile.parameters.get("lookback_days", 1)) for profile in profiles], default=1)
    called = event_days_before(portfolio.pk, day.date, lookback, as_of)
    activated = activated_days_before(portfolio.pk, day.date, lookback, as_of)
    others = []
    for date_, (first, last) in sorted(called.items()):
        starts = [*DeliveryDay(date_, day.zone).starts(), DeliveryDay(date_, day.zone).end]
        others.append((starts[first], starts[last]))
    return Circumstances(
        holidays=holidays_before(portfolio.zone_code, day.date, pins),
        event_days=frozenset(called) | activated,
        other_events=tuple(others),
    )
