"""How far each site is on its way in, and what a portfolio may be sold for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from telemetry.queries import interval_power_kw, latest
from vpp.accounts.models import Principal
from vpp.enrollment.models import (
    Consent,
    Contract,
    Device,
    Enrollment,
    Handover,
    Portfolio,
    Prequalification,
    Site,
)
from vpp.enrollment.onboarding import enrollment_obstacles
from vpp.lib.periods import from_datetime64

PAGE_SIZE = 50
FRESH = timedelta(hours=1)
STEP = timedelta(minutes=15)
DAY_INTERVALS = 96


@dataclass(frozen=True)
class SiteList:
    sites: Sequence[Site]
    page: int
    has_next: bool


def site_list(principal: Principal, search: str, page: int, at: datetime) -> SiteList:
    """The newest sites first, each with what it has: has_consent, has_contract, has_meter, devices, enrolled."""
    held = Enrollment.objects.filter(device__site=OuterRef("pk"), period__contains=at)
    found = Site.objects.visible_to(principal)
    if search:
        found = found.filter(Q(code__icontains=search) | Q(name__icontains=search) | Q(owner__name__icontains=search))
    start = (page - 1) * PAGE_SIZE
    # What each has is asked of the sites of this page alone: else the database looks all sites and devices through.
    shown = list(found.order_by("-pk").values_list("pk", flat=True)[start : start + PAGE_SIZE + 1])
    rows = list(
        Site.objects.filter(pk__in=shown)
        .select_related("owner")
        .annotate(
            has_consent=Exists(Consent.objects.filter(site=OuterRef("pk"), withdrawn_at=None)),
            has_contract=Exists(Contract.objects.active_at(at).filter(owner=OuterRef("owner"))),
            has_meter=Exists(Device.objects.filter(site=OuterRef("pk"), kind=Device.Kind.METER)),
            device_count=_count(Device.objects.filter(site=OuterRef("pk")).exclude(kind=Device.Kind.METER)),
            is_sold=Exists(held),
        )
        .order_by("-pk")
    )
    return SiteList(rows[:PAGE_SIZE], page, len(rows) > PAGE_SIZE)


def _count(devices: QuerySet[Device]) -> Subquery:
    """How many there are of a site: counted for the rows of the page, not for every site before they are cut."""
    return Subquery(devices.order_by().values("site").annotate(count=Count("pk")).values("count"))


@dataclass(frozen=True)
class Heard:
    """A device's newest reading, and how many of the last day's quarter hours it has told."""

    device: Device
    power_kw: float | None
    at: datetime | None
    told: int

    def is_fresh(self, at: datetime) -> bool:
        return self.at is not None and at - self.at <= FRESH


@dataclass
class SitePage:
    """Everything the steps of one site show."""

    site: Site
    handovers: list[Handover]  # the newest word first
    consent: Consent | None
    contract: Contract | None
    meter: Device | None
    devices: list[Device]
    heard: list[Heard]
    tests: list[Prequalification]
    members: dict[int, str]  # device -> portfolio code
    portfolios: list[tuple[Portfolio, list[str]]]  # with what is in the way of the first device that is not sold yet
    at: datetime

    @property
    def sold_with(self) -> list[str]:
        return sorted(set(self.members.values()))

    @property
    def passed(self) -> set[int]:
        return {test.device_id for test in self.tests if test.passed}

    @property
    def controllable(self) -> list[Device]:
        return [device for device in self.devices if device.controllable]

    def done(self) -> dict[str, bool]:
        """Step -> whether it is taken; in the order of the wizard."""
        steered = self.controllable
        return {
            "owner": True,
            "consent": self.consent is not None,
            "contract": self.contract is not None,
            "meter": self.meter is not None,
            "devices": bool(self.devices),
            "telemetry": bool(self.heard) and all(one.is_fresh(self.at) for one in self.heard),
            "test": bool(steered) and all(device.pk in self.passed for device in steered),
            "portfolio": bool(steered) and all(device.pk in self.members for device in steered),
        }


def site_page(site: Site, at: datetime) -> SitePage:
    found = list(site.devices.order_by("pk"))
    devices = [device for device in found if device.kind != Device.Kind.METER]
    tests = list(Prequalification.objects.filter(device__site=site).select_related("device").order_by("-window_start"))
    members = Enrollment.objects.active_at(at).filter(device__site=site).values_list("device_id", "portfolio__code")
    page = SitePage(
        site=site,
        handovers=list(site.handovers.select_related("owner", "former_owner").order_by("-recorded_at", "-pk")),
        consent=site.consents.filter(withdrawn_at=None).first(),
        contract=Contract.objects.active_at(at).filter(owner=site.owner_id).first(),
        meter=next((device for device in found if device.kind == Device.Kind.METER), None),
        devices=devices,
        heard=heard(found, at),
        tests=tests,
        members=dict(members),
        portfolios=[],
        at=at,
    )
    waiting = next((device for device in page.controllable if device.pk not in page.members), None)
    if waiting is not None:
        waiting.site = site
        near = Portfolio.objects.filter(zone_code=site.zone_code, feeder_code__in=["", site.feeder_code])
        page.portfolios = [(one, enrollment_obstacles(waiting, one, at)) for one in near.order_by("code")[:2]]
    return page


def heard(devices: list[Device], at: datetime) -> list[Heard]:
    if not devices:
        return []
    ids = [device.pk for device in devices]
    newest = latest(ids)
    end = at - timedelta(seconds=at.timestamp() % STEP.total_seconds())
    told = (~np.isnan(interval_power_kw(ids, end - DAY_INTERVALS * STEP, end, at))).sum(axis=1)
    return [
        Heard(
            device,
            None if np.isnat(newest.ts[row]) else float(newest.power_kw[row]),
            None if np.isnat(newest.ts[row]) else from_datetime64(newest.ts[row]),
            int(told[row]),
        )
        for row, device in enumerate(devices)
    ]
