"""The fleet as a table that stays quick with 100,000 devices: filtered, sorted and cut by the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, FilteredRelation, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from vpp.accounts.models import Principal
from vpp.console.queries.fleet import LABELS, OPTED_OUT, SUSPENDED, UNUSED, device_state
from vpp.console.units import grouped
from vpp.enrollment.models import Device, Portfolio, Site

PAGE_SIZE = 50
COUNT_LIMIT = 10_000
EVERYTHING = "ALL"  # kinds, meters too
#: Sort key of the address -> (column, descending). Codes are unique and break every tie.
SORTS = {
    "code": ("code", False), "-code": ("code", True), "power": ("size_kw", True), "kind": ("kind", False),
}  # fmt: skip
SORT_LABELS = {
    "code": _("code"), "-code": _("code, last first"), "power": _("power, largest first"), "kind": _("kind"),
}  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """What the address asks for; unknown values are dropped. Without a kind: all but the sites' meters."""

    search: str = ""
    kind: str = ""
    state: str = ""
    portfolio: str = ""
    feeder: str = ""
    node: str = ""
    sort: str = "code"
    after: str = ""  # code of the last device of the page before


@dataclass(frozen=True)
class DeviceRow:
    pk: int
    code: str
    kind: str
    site: str
    owner: str
    feeder: str
    portfolio: str
    max_consumption_kw: float
    max_production_kw: float
    energy_capacity_kwh: float | None
    state: str
    since: datetime | None

    @property
    def label(self) -> str:
        return str(LABELS[self.state])

    @property
    def kind_label(self) -> str:
        return gettext(str(Device.Kind(self.kind).label))


@dataclass(frozen=True)
class DevicePage:
    rows: list[DeviceRow]
    count: int
    next_after: str

    @property
    def count_text(self) -> str:
        return (
            gettext("more than %(count)s") % {"count": grouped(COUNT_LIMIT, 0)}
            if self.count > COUNT_LIMIT
            else grouped(self.count, 0)
        )


def filters_of(query: dict[str, str]) -> Filters:
    kind, state, sort = query.get("kind", ""), query.get("state", ""), query.get("sort", "code")
    return Filters(
        search=query.get("q", "").strip()[:120],
        kind=kind if kind in (EVERYTHING, *Device.Kind.values) else "",
        state=state if state in LABELS else "",
        portfolio=query.get("portfolio", "").strip()[:80],
        feeder=query.get("feeder", "").strip()[:80],
        node=query.get("node", "").strip()[:120],
        sort=sort if sort in SORTS else "code",
        after=query.get("after", "")[:120],
    )


def device_page(principal: Principal, filters: Filters, at: datetime) -> DevicePage:
    """The devices after `filters.after` in the chosen order, and how many match in all (counted up to a limit)."""
    found = _matching(principal, filters, at)
    count = found.order_by()[: COUNT_LIMIT + 1].count()
    column, descending = SORTS[filters.sort]
    tie = "-code" if column == "code" and descending else "code"
    order = [tie] if column == "code" else [f"{'-' if descending else ''}{column}", "code"]
    if filters.after:
        found = _after(found, filters, column, descending)
    values = found.order_by(*order).values_list(
        "pk", "code", "kind", "site__code", "site__owner__name", "site__feeder_code", "membership__portfolio__code",
        "max_consumption_kw", "max_production_kw", "energy_capacity_kwh", "dispatch_status__state", "suspended_at",
        "now_terms__opted_out", "dispatch_status__since",
    )[: PAGE_SIZE + 1]  # fmt: skip
    rows = [_row(*row) for row in values]
    return DevicePage(rows[:PAGE_SIZE], count, rows[PAGE_SIZE - 1].code if len(rows) > PAGE_SIZE else "")


def matching_ids(principal: Principal, filters: Filters, at: datetime) -> list[int]:
    """Every device that matches, by code; what a change of them all is made of."""
    return list(_matching(principal, filters, at).order_by("code").values_list("pk", flat=True))


def _row(*values: Any) -> DeviceRow:
    """One line of the columns above; a device that is out since a moment shows that moment."""
    *facts, status, suspended_at, opted_out, since = values
    state = device_state(status, suspended_at, opted_out)
    pk, code, kind, site, owner, feeder, portfolio, consumption_kw, production_kw, capacity_kwh = facts
    return DeviceRow(
        pk, code, kind, site, owner, feeder, portfolio or "", consumption_kw, production_kw, capacity_kwh, state,
        suspended_at or since,
    )  # fmt: skip


def _matching(principal: Principal, filters: Filters, at: datetime) -> Any:
    """A queryset; the checker cannot follow the two filtered relations through it."""
    found: Any = Device.objects.visible_to(principal).annotate(
        now_terms=FilteredRelation("terms", condition=Q(terms__period__contains=at)),
        membership=FilteredRelation("enrollments", condition=Q(enrollments__period__contains=at)),
        size_kw=F("max_consumption_kw") + F("max_production_kw"),
    )
    if filters.search:
        text = filters.search  # sites first: they are fewer, and the devices then need no join to be searched
        sites = Site.objects.filter(Q(name__icontains=text) | Q(owner__name__icontains=text))
        found = found.filter(Q(code__icontains=text) | Q(site__in=sites.values("pk")))
    if not filters.kind:
        found = found.exclude(kind=Device.Kind.METER)
    elif filters.kind != EVERYTHING:
        found = found.filter(kind=filters.kind)
    if filters.portfolio:
        found = found.filter(membership__portfolio__code=filters.portfolio)
    if filters.feeder:
        found = found.filter(site__feeder_code=filters.feeder)
    if filters.node:
        found = found.filter(site__node_code=filters.node)
    return _in_state(found, filters.state) if filters.state else found


def _in_state(found: Any, state: str) -> Any:
    """The first that applies is a device's state, as on Today."""
    if state == SUSPENDED:
        return found.filter(suspended_at__isnull=False)
    found = found.filter(suspended_at=None)
    if state == OPTED_OUT:
        return found.filter(now_terms__opted_out=True)
    found = found.filter(Q(now_terms__opted_out=False) | Q(now_terms__opted_out=None))
    return found.filter(dispatch_status=None) if state == UNUSED else found.filter(dispatch_status__state=state)


def _after(found: Any, filters: Filters, column: str, descending: bool) -> Any:
    """Keyset: whatever comes after the named device in the chosen order; no offset to count through."""
    if column == "code":
        return found.filter(**{"code__lt" if descending else "code__gt": filters.after})
    last = Device.objects.annotate(size_kw=F("max_consumption_kw") + F("max_production_kw")).filter(code=filters.after)
    value = last.values_list(column, flat=True).first()
    if value is None:
        return found
    beyond = Q(**{f"{column}__{'lt' if descending else 'gt'}": value})
    return found.filter(beyond | Q(**{column: value, "code__gt": filters.after}))


def choices(principal: Principal) -> tuple[list[str], list[str]]:
    """Portfolio codes and feeder codes for the filters; none for an owner."""
    if not principal.sees_all:
        return [], []
    rows = list(Portfolio.objects.visible_to(principal).order_by("code").values_list("code", "feeder_code")[:500])
    return [code for code, _ in rows], sorted({feeder for _, feeder in rows if feeder})
