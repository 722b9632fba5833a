"""The result of a settlement as plain values: computed from its inputs, stored or compared by others."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telemetry.queries import interval_checksums
from vpp.lib.money import from_cents
from vpp.settlement.kernels.day import AwardResult, settle_awards
from vpp.settlement.kernels.fleet import FleetBaseline, fleet_baseline
from vpp.settlement.kernels.reactive import settle_reactive
from vpp.settlement.queries import DayInputs


@dataclass(frozen=True)
class Outcome:
    """What one day came to. revenue is before penalties; revenue = payouts + fees + margin."""

    fleet: FleetBaseline
    results: list[AwardResult]
    findings: list[dict[str, Any]]
    reading_checksums: list[str]
    revenue: Decimal
    penalty: Decimal
    payouts: Decimal
    fees: Decimal
    margin: Decimal
    checksum: str


def compute_outcome(inputs: DayInputs) -> Outcome:
    """Baselines, delivery, money and splits of one day. The same inputs give the same checksum."""
    fleet = _fleet(inputs)
    results = _results(inputs, fleet)
    findings = [*_input_findings(inputs), *fleet.findings, *(f for result in results for f in result.findings)]
    checksums = interval_checksums(inputs.devices.device_id, inputs.day.start, inputs.day.end, as_of=inputs.as_of)
    revenue = sum((result.revenue.amount for result in results), Decimal("0.00"))
    credits = [credit for result in results for credit in result.credits]
    payouts = from_cents(sum(credit.paid_cents for credit in credits))
    fees = from_cents(sum(credit.fee_cents for credit in credits))
    return Outcome(
        fleet=fleet,
        results=results,
        findings=findings,
        reading_checksums=checksums,
        revenue=revenue,
        penalty=sum((result.revenue.penalty for result in results), Decimal("0.00")),
        payouts=payouts,
        fees=fees,
        margin=revenue - payouts - fees,
        checksum=_checksum(inputs, fleet, results, findings, checksums),
    )


def _results(inputs: DayInputs, fleet: FleetBaseline) -> list[AwardResult]:
    """Of reactive power from its own side, all else from the fleet."""
    step_minutes, reactive = inputs.day.step_minutes, inputs.reactive
    results = settle_awards(inputs.award_days, fleet, inputs.owners, step_minutes)
    if reactive is None:
        return results
    return [
        settle_reactive(award, reactive.days[award.key], reactive.owners, step_minutes)
        if award.key in reactive.days
        else result
        for award, result in zip(inputs.award_days, results, strict=True)
    ]


def _fleet(inputs: DayInputs) -> FleetBaseline:
    if inputs.fleet is not None and inputs.event is not None:
        return fleet_baseline(inputs.fleet, inputs.event, inputs.context)
    outside = np.full(inputs.day.n_intervals, np.nan)
    nothing = np.zeros((len(inputs.devices), inputs.day.n_intervals))
    return FleetBaseline(nothing, outside, outside.copy(), ["not_called"] * len(inputs.devices))


def _input_findings(inputs: DayInputs) -> list[dict[str, Any]]:
    findings: list[dict[str, Any]] = []
    reactive = inputs.reactive
    if any(reactive is None or award.key not in reactive.days for award in inputs.award_days) and not len(
        inputs.devices
    ):
        findings.append({"finding": "no_nominated_devices"})
    owners = {*inputs.owners.owner_of, *(reactive.owners.owner_of if reactive else ())}
    without = sorted(owners - set(inputs.contracts))
    if without:
        findings.append({"finding": "owner_without_contract", "owners": [int(owner) for owner in without]})
    return findings


def floats_or_none(values: NDArray[np.float64]) -> list[float | None]:
    """An array for storage: NaN has no place in JSON or in a comparison."""
    return [None if np.isnan(value) else float(value) for value in values]


def _checksum(
    inputs: DayInputs,
    fleet: FleetBaseline,
    results: list[AwardResult],
    findings: list[dict[str, Any]],
    reading_checksums: list[str],
) -> str:
    """SHA-256 over everything that is stored, in a canonical text form without any row id of this result."""
    content = {
        "portfolio": inputs.portfolio.code,
        "date": inputs.day.date.isoformat(),
        "rules": {key: inputs.rules[key] for key in ("payment", "holidays", "event_days")},
        **({"terms": inputs.rules["terms"]} if inputs.rules["terms"] else {}),
        "profiles": [str(profile) for profile in inputs.profiles],
        "findings": findings,
        "fleet": [floats_or_none(fleet.baseline_kw), floats_or_none(fleet.metered_kw), fleet.status, fleet.explanation],
        "readings": reading_checksums,
        "awards": [_award_content(result) for result in results],
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _award_content(result: AwardResult) -> dict[str, Any]:
    return {
        "key": result.key,
        "kw": [floats_or_none(result.committed_kw), floats_or_none(result.delivered_kw)],
        "kwh": [str(result.committed_kwh), str(result.delivered_kwh)],
        "components": {name: str(amount) for name, amount in result.revenue.components.items()},
        "penalty": str(result.revenue.penalty),
        "devices": [str(kwh) for kwh in result.device_kwh],
        "credits": [[c.owner, c.gross_cents, c.paid_cents, c.fee_cents] for c in result.credits],
        "device_cents": dict(result.device_cents),
        **{name: told for name, told in result.revenue.detail.items() if name == "reactive"},
    }
