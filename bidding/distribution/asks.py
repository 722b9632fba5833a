"""Asks come in, and take the place of earlier revisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction

from bidding.distribution.ask_states import replace_ask
from bidding.distribution.notices import ANSWER, EXPIRE, Notice, tell
from bidding.distribution.rules import check_ask
from bidding.distribution.venues import distribution_market
from bidding.errors import DuplicateReference, StaleRevision, UnknownCongestionPoint
from bidding.models import Ask, AskEvent, FlexContract, Market
from vpp.accounts.models import Participant
from vpp.accounts.operations import audit
from vpp.jobs import operations as jobs
from vpp.network.models import CongestionPoint


@dataclass(frozen=True)
class AskContent:
    """What a utility sends. quantity_kw (H,): one per interval of the delivery day in the market's zone, 0 outside.

    Reactive power is asked in quantity_kvar (H,), quantity_kw is then all 0. recovery_limit_kw (H,) or None: the most
    that recovery may move against the ask's direction in an interval, None where there is no limit.
    """

    reference: str
    congestion_point: str
    direction: str
    delivery_date: date
    interval_minutes: int
    quantity_kw: Sequence[float]
    ceiling_price_per_mwh: float
    gate_at: datetime
    expires_at: datetime
    revision: int = 1
    power_kind: str = "REAL"
    service_kind: str = "CONGESTION"
    quantity_kvar: Sequence[float] | None = None
    recovery_limit_kw: Sequence[float | None] | None = None
    topology_version: str = ""
    contract: FlexContract | None = None
    channel: str = "REST"


@transaction.atomic
def receive_ask(*, utility: Participant, content: AskContent, at: datetime, actor: object) -> tuple[Ask, bool]:
    """Store an ask; (ask, True) if it is new. The same content again gets the first one.

    A higher revision of a reference takes the place of the open one, whose bids end; once committed it stays.

    Raises DuplicateReference, StaleRevision, UnknownCongestionPoint (also for a foreign one), WrongTimeGrid,
    ZeroQuantity, BadQuantity, GatePassed, BadAsk, UnknownMarket, or WrongState for the revision of a committed ask.
    """
    points = CongestionPoint.objects.filter(code=content.congestion_point, utility=utility)
    point = points.select_related("feeder").first()
    if point is None:
        raise UnknownCongestionPoint(
            f"there is no congestion point {content.congestion_point!r}, or it is not yours",
            congestion_point=content.congestion_point,
        )
    market = distribution_market(point.feeder.code)
    fields = _fields(content, point, market)
    earlier = Ask.objects.filter(utility=utility, reference=content.reference).order_by("-revision")
    last = earlier.select_for_update(no_key=True).first()
    if last is not None and last.revision >= content.revision:
        same = earlier.filter(revision=content.revision).first()
        if same is None:
            raise StaleRevision(
                f"ask {content.reference!r} is at revision {last.revision} already", revision=last.revision
            )
        return _same(same, fields), False
    check_ask(content, market, at)
    if last is not None:
        replace_ask(last, at=at, actor=actor)
    try:
        with transaction.atomic():
            ask = Ask.objects.create(utility=utility, created_at=at, **fields)
    except IntegrityError:  # the same reference came in twice at once
        return _same(earlier.get(revision=content.revision), fields), False
    AskEvent.objects.create(ask=ask, at=at, state=Ask.State.ASKED)
    audit(at=at, actor=actor, action="ask.asked", subject=ask, after={"reference": ask.reference})
    _plan_jobs(ask, at)
    tell(Notice("ask.asked", ask, None, at))
    return ask, True


def _plan_jobs(ask: Ask, at: datetime) -> None:
    """Somebody answers it, and somebody ends it."""
    jobs.enqueue(kind=ANSWER, natural_key=f"answer:ask{ask.pk}", payload={"ask_id": ask.pk}, at=at)
    jobs.enqueue(
        kind=EXPIRE,
        natural_key=f"expire:ask{ask.pk}",
        payload={"ask_id": ask.pk},
        at=at,
        delay=max(ask.expires_at - at, timedelta(0)) + timedelta(seconds=1),
    )


def _fields(content: AskContent, point: CongestionPoint, market: Market) -> dict[str, object]:
    """Column values of an ask (not asdict: the contract is a row)."""
    fields = {name: getattr(content, name) for name in AskContent.__dataclass_fields__}
    return fields | {
        "congestion_point": point,
        "time_zone": market.time_zone,
        "quantity_kw": [float(value) for value in content.quantity_kw],
        "quantity_kvar": None if content.quantity_kvar is None else [float(value) for value in content.quantity_kvar],
        "recovery_limit_kw": None if content.recovery_limit_kw is None else list(content.recovery_limit_kw),
    }


def _same(ask: Ask, fields: dict[str, object]) -> Ask:
    differing = sorted(name for name, value in fields.items() if getattr(ask, name) != value)
    if differing:
        raise DuplicateReference(
            f"ask {ask.reference!r} exists with other content", reference=ask.reference, differing=differing
        )
    return ask
