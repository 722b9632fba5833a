"""Jobs of the console: what a page shows and takes too long, or asks too much, to be made while somebody waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from forecasting.models import ForecastRun
from vpp.jobs import operations as jobs
from vpp.jobs.handlers import job_handler
from vpp.jobs.models import Job
from vpp.lib.errors import DomainError
from vpp.lib.periods import DeliveryDay
from vpp.network.models import Feeder

STUDY = "console.feeder_study"
KEPT_S = 120  # until a study is made again, when somebody looks
FORGOTTEN_AFTER = timedelta(hours=1)


@job_handler(STUDY, queue="console", time_limit_s=60, max_attempts=2)
def study_feeder(*, at: datetime, feeder_id: int, run_id: int) -> dict[str, Any]:
    """Calculate a feeder's day; the result is the study, or the problem that stands in its way."""
    from vpp.console.study import calculate
    from vpp.console.study_json import stored

    _forget_old(feeder_id)
    feeder, run = Feeder.objects.get(pk=feeder_id), ForecastRun.objects.get(pk=run_id)
    at = max(at, run.issue_time)  # a job left over may be run by a played day that is not so far yet
    try:
        return stored(calculate(feeder.code, DeliveryDay(run.delivery_date, run.time_zone, run.step_minutes), at))
    except DomainError as error:
        return {"problem": error.message}


def study_prefix(feeder_id: int, run_id: int, version: int) -> str:
    """What the keys of all studies of this forecast under this switching state begin with."""
    return f"feeder-study:{feeder_id}:{run_id}:{version}:"


def enqueue_study(feeder_id: int, run: ForecastRun, version: int, at: datetime) -> Job:
    """The job of these KEPT_S; who looks later in them finds it."""
    return jobs.enqueue(
        kind=STUDY,
        natural_key=f"{study_prefix(feeder_id, run.pk, version)}{int(at.timestamp()) // KEPT_S}",
        payload={"feeder_id": feeder_id, "run_id": run.pk},
        at=at,
    )


def _forget_old(feeder_id: int) -> None:
    """Studies are made again from what they were made of; only the last hour's are kept."""
    old = Job.objects.filter(kind=STUDY, natural_key__startswith=f"feeder-study:{feeder_id}:")
    old.filter(finished_at__lt=jobs.wall_now() - FORGOTTEN_AFTER).delete()
