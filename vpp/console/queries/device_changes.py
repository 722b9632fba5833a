"""Changes of many devices at once: how far each job is, and whom it refused."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Func, IntegerField, QuerySet
from django.db.models.fields.json import KT, KeyTransform
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from vpp.enrollment.bulk_changes import KIND
from vpp.jobs.models import Job
from vpp.jobs.operations import ALIVE

SHOWN, REFUSALS_SHOWN = 30, 500
ACTIONS = {"suspend": gettext_noop("Suspend"), "resume": gettext_noop("Resume")}
REASONS = {
    "already_suspended": gettext_noop("is suspended already"),
    "not_suspended": gettext_noop("is not suspended"),
    "is_a_meter": gettext_noop("is a meter and never dispatched"),
    "unknown_device": gettext_noop("does not exist any more"),
}


@dataclass(frozen=True)
class Change:
    """One job; seen, changed and refused count devices."""

    job: Job
    action: str
    actor: str
    reason: str
    total: int
    seen: int
    changed: int
    refused: list[tuple[str, str]]

    @property
    def is_running(self) -> bool:
        return self.job.state in ALIVE

    @property
    def refusals(self) -> list[tuple[str, str]]:
        """(code, why) in words, the first REFUSALS_SHOWN."""
        return [(code, _(REASONS.get(why, why))) for code, why in self.refused[:REFUSALS_SHOWN]]


def _jobs() -> QuerySet[Job]:
    return (
        Job.objects.filter(kind=KIND)
        .defer("payload")
        .annotate(
            change=KT("payload__change"), by=KT("payload__actor"), why=KT("payload__reason"),
            total=Func(
                KeyTransform("device_ids", "payload"), function="jsonb_array_length", output_field=IntegerField()
            ),
        )
    )  # fmt: skip


def changes() -> list[Change]:
    """The newest first."""
    return [_change(job) for job in _jobs().order_by("-pk")[:SHOWN]]


def find_change(job_id: int) -> Change | None:
    job = _jobs().filter(pk=job_id).first()
    return None if job is None else _change(job)


def _change(job: Job) -> Change:
    told = job.result or {}
    return Change(
        job=job,
        action=_(ACTIONS[job.change]),  # type: ignore[attr-defined]
        actor=job.by,  # type: ignore[attr-defined]
        reason=job.why,  # type: ignore[attr-defined]
        total=job.total,  # type: ignore[attr-defined]
        seen=told.get("seen", 0),
        changed=told.get("changed", 0),
        refused=[(code, why) for code, why in told.get("refused", [])],
    )
