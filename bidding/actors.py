"""Jobs of bidding: the nightly run, which may be killed anywhere and taken up again."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from bidding.distribution.notices import ANSWER, EXPIRE
from bidding.errors import BadPriceFile, GatePassed, NoMarkets
from bidding.operations.replan_jobs import REPLAN
from bidding.operations.replay_reports import KIND as REPLAY
from vpp.jobs import operations as jobs
from vpp.jobs.handlers import job_handler
from vpp.jobs.models import Job
from vpp.lib import clock

NIGHTLY = "bidding.nightly"


@job_handler(NIGHTLY, queue="bidding", time_limit_s=1200, max_attempts=4, throws=(GatePassed, NoMarkets))
def run_nightly(*, at: datetime, zone_code: str, delivery_date: str) -> dict[str, Any]:
    """Bid for one zone and delivery day. Safe to run twice: run, steps, planned days and bids have natural keys."""
    from bidding import operations

    run = operations.nightly(zone_code=zone_code, delivery_date=date.fromisoformat(delivery_date), at=at)
    return {"run": run.natural_key, "state": run.state, "bids": run.bids.count()}


def enqueue_nightly(*, zone_code: str, delivery_date: date, at: datetime) -> Job:
    """The job of one zone and delivery day; a second call finds the first."""
    return jobs.enqueue(
        kind=NIGHTLY,
        natural_key=f"nightly:{zone_code}:{delivery_date}",
        payload={"zone_code": zone_code, "delivery_date": delivery_date.isoformat()},
        at=at,
    )


@job_handler(REPLAN, queue="bidding", time_limit_s=300, max_attempts=8, first_wait_s=30)
def replan_rest(
    *, at: datetime, portfolio_id: int, delivery_date: str, event_id: int, why: str
) -> dict[str, Any] | None:
    """Plan the rest of a day anew after an award below its bid, or a bid that was not taken. Safe to run twice."""
    from bidding.operations.replanning import replan

    run = replan(
        portfolio_id=portfolio_id, delivery_date=date.fromisoformat(delivery_date), event_id=event_id, why=why, at=at
    )
    return None if run is None else {"run": run.natural_key, "state": run.state, "bids": run.bids.count()}


@job_handler(ANSWER, queue="bidding", time_limit_s=300, max_attempts=4)
def answer_ask(*, at: datetime, ask_id: int) -> dict[str, Any] | None:
    """Bid on an ask, with all that wait on its feeder. On a played day the nightly run that is to come does it."""
    from bidding.distribution.answering import answer_feeder
    from bidding.models import Ask, NightlyRun

    ask = Ask.objects.select_related("congestion_point__feeder").get(pk=ask_id)
    if ask.state != Ask.State.ASKED or ask.gate_at <= at:
        return None
    nightly_comes = clock.is_simulated() and ask.power_kind == Ask.PowerKind.REAL
    if nightly_comes and not NightlyRun.objects.nights().filter(delivery_date=ask.delivery_date).exists():
        return {"left_to": "the nightly run"}
    answers = answer_feeder(feeder_code=ask.congestion_point.feeder.code, delivery_date=ask.delivery_date, at=at)
    return {"bids": [bid.pk for bid in answers.bids], "unanswered": answers.unanswered, "findings": answers.findings}


@job_handler(EXPIRE, queue="bidding", time_limit_s=60)
def expire_late_asks(*, at: datetime, ask_id: int) -> dict[str, Any]:
    """End what nobody took in time; on a played day the next nightly run does it."""
    from bidding.distribution.operations import expire_asks

    return {"expired": expire_asks(at=at)}


@job_handler(REPLAY, queue="bidding", time_limit_s=3600, max_attempts=2, throws=(BadPriceFile,))
def replay_days(
    *, at: datetime, source: str, product_id: int, first: str, last: str, battery: dict[str, float]
) -> dict[str, Any]:
    """Play past days as known then; the result is the report."""
    from bidding.operations.replay_reports import run_replay

    return run_replay(product_id=product_id, first=first, last=last, battery=battery)
