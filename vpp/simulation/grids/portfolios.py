"""Which devices of a fleet are sold together."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from vpp.simulation.grids.fleet import EnrollmentRecord, Fleet, PortfolioRecord

START: Final = "2015-12-31"
TIME_ZONE: Final = "Europe/Berlin"
ZONE: Final = "DE"
MINIMUM_KW: Final = 100.0
MAX_FEEDER_PORTFOLIOS: Final = 39


def form_portfolios(fleet: Fleet) -> None:
    """One portfolio per feeder below the top one that reaches the market's minimum (the largest ones only), and one
    for the rest of the zone."""
    feeder_of = {site.code: site.feeder for site in fleet.sites}
    controllable = [device for device in fleet.devices if device.controllable]
    power_kw: dict[str, float] = defaultdict(float)
    for device in controllable:
        power_kw[feeder_of[device.site]] += max(device.max_consumption_kw, device.max_production_kw)
    low_voltage = sorted((name for name in power_kw if name.startswith("LV")), key=lambda name: -power_kw[name])
    own = {name for name in low_voltage[:MAX_FEEDER_PORTFOLIOS] if power_kw[name] >= MINIMUM_KW}
    for feeder in sorted(own):
        fleet.portfolios.append(
            PortfolioRecord(f"PF-{feeder}", f"feeder {feeder}", ZONE, feeder, TIME_ZONE, MINIMUM_KW)
        )
    rest_kw = sum(value for name, value in power_kw.items() if name not in own)
    if rest_kw >= MINIMUM_KW:
        fleet.portfolios.append(PortfolioRecord(f"PF-{ZONE}", f"zone {ZONE}", ZONE, "", TIME_ZONE, MINIMUM_KW))
    for device in controllable:
        feeder = feeder_of[device.site]
        if feeder in own or rest_kw >= MINIMUM_KW:
            portfolio = f"PF-{feeder}" if feeder in own else f"PF-{ZONE}"
            fleet.enrollments.append(EnrollmentRecord(device.code, portfolio, START))
