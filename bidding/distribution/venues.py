"""Which market an ask belongs to: that of the zone in which its feeder's sites lie."""

from __future__ import annotations

from django.db.models import Count

from bidding.errors import UnknownMarket
from bidding.models import Market
from vpp.enrollment.models import Site
from vpp.network.models import Feeder


def distribution_market(feeder_code: str) -> Market:
    """The market that asks at a feeder belong to; of two zones behind one feeder that of most of its sites.

    A feeder without sites goes by those of its utility's other feeders, then by the only market there is. Raises
    UnknownMarket.
    """
    markets = list(Market.objects.filter(kind=Market.Kind.DISTRIBUTION).order_by("code"))
    zones = _zones_of([feeder_code])
    if not zones and len(markets) > 1:
        beside = Feeder.objects.filter(utility__feeders__code=feeder_code).values_list("code", flat=True)
        zones = _zones_of(list(beside))
    if not zones and len(markets) == 1:
        return markets[0]
    by_zone = {market.zone_code: market for market in reversed(markets)}
    found = next((by_zone[zone] for zone in zones if zone in by_zone), None)
    if found is None:
        where = f"zone {', '.join(zones)}" if zones else f"feeder {feeder_code!r}, which has no sites yet"
        raise UnknownMarket(f"there is no distribution market for {where}; import one with import_markets", zones=zones)
    return found


def _zones_of(feeder_codes: list[str]) -> list[str]:
    """The zones of the sites behind the feeders, that of most of them first."""
    zones = Site.objects.filter(feeder_code__in=feeder_codes).values("zone_code").annotate(n=Count("pk"))
    return [row["zone_code"] for row in zones.order_by("-n", "zone_code")]
