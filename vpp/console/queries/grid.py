"""Feeders, their congestion points, and what is known of a feeder's day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Max, Prefetch, Sum
from django.utils.translation import gettext as _

from forecasting.models import ForecastRun
from forecasting.queries import latest_feeder_run
from vpp.accounts.models import Principal
from vpp.console.queries.feeder_study import newest_study
from vpp.console.refusals import told
from vpp.console.study import Study
from vpp.lib.periods import DeliveryDay
from vpp.network.models import CongestionPoint, Feeder, Node, OperatingEnvelope, TopologyVersion

FEEDER_LIMIT = 200
MOST_NODES = 400  # more are not drawn, and not calculated while somebody waits
STATES_SHOWN = 10


@dataclass(frozen=True)
class FeederLine:
    feeder: Feeder
    rated_kva: float | None
    points: list[CongestionPoint]
    last_forecast: date | None


@dataclass
class FeederPage:
    """`study` is None where there is no forecast, no grid to calculate on, or where `problem` says why; while the first
    one is being made, `asked_at` says since when."""

    feeder: Feeder
    day: DeliveryDay | None
    points: list[CongestionPoint]
    states: list[TopologyVersion]
    run: ForecastRun | None = None
    study: Study | None = None
    envelope: OperatingEnvelope | None = None
    asked_at: datetime | None = None
    problem: str = ""
    rooms: list[tuple[str, float, float]] = field(default_factory=list)


def feeder_lines(principal: Principal) -> list[FeederLine]:
    points = CongestionPoint.objects.order_by("code")
    feeders = list(
        Feeder.objects.visible_to(principal)
        .select_related("utility", "substation")
        .annotate(rated_kva=Sum("transformers__rated_kva"))
        .prefetch_related(Prefetch("congestion_points", points))
        .order_by("code")[:FEEDER_LIMIT]
    )
    runs = ForecastRun.objects.visible_to(principal).filter(portfolio=None).exclude(feeder_code="")
    newest = dict(runs.values_list("feeder_code").annotate(newest=Max("delivery_date")).order_by())
    return [FeederLine(one, one.rated_kva, list(one.congestion_points.all()), newest.get(one.code)) for one in feeders]


def last_forecast_date(principal: Principal, feeder: Feeder) -> date | None:
    runs = ForecastRun.objects.visible_to(principal).filter(portfolio=None, feeder_code=feeder.code)
    return runs.aggregate(newest=Max("delivery_date"))["newest"]


def feeder_page(feeder: Feeder, delivery_date: date | None, at: datetime) -> FeederPage:
    """A feeder that the caller has found visible: its switching states, and the newest forecast of the day through the
    grid."""
    states = TopologyVersion.objects.filter(feeder=feeder).order_by("-version")[:STATES_SHOWN]
    page = FeederPage(feeder, None, list(feeder.congestion_points.order_by("code")), list(states))
    run = latest_feeder_run(feeder.code, delivery_date, at) if delivery_date else None
    if run is None or delivery_date is None:
        page.problem = _("No forecast of this feeder yet.") if delivery_date is None else _("No forecast of this day.")
        return page
    page.run, page.day = run, DeliveryDay(delivery_date, run.time_zone, run.step_minutes)
    count = Node.objects.filter(feeder=feeder).count()
    if not 0 < count <= MOST_NODES:
        page.problem = _("%(count)d nodes cannot be drawn; the API answers per node.") % {"count": count}
        return page
    found = newest_study(feeder.pk, run, page.states[0].version if page.states else 0, at)
    page.study, page.asked_at, page.problem = found.study, found.asked_at, told(found.problem)
    envelopes = OperatingEnvelope.objects.filter(feeder=feeder, delivery_date=delivery_date, available_at__lte=at)
    page.envelope = envelopes.select_related("topology").order_by("-available_at").first()
    page.rooms = rooms_of(page.envelope)
    return page


def rooms_of(envelope: OperatingEnvelope | None) -> list[tuple[str, float, float]]:
    """(node, kW) the smallest room of the day to consume and to produce more, the tightest node first."""
    if envelope is None:
        return []
    rows = zip(envelope.node_codes, envelope.consume_room_kw, envelope.produce_room_kw, strict=True)
    return sorted(((code, min(more), min(less)) for code, more, less in rows), key=lambda row: row[1] + row[2])
