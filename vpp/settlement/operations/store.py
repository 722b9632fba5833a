"""Writing a run: its performances, its journals and its payouts, all in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from bidding.models import Award
from telemetry.queries import interval_checksums
from vpp.enrollment.queries import DeviceTable
from vpp.lib.money import from_cents
from vpp.settlement.kernels.contracts import Owners
from vpp.settlement.kernels.day import AwardResult
from vpp.settlement.models import (
    BaselineProfile,
    DevicePerformance,
    Journal,
    Payout,
    Performance,
    ReferenceDay,
    SettlementRun,
)
from vpp.settlement.operations.accounts import Accounts
from vpp.settlement.operations.copying import copy_rows
from vpp.settlement.operations.journals import post_differences
from vpp.settlement.operations.outcome import Outcome, floats_or_none
from vpp.settlement.queries import DayInputs
from vpp.settlement.queries.inputs import owner_key
from vpp.settlement.queries.ledger import paid_totals, posted_amounts

CURRENCY = "EUR"
DEVICE_FIELDS = (
    "run", "award", "device", "profile", "status", "delivered_kwh", "available_kw", "weight", "credit",
    "reading_checksum",
)  # fmt: skip
PAYOUT_FIELDS = (
    "run", "performance", "owner", "contract", "gross", "fee", "total", "amount", "currency", "journal",
)  # fmt: skip
ZERO = Decimal("0.00")


def store_outcome(inputs: DayInputs, outcome: Outcome, *, version: int) -> SettlementRun:
    """Store a computed day as a version of its run; posts what differs from all that was posted before."""
    run = SettlementRun.objects.create(
        portfolio=inputs.portfolio,
        delivery_date=inputs.day.date,
        version=version,
        as_of=inputs.as_of,
        state=SettlementRun.State.DEGRADED if outcome.findings else SettlementRun.State.OK,
        currency=_currency(inputs.awards),
        revenue=outcome.revenue,
        penalty=outcome.penalty,
        payouts=outcome.payouts,
        fees=outcome.fees,
        margin=outcome.margin,
        findings=outcome.findings,
        rules=inputs.rules,
        checksum=outcome.checksum,
    )
    read_dates = outcome.fleet.read_dates | {inputs.day.date}
    ReferenceDay.objects.bulk_create(ReferenceDay(run=run, date=day) for day in sorted(read_dates))
    writer = _Writer(inputs, outcome, run, Accounts())
    for award, result in zip(inputs.awards, outcome.results, strict=True):
        writer.store_award(award, result)
    return run


def _currency(awards: list[Award]) -> str:
    return awards[0].bid.product.market.currency if awards else CURRENCY


@dataclass(frozen=True)
class _Side:
    """The devices of an award, each with its profile, the state of its baseline and what was read of it."""

    devices: DeviceTable
    owners: Owners
    profiles: list[BaselineProfile]
    status: list[str]
    checksums: list[str]


@dataclass(frozen=True)
class _Writer:
    """The rows of one run."""

    inputs: DayInputs
    outcome: Outcome
    run: SettlementRun
    accounts: Accounts

    def store_award(self, award: Award, result: AwardResult) -> None:
        performance = self._performance(award, result)
        copy_rows(DevicePerformance, DEVICE_FIELDS, self._device_rows(award, result))
        journal = post_differences(performance, result, self.accounts, posted_amounts([award.pk]))
        copy_rows(Payout, PAYOUT_FIELDS, self._payout_rows(performance, result, journal))

    def _performance(self, award: Award, result: AwardResult) -> Performance:
        fleet = self.outcome.fleet
        return Performance.objects.create(
            run=self.run,
            award=award,
            product_kind=award.bid.product.kind,
            committed_kw=floats_or_none(result.committed_kw),
            delivered_kw=floats_or_none(result.delivered_kw),
            baseline_kw=floats_or_none(fleet.baseline_kw),
            metered_kw=floats_or_none(fleet.metered_kw),
            committed_kwh=result.committed_kwh,
            delivered_kwh=result.delivered_kwh,
            share=result.share,
            raw_share=result.raw_share,
            revenue=result.revenue.amount,
            penalty=result.revenue.penalty,
            currency=award.bid.product.market.currency,
            components={name: str(amount) for name, amount in result.revenue.components.items()},
            explanation={
                "nominated_devices": len(result.weights),
                "baselines": fleet.explanation,
                "weights": result.weight_basis,
                "owners_pool": str(result.pool),
                "portfolio_effect": str(result.portfolio_effect),
                **result.revenue.detail,
            },
        )

    def _device_rows(self, award: Award, result: AwardResult) -> Iterator[tuple[object, ...]]:
        """In the order of DEVICE_FIELDS."""
        part = self._side(award)
        for row, device_id in enumerate(part.devices.device_id.tolist()):
            yield (
                self.run.pk,
                award.pk,
                device_id,
                part.profiles[row].pk,
                part.status[row],
                result.device_kwh[row],
                part.owners.available_kw[row],
                result.weights[row],
                from_cents(result.device_cents[part.devices.code[row]]),
                part.checksums[row],
            )

    def _side(self, award: Award) -> _Side:
        """The nominated devices, or those asked for reactive power, which have no baseline."""
        inputs, reactive = self.inputs, self.inputs.reactive
        if reactive is None or award.source_reference not in reactive.days:
            fleet, checksums = self.outcome.fleet, self.outcome.reading_checksums
            return _Side(inputs.devices, inputs.owners, inputs.profiles, fleet.status, checksums)
        ids = reactive.devices.device_id
        checksums = interval_checksums(ids, inputs.day.start, inputs.day.end, as_of=inputs.as_of)
        return _Side(reactive.devices, reactive.owners, reactive.profiles, ["not_called"] * ids.size, checksums)

    def _payout_rows(
        self, performance: Performance, result: AwardResult, journal: Journal | None
    ) -> Iterator[tuple[object, ...]]:
        """In the order of PAYOUT_FIELDS."""
        before = paid_totals([performance.award_id])
        for credit in result.credits:
            owner_id, total = int(credit.owner), from_cents(credit.paid_cents)
            contract = self.inputs.contracts.get(owner_key(owner_id))
            yield (
                self.run.pk,
                performance.pk,
                owner_id,
                contract.pk if contract else None,
                from_cents(credit.gross_cents),
                from_cents(credit.fee_cents),
                total,
                total - before.get((performance.award_id, owner_id), ZERO),
                performance.currency,
                journal.pk if journal else None,
            )
