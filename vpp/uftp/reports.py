"""What we tell counterparties of our own accord: D-Prognosis, Metering, offers nobody asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import numpy as np
from django.db.models import Max
from numpy.typing import NDArray

from bidding.distribution.asks import AskContent, receive_ask
from bidding.distribution.venues import distribution_market
from bidding.models import Ask, Award, Direction
from vpp.enrollment.models import Device, Enrollment
from vpp.lib.periods import DeliveryDay
from vpp.network.models import CongestionPoint
from vpp.uftp import outbox
from vpp.uftp.flex_requests import ceiling_per_mwh
from vpp.uftp.isps import WATTS_PER_KW
from vpp.uftp.models import Counterparty, InMessage, OutMessage, Prognosis

FloatArray = NDArray[np.float64]


def send_prognosis(
    counterparty: Counterparty, point: CongestionPoint, delivery_date: date, *, at: datetime, natural_key: str
) -> OutMessage:
    """The expected net power of our devices behind the point for every ISP, with what was ordered in it."""
    from shapeshifter_uftp.uftp import DPrognosis, DPrognosisISP
    from xsdata.models.datatype import XmlDate, XmlDuration

    if found := OutMessage.objects.filter(natural_key=natural_key).first():
        return found
    day = DeliveryDay(delivery_date, distribution_market(point.feeder.code).time_zone)
    power_kw = planned_kw(point, day, at)
    earlier = Prognosis.objects.filter(congestion_point=point, delivery_date=delivery_date)
    revision = (earlier.aggregate(last=Max("revision"))["last"] or 0) + 1
    message = DPrognosis(
        isp_duration=XmlDuration("PT15M"),
        time_zone=day.zone,
        period=XmlDate.from_date(delivery_date),
        congestion_point=point.code,
        revision=revision,
        isps=[
            DPrognosisISP(power=round(value * WATTS_PER_KW), start=index + 1, duration=1)
            for index, value in enumerate(power_kw)
        ],
    )
    row = outbox.queue(counterparty, message, at=at, natural_key=natural_key)
    Prognosis.objects.create(message=row, congestion_point=point, delivery_date=delivery_date, revision=revision)
    return row


def planned_kw(point: CongestionPoint, day: DeliveryDay, at: datetime) -> FloatArray:
    """(H,) forecast of our devices behind the point's feeder, consumption positive, with the orders of its asks."""
    from forecasting import queries as forecasts

    here = set(_device_ids(point, at))
    total = np.zeros(day.n_intervals)
    portfolios = Enrollment.objects.filter(device_id__in=here, period__contains=at).values_list("portfolio", flat=True)
    for portfolio_id in sorted(set(portfolios)):
        run = forecasts.latest_run(portfolio_id, day.date, at)
        if run is None:
            continue
        ids, baseline_kw = forecasts.device_baselines_kw(run)
        rows = [row for row, device_id in enumerate(ids) if int(device_id) in here]
        if rows and baseline_kw.shape[1] == day.n_intervals:
            total = total + np.nansum(baseline_kw[rows], axis=0)
    awards = Award.objects.standing().filter(bid__ask__congestion_point=point, bid__delivery_date=day.date)
    for award in awards:
        total = total - np.array(award.up_kw) + np.array(award.down_kw)
    return total


def _device_ids(point: CongestionPoint, at: datetime) -> list[int]:
    enrolled = Enrollment.objects.filter(device__site__feeder_code=point.feeder.code, period__contains=at)
    return list(enrolled.values_list("device_id", flat=True))


def prognosis_after_order(message_id: int, *, at: datetime) -> OutMessage | None:
    """The plan after an accepted FlexOrder."""
    row = InMessage.objects.select_related("counterparty", "order__award__bid__ask__congestion_point__feeder").get(
        pk=message_id
    )
    ask = row.order.award.bid.ask
    if ask is None:
        return None
    key = f"prognosis:{row.pk}"
    return send_prognosis(row.counterparty, ask.congestion_point, ask.delivery_date, at=at, natural_key=key)


def send_metering(
    counterparty: Counterparty, point: CongestionPoint, delivery_date: date, *, at: datetime
) -> OutMessage | None:
    """Metered power of our devices behind the point, per ISP that is known; None without an EAN or any reading."""
    from shapeshifter_uftp.uftp import Metering, MeteringProfile, MeteringProfileEnum, MeteringUnit
    from xsdata.models.datatype import XmlDate, XmlDuration

    ean = counterparty.eans.get(point.code)
    day = DeliveryDay(delivery_date, distribution_market(point.feeder.code).time_zone)
    power_kw = _metered_kw(point, day, at)
    if not ean or not np.isfinite(power_kw).any():
        return None
    isps = _metering_isps(power_kw)
    message = Metering(
        revision=1,
        isp_duration=XmlDuration("PT15M"),
        time_zone=day.zone,
        period=XmlDate.from_date(delivery_date),
        ean=ean,
        profiles=[MeteringProfile(isps=isps, profile_type=MeteringProfileEnum.POWER, unit=MeteringUnit.K_W)],
    )
    key = f"metering:{counterparty.pk}:{point.pk}:{delivery_date}"
    return outbox.queue(counterparty, message, at=at, natural_key=key)


def _metering_isps(power_kw: FloatArray) -> list[Any]:
    from shapeshifter_uftp.uftp import MeteringISP

    return [
        MeteringISP(start=index + 1, value=Decimal(f"{value:.3f}"))
        for index, value in enumerate(power_kw)
        if np.isfinite(value)
    ]


def _metered_kw(point: CongestionPoint, day: DeliveryDay, at: datetime) -> FloatArray:
    """(H,) sum of the meters behind the point, of its devices where no site has one; NaN where a value is missing."""
    from telemetry import queries as telemetry

    ids = _device_ids(point, at)
    meters = list(Device.objects.filter(pk__in=ids, kind=Device.Kind.METER).values_list("pk", flat=True))
    wanted = np.array(sorted(meters or ids), dtype=np.int64)
    if not wanted.size:
        return np.full(day.n_intervals, np.nan)
    return np.asarray(telemetry.interval_power_kw(wanted, day.start, day.end, at), dtype=np.float64).sum(axis=0)


def offer_unasked(
    point: CongestionPoint, delivery_date: date, *, direction: str, quantity_kw: Sequence[float], at: datetime
) -> Ask:
    """Offer flexibility that nobody asked for: an ask in our own words, answered like any other.

    The bid is what of it is free; it goes out as a FlexOffer with Unsolicited=true. Delivery begins half an hour from
    now at the earliest.
    """
    market = distribution_market(point.feeder.code)
    day = DeliveryDay(delivery_date, market.time_zone)
    first = day.starts()[next(index for index, value in enumerate(quantity_kw) if value > 0)]
    content = AskContent(
        reference=f"unsolicited:{uuid4()}",
        congestion_point=point.code,
        direction=Direction(direction).value,
        delivery_date=delivery_date,
        interval_minutes=15,
        quantity_kw=list(quantity_kw),
        ceiling_price_per_mwh=ceiling_per_mwh(market),
        gate_at=first - timedelta(minutes=15),
        expires_at=first - timedelta(minutes=15),
        channel="UFTP",
    )
    return receive_ask(utility=point.utility, content=content, at=at, actor="uftp")[0]
