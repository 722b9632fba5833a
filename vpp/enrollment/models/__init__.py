"""What the aggregator may use, and under which terms: sites, devices, owner terms, contracts, portfolios."""

from vpp.enrollment.models.devices import Device, DeviceQuerySet, Site, SiteQuerySet
from vpp.enrollment.models.handovers import Handover
from vpp.enrollment.models.periods import PeriodQuerySet, one_at_a_time, one_point_range
from vpp.enrollment.models.portfolios import Enrollment, Portfolio, PortfolioQuerySet, Prequalification
from vpp.enrollment.models.terms import Consent, Contract, OwnerTerms

__all__ = [
    "Consent",
    "Contract",
    "Device",
    "DeviceQuerySet",
    "Enrollment",
    "Handover",
    "OwnerTerms",
    "PeriodQuerySet",
    "Portfolio",
    "PortfolioQuerySet",
    "Prequalification",
    "Site",
    "SiteQuerySet",
    "one_at_a_time",
    "one_point_range",
]
