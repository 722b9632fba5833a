"""The newest study of a feeder's day, made by a worker when somebody looks and the last one is older than KEPT_S."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forecasting.models import ForecastRun
from vpp.console.actors import STUDY, enqueue_study, study_prefix
from vpp.console.study import Picture, Study
from vpp.console.study_json import loaded
from vpp.jobs.models import Job


@dataclass(frozen=True)
class Found:
    """The newest study, or why there is none: a `problem`, or nothing yet, asked for at `asked_at`."""

    study: Study | None
    problem: str
    asked_at: datetime | None


def newest_study(feeder_pk: int, run: ForecastRun, version: int, at: datetime) -> Found:
    """What is known of this forecast under this switching state; asks for a newer one where it is due."""
    asked = enqueue_study(feeder_pk, run, version, at)
    done = Job.objects.filter(
        kind=STUDY, state=Job.State.DONE, natural_key__startswith=study_prefix(feeder_pk, run.pk, version)
    )
    newest = done.order_by("-pk").first()
    if newest is None or newest.result is None:
        return Found(None, asked.error, asked.created_at)
    problem = newest.result.get("problem", "")
    return Found(None if problem else loaded(newest.result), problem, None)


def highest_loading(picture: Picture) -> list[int]:
    """(H,) whole percent; 0 where nothing is rated."""
    series = [[value or 0 for value in row] for row in picture.loading.values()]
    return [max(column) for column in zip(*series, strict=True)] if series else []


def elements(picture: Picture, kinds: dict[str, str]) -> list[dict[str, Any]]:
    """Each rated element with its highest loading and when that is, the highest first."""
    found = []
    for code, series in picture.loading.items():
        known = [(value, -place) for place, value in enumerate(series) if value is not None]
        if known:
            top, place = max(known)
            found.append({"kind": kinds[code], "code": code, "top": top, "interval": -place})
    return sorted(found, key=lambda one: -one["top"])
