"""Which rules hold on a delivery day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from vpp.lib.errors import DomainError
from vpp.settlement.kernels.methods import Rule, make_rule
from vpp.settlement.models import BaselineProfile, DeviceMethod, Holiday, PaymentRule

HOLIDAY_LOOK_BACK = timedelta(days=400)  # longer than any profile's look-back


class RuleMissing(DomainError):
    """No rule is in force for something that has to be settled."""

    code = "settlement_rule_missing"
    http_status = 409


def profiles_in_force(names: Sequence[str], day: date, pinned: Mapping[str, int]) -> dict[str, BaselineProfile]:
    """The profile version of each name that holds on a day; a pinned one stays at the version it was settled with."""
    found: dict[str, BaselineProfile] = {}
    for profile in BaselineProfile.objects.filter(name__in=names, valid_from__lte=day).order_by(
        "valid_from", "version"
    ):
        if pinned.get(profile.name, profile.version) == profile.version:
            found[profile.name] = profile
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


def payment_rules(day: date) -> dict[str, PaymentRule]:
    """The payment rule per product kind."""
    rules: dict[str, PaymentRule] = {}
    for rule in PaymentRule.objects.in_force(day):
        rules.setdefault(rule.product_kind, rule)
    return rules


def holidays_before(zone_code: str, day: date) -> frozenset[date]:
    """Observed holidays of a zone up to and including a day."""
    rows = Holiday.objects.filter(zone_code=zone_code, date__range=(day - HOLIDAY_LOOK_BACK, day))
    return frozenset(rows.values_list("date", flat=True))
