"""Jobs: written in the caller's transaction, leased, run, retried by a written rule, given up loudly."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from dramatiq.middleware import Interrupt

from vpp.jobs.handlers import HANDLERS, Handler
from vpp.jobs.identity import process_is_dead, this_process
from vpp.jobs.models import Job
from vpp.lib import clock
from vpp.lib.errors import Conflict, DomainError

logger = logging.getLogger(__name__)

DOUBTFUL_LEASE_S = 10
ALIVE = (Job.State.PENDING, Job.State.LEASED)


class UnknownJobKind(DomainError):
    code = "unknown_job_kind"


class JobContentDiffers(Conflict):
    code = "job_content_differs"


def wall_now() -> datetime:
    """Real time: leases and retries belong to the machine, also while a played day runs on its own clock."""
    return datetime.now(UTC)


def enqueue(
    *,
    kind: str,
    natural_key: str,
    payload: dict[str, Any],
    at: datetime,
    queue: str = "",
    deadline: datetime | None = None,
    delay: timedelta = timedelta(0),
) -> Job:
    """Write a job, in the caller's transaction; a repeat finds the first one. It is due after `delay`.

    Raises UnknownJobKind where no room handles it, JobContentDiffers if the key stands for other work.
    """
    job = Job(
        kind=kind,
        natural_key=natural_key,
        payload=payload,
        queue=queue or _handler(kind).queue,
        created_at=at,
        run_after=min(at, wall_now()) + delay,
        deadline=deadline,
    )
    Job.objects.bulk_create([job], ignore_conflicts=True)  # one statement, where a look before it would be four
    stored = Job.objects.get(natural_key=natural_key)
    if (stored.kind, stored.payload) != (kind, payload):
        raise JobContentDiffers(f"job {natural_key!r} exists with other content", natural_key=natural_key)
    return stored


def lease_due(*, limit: int = 100) -> list[Job]:
    """Lease due jobs to this process; whoever else asks at the same time gets others."""
    take_back_from_the_dead()
    now = wall_now()
    with transaction.atomic():
        jobs = list(Job.objects.due(now).select_for_update(skip_locked=True).order_by("run_after", "pk")[:limit])
        for job in jobs:
            job.state = Job.State.LEASED
            job.attempts += 1
            job.lease_owner = this_process()
            job.lease_until = now + timedelta(seconds=_handler(job.kind).lease_s)
        Job.objects.bulk_update(jobs, ["state", "attempts", "lease_owner", "lease_until"])
    return jobs


def give_back(*, unsent: Sequence[Job], doubtful: Job) -> None:
    """Leases that never became a message end and cost no attempt.

    Whether the doubtful one arrived is unknown: it keeps its attempt, so that it cannot run twice, and a short lease.
    """
    ours = Job.objects.filter(state=Job.State.LEASED, lease_owner=this_process())
    ours.filter(pk__in=[job.pk for job in unsent]).update(
        state=Job.State.PENDING, attempts=F("attempts") - 1, lease_until=None, lease_owner=""
    )
    ours.filter(pk=doubtful.pk).update(lease_until=wall_now() + timedelta(seconds=DOUBTFUL_LEASE_S))


def take_back_from_the_dead() -> int:
    """Free the leases of processes of this machine that no longer live, without waiting for them to run out."""
    owners = Job.objects.filter(state=Job.State.LEASED).order_by().values_list("lease_owner", flat=True).distinct()
    dead = [owner for owner in owners if process_is_dead(owner)]
    if not dead:
        return 0
    return Job.objects.filter(state=Job.State.LEASED, lease_owner__in=dead).update(
        state=Job.State.PENDING, lease_until=None, lease_owner="", run_after=wall_now()
    )


def run_leased(*, job_id: int, attempt: int) -> None:
    """Run one leased job. A message that comes twice, or after its lease went to another, does nothing."""
    job = Job.objects.filter(pk=job_id, state=Job.State.LEASED, attempts=attempt).first()
    handler = _handler(job.kind) if job else None
    if job is None or handler is None or not _claim(job, handler):
        logger.info("job %s attempt %s is no longer ours", job_id, attempt)
        return
    at = clock.now()
    if job.deadline is not None and at > job.deadline:
        _end(job, Job.State.DEAD, error=f"deadline {job.deadline.isoformat()} passed before it could run")
        return
    try:
        result = handler.run(at=at, **job.payload)
    except handler.throws as error:
        _end(job, Job.State.FAILED, error=f"{type(error).__name__}: {error}")
    except (Exception, Interrupt) as error:  # Interrupt: the time limit, raised into this thread
        logger.exception("job %s failed", job, extra={"trace": job.natural_key})
        _retry_or_give_up(job, handler, f"{type(error).__name__}: {error}")
    else:
        _end(job, Job.State.DONE, result=result)


def _claim(job: Job, handler: Handler) -> bool:
    """The lease counts from here: a message may have waited for long."""
    leased = Job.objects.filter(pk=job.pk, state=Job.State.LEASED, attempts=job.attempts)
    until = wall_now() + timedelta(seconds=handler.lease_s)
    return bool(leased.update(lease_owner=this_process(), lease_until=until))


def run_pending(*, limit: int = 1000) -> int:
    """Run due jobs in this thread until none is left; for tests and one-shot commands. Returns how many ran."""
    done = 0
    while done < limit and (jobs := lease_due(limit=1)):
        for job in jobs:
            run_leased(job_id=job.pk, attempt=job.attempts)
            done += 1
    return done


def run_until_done(job: Job, *, poll_s: float = 0.2) -> Job:
    """Work off due jobs in this thread until `job` has ended, also when another process took it; returns it fresh.

    Waits out the retries of a failing job; stop it with Ctrl-C, the row stays.
    """
    while True:
        run_pending()
        job.refresh_from_db()
        if job.state not in ALIVE:
            return job
        time.sleep(poll_s)


def retry(*, job: Job) -> None:
    """Give a failed or given-up job another round."""
    Job.objects.filter(pk=job.pk, state__in=[Job.State.DEAD, Job.State.FAILED]).update(
        state=Job.State.PENDING, attempts=0, run_after=wall_now(), finished_at=None, error="", lease_until=None
    )


def _handler(kind: str) -> Handler:
    try:
        return HANDLERS[kind]
    except KeyError:
        raise UnknownJobKind(f"no room handles jobs of kind {kind!r}", kind=kind) from None


def _end(job: Job, state: str, *, result: dict[str, Any] | None = None, error: str = "") -> None:
    Job.objects.filter(pk=job.pk, state=Job.State.LEASED, attempts=job.attempts).update(
        state=state, result=result, error=error, finished_at=wall_now(), lease_until=None
    )
    if error:
        logger.warning("job %s ended %s: %s", job, state, error)


def _retry_or_give_up(job: Job, handler: Handler, error: str) -> None:
    if job.attempts >= handler.max_attempts:
        _end(job, Job.State.DEAD, error=error)
        return
    Job.objects.filter(pk=job.pk, state=Job.State.LEASED, attempts=job.attempts).update(
        state=Job.State.PENDING,
        error=error,
        lease_until=None,
        run_after=wall_now() + timedelta(seconds=handler.wait_s(job.attempts)),
    )
