"""Which rules hold on a delivery day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from vpp.enrollment.queries import DeviceTable
from vpp.lib.errors import DomainError
from vpp.settlement.kernels.methods import Rule, make_rule
from vpp.settlement.models import (
    BaselineProfile,
    DeviceMethod,
    DevicePerformance,
    Holiday,
    PaymentRule,
    Payout,
    SettlementRun,
    SiteMethod,
)

HOLIDAY_LOOK_BACK = timedelta(days=400)  # longer than any profile's look-back


class RuleMissing(DomainError):
    """No rule is in force for something that has to be settled."""

    code = "settlement_rule_missing"
    http_status = 409


@dataclass(frozen=True)
class Pins:
    """The rules an earlier version of a run was settled with; a rerun or restatement keeps them.

    profiles : device id -> profile. payment : product kind -> rule id. holidays : None where nothing was settled yet.
    terms : product terms and component rules by name; empty where nothing was settled yet.
    available_kw : device id -> its rating of then. contracts : owner id -> contract id, where a run is computed again
    as it was; a restatement pays by the contracts that are known to have held.
    """

    profiles: dict[int, BaselineProfile] = field(default_factory=dict)
    payment: dict[str, int] = field(default_factory=dict)
    holidays: frozenset[date] | None = None
    terms: dict[str, dict[str, int]] = field(default_factory=dict)
    available_kw: dict[int, float] = field(default_factory=dict)
    contracts: dict[int, int] | None = None


NO_PINS = Pins()


def pins_of(run: SettlementRun | None) -> Pins:
    """The rules of a stored run."""
    if run is None:
        return NO_PINS
    parts = DevicePerformance.objects.filter(run=run).select_related("profile").distinct("device").order_by("device")
    return Pins(
        profiles={part.device_id: part.profile for part in parts},
        payment=dict(run.rules.get("payment", {})),
        holidays=frozenset(date.fromisoformat(day) for day in run.rules.get("holidays", [])),
        terms={name: dict(run.rules.get(name, {})) for name in ("terms", "components")},
        available_kw={part.device_id: part.available_kw for part in parts if part.available_kw is not None},
    )


def pins_as_it_was(run: SettlementRun) -> Pins:
    """All that a stored run was settled with, the contracts of its payouts too: to compute it again."""
    held = dict(Payout.objects.filter(run=run).values_list("owner_id", "contract_id"))
    contracts = {owner: contract for owner, contract in held.items() if contract is not None}
    return replace(pins_of(run), contracts=contracts if held else None)


def device_profiles(devices: DeviceTable, day: date, pins: Pins) -> list[BaselineProfile]:
    """The profile of each device: pinned, else by its kind, else as its site was steered, else by its site."""
    by_kind, by_site = method_by_kind(day), method_by_site(day)
    names = [
        by_kind.get(kind) or by_site.get(int(site_id)) or own
        for kind, site_id, own in zip(devices.kind, devices.site_id, devices.baseline_method, strict=True)
    ]
    stored = profiles_in_force(sorted(set(names)), day)
    return [
        pins.profiles.get(int(device_id), stored[name])
        for device_id, name in zip(devices.device_id, names, strict=True)
    ]


def profiles_in_force(names: Sequence[str], day: date) -> dict[str, BaselineProfile]:
    """The profile version of each name that holds on a day. Raises RuleMissing."""
    rows = BaselineProfile.objects.filter(name__in=names, valid_from__lte=day).order_by("valid_from", "version")
    found = {profile.name: profile for profile in rows}
    if missing := sorted(set(names) - set(found)):
        raise RuleMissing(f"no baseline profile {', '.join(missing)} on {day}", profiles=missing)
    return found


def rule_of(profile: BaselineProfile, zone: str) -> Rule:
    """A stored profile as a rule that kernels answer with, in a site's time zone."""
    return make_rule(
        name=profile.name,
        version=profile.version,
        method=profile.method,
        parameters=profile.parameters,
        zone=zone,
    )


def method_by_kind(day: date) -> dict[str, str]:
    """Profile name per device kind; empty where the site decides."""
    methods: dict[str, str] = {}
    for method in DeviceMethod.objects.in_force(day):
        methods.setdefault(method.kind, method.profile_name)
    return methods


def method_by_site(day: date) -> dict[int, str]:
    """Profile name per site that a certification steered."""
    methods: dict[int, str] = {}
    for site_id, name in SiteMethod.objects.in_force(day).values_list("site_id", "profile_name"):
        methods.setdefault(site_id, name)
    return methods


def payment_rules(day: date, pins: Pins) -> dict[str, PaymentRule]:
    """The payment rule per product kind."""
    rules = {rule.product_kind: rule for rule in PaymentRule.objects.filter(pk__in=pins.payment.values())}
    for rule in PaymentRule.objects.in_force(day):
        rules.setdefault(rule.product_kind, rule)
    return rules


def holidays_before(zone_code: str, day: date, pins: Pins) -> frozenset[date]:
    """Observed holidays of a zone up to and including a day."""
    if pins.holidays is not None:
        return pins.holidays
    rows = Holiday.objects.filter(zone_code=zone_code, date__range=(day - HOLIDAY_LOOK_BACK, day))
    return frozenset(rows.values_list("date", flat=True))
