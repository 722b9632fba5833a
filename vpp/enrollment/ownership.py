"""Whose a site was on a day, as far as was known at a moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from django.db.models import Q, QuerySet

from vpp.enrollment.models import Handover, Site
from vpp.enrollment.queries import DeviceTable

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


def owners_of(site_ids: Iterable[int], at: datetime, *, known_at: datetime) -> dict[int, int]:
    """Site -> whose it was at `at`, by the changes of hands that were recorded by `known_at`."""
    sites = set(site_ids)
    owners = dict(Site.objects.filter(pk__in=sites).values_list("pk", "owner_id"))
    return owners | _handed_over(Handover.objects.filter(site__in=sites), at, known_at)


def _handed_over(rows: QuerySet[Handover], at: datetime, known_at: datetime) -> dict[int, int]:
    """Of sites that ever changed hands: the newest known row that covers `at`, else whose it was before the first."""
    columns = ("site_id", "former_owner_id", "owner_id", "since", "recorded_at")
    owners: dict[int, int] = {}
    for site, former, owner, since, recorded_at in rows.order_by("recorded_at", "pk").values_list(*columns):
        owners.setdefault(site, former)
        if since <= at and recorded_at <= known_at:
            owners[site] = owner
    return owners


def sites_owned(owner_id: int, at: datetime, *, known_at: datetime) -> list[int]:
    """The sites that were an owner's at `at`, as known at `known_at`."""
    ever = Q(owner=owner_id) | Q(handovers__former_owner=owner_id) | Q(handovers__owner=owner_id)
    owners = owners_of(Site.objects.filter(ever).values_list("pk", flat=True), at, known_at=known_at)
    return sorted(site for site, owner in owners.items() if owner == owner_id)


def theirs_since(principal: Principal, site_ids: Iterable[int]) -> dict[int, datetime]:
    """Site -> since when it is the caller's, where it was another owner's before: what was measured and paid until then
    is not theirs to see. Nothing is hidden from who sees all."""
    if principal.sees_all:
        return {}
    rows = Handover.objects.filter(site__in=set(site_ids)).order_by("recorded_at", "pk")
    return dict(rows.values_list("site_id", "since"))


def owned_at(table: DeviceTable, at: datetime, *, known_at: datetime) -> DeviceTable:
    """The same devices with whose they were at `at`, as known at `known_at`."""
    sites = table.site_id.tolist()
    owners = owners_of(sites, at, known_at=known_at)
    return replace(table, owner_id=np.array([owners[site] for site in sites], dtype=np.int64))
