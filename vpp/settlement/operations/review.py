"""The review queue: settled days are looked at for made baselines; findings hold payouts until a person decides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from vpp.accounts.operations import audit
from vpp.lib.errors import Conflict
from vpp.settlement.models import ReviewFinding, SettlementRun
from vpp.settlement.queries import DayInputs, day_inputs
from vpp.settlement.queries.rules import pins_of

LIMIT_Z = 3.0
LIKE_DAYS = 30
LEAST_SHIFT_KWH = 2.0


class AlreadyDecided(Conflict):
    code = "review_already_decided"


@transaction.atomic
def review_run(run: SettlementRun, *, at: datetime) -> list[ReviewFinding]:
    """Look at every day-matched device of a settled run; a repeat adds nothing."""
    inputs = day_inputs(portfolio=run.portfolio, delivery_date=run.delivery_date, as_of=run.as_of, pins=pins_of(run))
    found = []
    for kind, row, evidence in _signs(inputs):
        finding, made = ReviewFinding.objects.get_or_create(
            kind=kind,
            owner_id=int(inputs.devices.owner_id[row]),
            device_id=int(inputs.devices.device_id[row]),
            delivery_date=run.delivery_date,
            defaults={"found_at": at, "evidence": evidence, "site_id": int(inputs.devices.site_id[row])},
        )
        if made:
            audit(at=at, actor="settlement", action="review.found", subject=finding, after=evidence)
            found.append(finding)
    return found


def _signs(inputs: DayInputs) -> Iterator[tuple[str, int, dict[str, Any]]]:
    from vpp.settlement.kernels import guards

    if inputs.fleet is None or inputs.event is None:
        return
    kind = ReviewFinding.Kind
    moved: dict[int, list[tuple[int, float]]] = {}
    for row, rule in enumerate(inputs.fleet.rules):
        if rule.profile is None:
            continue
        grid, reasons = inputs.context.grid(rule, inputs.event, inputs.fleet.series)
        values = inputs.fleet.history_kwh[row]
        usable = [index for index, reason in enumerate(reasons) if not reason][:LIKE_DAYS]
        like, day = grid.reference_values(values)[usable], grid.actual_values(values)
        if grid.n_event < day.size:
            window = guards.z_score(float(day[grid.n_event :].mean()), like[:, grid.n_event :].mean(axis=1))
            if window > LIMIT_Z:
                yield kind.WINDOW_RAISED, row, {"z": round(window, 2), "like_days": len(usable)}
        jump = _jump(inputs, row, [grid.dates[index] for index in usable], grid.midnight_index)
        if jump > LIMIT_Z:
            yield kind.RAISED_AFTER_NOTICE, row, {"z": round(jump, 2), "like_days": len(usable)}
        shift = float(day[: grid.n_event].sum() - np.nanmean(like[:, : grid.n_event].sum(axis=1))) if usable else 0.0
        moved.setdefault(int(inputs.devices.owner_id[row]), []).append((row, shift))
    for rows in moved.values():
        if len({int(inputs.devices.site_id[row]) for row, _ in rows}) > 1:
            shifts = np.nan_to_num(np.array([shift for _, shift in rows]), nan=0.0)
            for low, high in guards.shifted_pairs(shifts, LEAST_SHIFT_KWH):
                evidence = {"other": inputs.devices.code[rows[high][0]], "kwh": [shifts[low], shifts[high]]}
                yield kind.PAIRED_SITES, rows[low][0], evidence


def _jump(inputs: DayInputs, row: int, days: list[Any], midnight_index: Any) -> float:
    """The rise after notice: the first award of the day told of the event."""
    from vpp.settlement.kernels import guards

    fleet, day = inputs.fleet, inputs.day
    assert fleet is not None
    told = min(award.awarded_at for award in inputs.awards)
    notice = int((told - day.start) / timedelta(minutes=day.step_minutes))
    if notice <= 0 or not days:
        return float("nan")
    size = fleet.event.start

    def of_day(first: int) -> NDArray[np.float64]:
        part = fleet.history_kwh[row][max(first, 0) : max(first, 0) + size]
        return part if part.size == size else np.full(size, np.nan)

    like = np.array([of_day(midnight_index(date)) for date in days])
    return guards.jump_after_notice(of_day(fleet.first), like, notice, size)


@transaction.atomic
def decide_finding(finding: ReviewFinding, *, cleared: bool, reason: str, at: datetime, actor: object) -> ReviewFinding:
    """Clear a finding (the payout is released) or confirm it (it stays held). Raises AlreadyDecided."""
    state = ReviewFinding.State.CLEARED if cleared else ReviewFinding.State.CONFIRMED
    changed = ReviewFinding.objects.filter(pk=finding.pk, state=ReviewFinding.State.OPEN).update(
        state=state, decided_at=at, decision=reason
    )
    if not changed:
        raise AlreadyDecided(f"{finding} is decided")
    finding.refresh_from_db()
    audit(at=at, actor=actor, action="review.decided", subject=finding, after={"state": state}, reason=reason)
    return finding
