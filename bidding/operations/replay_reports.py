"""Replays that stay: past days of a product's stored prices, or of a file, as jobs whose results are the reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bidding.errors import BadPriceFile
from bidding.models import Price, Product
from vpp.jobs import operations as jobs
from vpp.jobs.models import Job
from vpp.lib.periods import local_moment

if TYPE_CHECKING:
    from bidding.kernels.replay import ReplayBattery, ReplayDay
    from bidding.operations.replay import PriceFile

KIND = "bidding.replay"
MOST_DAYS = 400
HISTORY_DAYS = 400


def enqueue_replay(product: Product, first: date, last: date, battery: dict[str, float], *, at: datetime) -> Job:
    """The job that replays the product's days. Raises BadPriceFile for none, too many, or prices of other lengths."""
    if product.block_minutes not in (15, 30, 60):
        raise BadPriceFile(f"{product} has prices for {product.block_minutes} minutes, want 15, 30 or 60")
    if not 0 <= (last - first).days < MOST_DAYS:
        raise BadPriceFile(f"from {first} to {last}: want 1 to {MOST_DAYS} days")
    payload = _payload(f"{product.market.name}, {product.name}", first, last, battery) | {"product_id": product.pk}
    key = f"replay:{product.pk}:{first}:{last}:{at:%Y%m%dT%H%M%S%f}"
    return jobs.enqueue(kind=KIND, natural_key=key, payload=payload, at=at)


def keep_report(source: str, battery: ReplayBattery, days: Sequence[ReplayDay], *, at: datetime) -> Job:
    """The report of a replay of a file (`manage.py replay --keep`), beside those of the service."""
    payload = _payload(source, days[0].day, days[-1].day, asdict(battery)) | {"product_id": None}
    key = f"replay:file:{days[0].day}:{days[-1].day}:{at:%Y%m%dT%H%M%S%f}"
    job = jobs.enqueue(kind=KIND, natural_key=key, payload=payload, at=at)
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE, finished_at=at, result=as_result(days))
    return job


def _payload(source: str, first: date, last: date, battery: dict[str, float]) -> dict[str, Any]:
    return {"source": source, "first": first.isoformat(), "last": last.isoformat(), "battery": battery}


def run_replay(*, product_id: int, first: str, last: str, battery: dict[str, float]) -> dict[str, Any]:
    """What the job does. Raises BadPriceFile where a day lacks prices."""
    from bidding.kernels.replay import ReplayBattery
    from bidding.operations.replay import replay

    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    product = Product.objects.select_related("market").get(pk=product_id)
    file = stored_prices(product, begin, end)
    return as_result(list(replay(file, begin, end, ReplayBattery(**battery))))


def as_result(days: Sequence[ReplayDay]) -> dict[str, Any]:
    """Days with EUR and rank correlations (null where a day was flat)."""
    return {
        "days": [
            {
                "day": one.day.isoformat(), "perfect": round(one.perfect, 2), "bid": round(one.bid, 2),
                "persistence": round(one.persistence, 2), "forecast_tau": _known(one.forecast_tau),
                "persistence_tau": _known(one.persistence_tau),
            }
            for one in days
        ]
    }  # fmt: skip


def _known(value: float) -> float | None:
    return round(value, 4) if value == value else None


def stored_prices(product: Product, first: date, last: date) -> PriceFile:
    """The newest stored price of each of the product's blocks, on the market's own clock.

    A repeated hour counts once and a missing one as the hour before it, so that each day has the same length.
    """
    import pandas as pd

    from bidding.operations.replay import PriceFile

    zone, step = product.market.time_zone, product.block_minutes
    begin = local_moment(first - timedelta(days=HISTORY_DAYS), time(), zone)
    end = local_moment(last + timedelta(days=1), time(), zone)
    rows = Price.objects.filter(product=product, interval_start__gte=begin, interval_start__lt=end)
    newest = dict(rows.order_by("interval_start", "available_at").values_list("interval_start", "price"))
    clock: dict[datetime, float] = {}
    for start, price in newest.items():
        clock.setdefault(start.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC, fold=0), float(price))
    if not clock:
        raise BadPriceFile(f"no prices of {product.market.name} between {first} and {last}")
    series = pd.Series(clock).sort_index().asfreq(f"{step}min").ffill(limit=60 // step)
    return PriceFile(str(product), pd.DataFrame({"price": series}), None, 24 * 60 // step)
