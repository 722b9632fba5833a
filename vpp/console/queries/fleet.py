"""How the devices are doing: counts by state, and those that need a look."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, FilteredRelation, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from vpp.accounts.models import Principal
from vpp.console.queries.kept import kept
from vpp.enrollment.models import Device, OwnerTerms, Portfolio

COUNTED_FOR_S = 4
SUSPENDED, OPTED_OUT, UNUSED = "SUSPENDED", "OPTED_OUT", "UNUSED"
#: Order on the page; the first that applies to a device is its state.
LABELS: dict[str, Any] = {
    "ONLINE": _("online"),
    "SILENT": _("silent"),
    "REFUSED": _("refused"),
    "DISOBEYED": _("disobeyed"),
    OPTED_OUT: _("opted out by owner"),
    SUSPENDED: _("suspended"),
    UNUSED: _("not dispatched yet"),
}
TROUBLED = ("SILENT", "REFUSED", "DISOBEYED")


@dataclass(frozen=True)
class DeviceLine:
    """One enrolled device and how it stands."""

    pk: int
    code: str
    kind: str
    state: str
    since: datetime | None
    retry_at: datetime | None
    failures: int

    @property
    def label(self) -> str:
        return str(LABELS[self.state])

    @property
    def kind_label(self) -> str:
        return gettext(str(Device.Kind(self.kind).label))


def device_state(status: str | None, suspended_at: datetime | None, opted_out: bool | None) -> str:
    if suspended_at is not None:
        return SUSPENDED
    if opted_out:
        return OPTED_OUT
    return status or UNUSED


def devices_of(principal: Principal, portfolio: Portfolio, at: datetime) -> list[DeviceLine]:
    """The devices enrolled in a portfolio at `at`, by id."""
    rows = (
        Device.objects.visible_to(principal)
        .in_portfolio(portfolio.pk, at)
        .annotate(now_terms=FilteredRelation("terms", condition=Q(terms__period__contains=at)))
        .order_by("pk")
        .values_list(
            "pk", "code", "kind", "dispatch_status__state", "suspended_at", "now_terms__opted_out",
            "dispatch_status__since", "dispatch_status__retry_at", "dispatch_status__failures",
        )
    )  # fmt: skip
    return [
        DeviceLine(pk, code, kind, device_state(status, suspended_at, opted_out), since, retry_at, failures or 0)
        for pk, code, kind, status, suspended_at, opted_out, since, retry_at, failures in rows
    ]


def counts(states: Counter[str]) -> list[tuple[str, str, int]]:
    """(code, label, devices) in the order of LABELS, without the empty ones."""
    return [(code, str(label), states[code]) for code, label in LABELS.items() if states[code]]


def fleet_counts(principal: Principal, at: datetime) -> list[tuple[str, str, int]]:
    """(code, label, devices) over all enrolled devices.

    Those of the whole fleet are counted once in COUNTED_FOR_S for everybody who looks: 100,000 devices take a while,
    and Today is asked again every 5 s by each of its readers.
    """
    if not principal.sees_all:
        return counts(_count(principal, at))
    return counts(kept(f"fleet-counts:{at:%Y%m%d%H}", COUNTED_FOR_S, lambda: _count(principal, at)))


def _count(principal: Principal, at: datetime) -> Counter[str]:
    """The few who opted out are looked up in a list: joining everybody's terms costs more."""
    opted_out = OwnerTerms.objects.filter(period__contains=at, opted_out=True).values("device")
    rows = (
        Device.objects.visible_to(principal)
        .filter(enrollments__period__contains=at)
        .values(status=F("dispatch_status__state"), off=Q(suspended_at__isnull=False))
        .annotate(devices=Count("pk"), out=Count("pk", filter=Q(pk__in=opted_out)))
    )
    states: Counter[str] = Counter()
    for line in rows:
        suspended_at = at if line["off"] else None
        states[device_state(line["status"], suspended_at, True)] += line["out"]
        states[device_state(line["status"], suspended_at, False)] += line["devices"] - line["out"]
    return states
