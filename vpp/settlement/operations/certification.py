"""Keeping how well baseline methods fit a site, and steering a failing one to another level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

import numpy as np
from django.db import transaction

from vpp.accounts.operations import audit
from vpp.enrollment.models import Device, Portfolio
from vpp.lib.errors import Conflict
from vpp.lib.periods import local_moment
from vpp.settlement.kernels.certification import GATE_BIAS_PU, GATE_RRMSE_PU, Fit
from vpp.settlement.models import BaselineProfile, Certification, CertificationFit, SiteMethod
from vpp.settlement.queries.certification import (
    Placebos,
    matching_profiles,
    portfolio_fits,
    same_day_profiles,
    site_fits,
)

Level = Certification.Level


class NothingToAdopt(Conflict):
    """The certification names no method: a control group has to be formed first."""

    code = "certification_names_no_method"


@dataclass(frozen=True)
class _Tried:
    """The fits of one level, best first."""

    level: str
    profiles: Sequence[BaselineProfile]
    fits: Sequence[Fit]

    @property
    def best(self) -> BaselineProfile | None:
        passing = [fit.method for fit in self.fits if fit.passes]
        return next((one for one in self.profiles if passing and one.name == passing[0]), None)

    @property
    def least(self) -> str:
        known = [fit for fit in self.fits if not np.isnan(fit.rrmse_pu)]
        return f"{known[0].method} {known[0].rrmse_pu:.1%} error, {known[0].bias_pu:+.1%} bias" if known else "no event"


def certify_devices(
    devices: Iterable[Device],
    *,
    last_day: date,
    days: int = 20,
    first_hour: int = 16,
    last_hour: int = 20,
    at: datetime,
    actor: object = "settlement",
) -> list[Certification]:
    """Certify devices and keep the results; a portfolio that several of them are in is tried once."""
    asked = Placebos(last_day, days, first_hour, last_hour, at)
    matching, same_day = matching_profiles(last_day), same_day_profiles(last_day)
    together: dict[int, _Tried] = {}
    made = []
    for device in devices:
        tried = [_Tried(Level.SITE, matching, site_fits(device, matching, asked))]
        if tried[0].best is None:
            portfolio = _portfolio_of(device, local_moment(last_day, time(12), device.site.time_zone))
            if portfolio is not None:
                if portfolio.pk not in together:
                    fits = portfolio_fits(portfolio, matching, asked)
                    together[portfolio.pk] = _Tried(Level.PORTFOLIO, matching, fits)
                tried.append(together[portfolio.pk])
            tried.append(_Tried(Level.DEVICE, same_day, site_fits(device, same_day, asked)))
        made.append(_store(device, tried, asked, actor))
    return made


def _portfolio_of(device: Device, at: datetime) -> Portfolio | None:
    return (
        Portfolio.objects.filter(enrollments__device__site=device.site_id, enrollments__period__contains=at)
        .order_by("pk")
        .first()
    )


@transaction.atomic
def _store(device: Device, tried: Sequence[_Tried], asked: Placebos, actor: object) -> Certification:
    chosen = next((one for one in tried if one.best is not None), None)
    said = "; ".join(f"{Level(one.level).name.lower()}: {one.least}" for one in tried)
    first_day = min((one.day for fit in tried[0].fits for one in fit.placebo), default=asked.last_day)
    certification = Certification.objects.create(
        device=device,
        first_day=first_day,
        last_day=asked.last_day,
        first_hour=asked.first_hour,
        last_hour=asked.last_hour,
        as_of=asked.as_of,
        gate_rrmse_pu=GATE_RRMSE_PU,
        gate_bias_pu=GATE_BIAS_PU,
        level=chosen.level if chosen else Level.CONTROL_GROUP,
        best_profile=chosen.best if chosen else None,
        reason=f"best of each level tried: {said}",
    )
    CertificationFit.objects.bulk_create(row for one in tried for row in _rows(certification, one))
    audit(
        at=asked.as_of,
        actor=actor,
        action="certification.made",
        subject=certification,
        after={"level": certification.level, "profile": str(certification.best_profile or "")},
    )
    return certification


def _rows(certification: Certification, tried: _Tried) -> list[CertificationFit]:
    by_name = {profile.name: profile for profile in tried.profiles}
    return [
        CertificationFit(
            certification=certification,
            level=tried.level,
            profile=by_name[fit.method],
            rank=rank,
            events=fit.events,
            rrmse_pu=_known(fit.rrmse_pu),
            bias_pu=_known(fit.bias_pu),
            missing_pu=fit.missing_pu,
            band_low_pu=_known(fit.band_pu[0]),
            band_high_pu=_known(fit.band_pu[1]),
            passes=fit.passes,
            placebo=[
                {
                    "date": one.day.isoformat(),
                    "baseline_kwh": round(one.baseline_kwh, 6),
                    "actual_kwh": round(one.actual_kwh, 6),
                }
                for one in sorted(fit.placebo, key=lambda one: one.day)
            ],
        )
        for rank, fit in enumerate(tried.fits, start=1)
    ]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


@transaction.atomic
def adopt_certification(
    certification: Certification, *, valid_from: date, at: datetime, actor: object = "settlement"
) -> SiteMethod:
    """Settle the site's day-matched devices by the method that passed, from a date on. Raises NothingToAdopt.

    Settled runs keep the method they were settled with, in restatements too.
    """
    if certification.best_profile is None:
        raise NothingToAdopt(f"{certification} names no method: form a control group, or settle by its nomination")
    method, _ = SiteMethod.objects.update_or_create(
        site=certification.device.site,
        valid_from=valid_from,
        defaults={"profile_name": certification.best_profile.name, "certification": certification},
    )
    audit(at=at, actor=actor, action="certification.adopted", subject=method, after={"profile": method.profile_name})
    return method
