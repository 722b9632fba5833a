"""Double entry. Journals and their lines are written once; a trigger lets no journal stand that does not balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import Func, Q, Value

from vpp.accounts.models import Participant
from vpp.enrollment.models import Contract
from vpp.settlement.models.results import Performance, SettlementRun

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class LedgerAccount(models.Model):
    """An account of the ledger. Debits are positive amounts, credits negative."""

    class Kind(models.TextChoices):
        MARKET_RECEIVABLE = "MARKET_RECEIVABLE", "owed by markets and utilities"
        OWNER_PAYABLE = "OWNER_PAYABLE", "owed to an owner"
        FEES = "FEES", "fees kept"
        MARGIN = "MARGIN", "platform revenue"
        PENALTIES = "PENALTIES", "penalties borne by the platform"
        PORTFOLIO_EFFECT = "PORTFOLIO_EFFECT", "revenue of the portfolio less that of its devices"
        CASH = "CASH", "bank"
        DISPUTES_HELD = "DISPUTES_HELD", "held back for a dispute"

    code = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=20, choices=Kind)
    participant = models.ForeignKey(
        Participant, null=True, blank=True, on_delete=models.PROTECT, related_name="ledger_accounts"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "participant"], nulls_distinct=False, name="ledger_account_once_a_participant"
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Journal(models.Model):
    """Lines that sum to zero in each currency. `natural_key` makes a repeat find the first one."""

    natural_key = models.CharField(max_length=200, unique=True)
    run = models.ForeignKey(
        SettlementRun,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="journals",
        help_text="none: paid",
    )
    performance = models.ForeignKey(
        Performance, null=True, blank=True, on_delete=models.PROTECT, related_name="journals"
    )
    booked_at = models.DateTimeField()
    description = models.CharField(max_length=200)
    line_count = models.PositiveIntegerField(help_text="how many lines it has; none can be added later")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(line_count__gte=2), name="journal_has_two_lines")]

    def __str__(self) -> str:
        return self.natural_key


class JournalLine(models.Model):
    """One amount on one account; debit positive."""

    journal = models.ForeignKey(Journal, on_delete=models.PROTECT, related_name="lines")
    number = models.PositiveIntegerField()
    account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="lines")
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["journal", "number"], name="journal_line_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="journal_line_number_from_1"),
        ]

    def __str__(self) -> str:
        return f"{self.journal_id}/{self.number}: {self.amount} {self.currency}"


class LedgerPeriod(models.Model):
    """A closed period of booking dates (UTC): nothing can be booked in it any more. Written once."""

    first_date = models.DateField()
    last_date = models.DateField()
    closed_at = models.DateTimeField()
    balances = models.JSONField(help_text="per account: code, currency, balance of the period")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(last_date__gte=models.F("first_date")), name="ledger_period_in_order"),
            ExclusionConstraint(
                name="ledger_periods_do_not_overlap",
                expressions=[
                    (Func("first_date", "last_date", Value("[]"), function="daterange"), RangeOperators.OVERLAPS)
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_date} to {self.last_date}"


class PayoutQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; an owner's own; nothing for others."""
        if principal.sees_all:
            return self
        return self.filter(owner=principal.participant)


class Payout(models.Model):
    """What one owner earns from one award. `amount` is what this run posts, `total` what all versions add up to."""

    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="owner_payouts")
    performance = models.ForeignKey(Performance, on_delete=models.PROTECT, related_name="owner_payouts")
    owner = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="payouts")
    contract = models.ForeignKey(
        Contract, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="none: nothing is paid"
    )
    journal = models.ForeignKey(
        Journal,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="payouts",
        help_text="none: posts nothing",
    )
    gross = models.DecimalField(max_digits=14, decimal_places=2, help_text="the owner's part of the award's revenue")
    fee = models.DecimalField(max_digits=14, decimal_places=2)
    total = models.DecimalField(max_digits=14, decimal_places=2)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)

    objects = PayoutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "performance", "owner"], name="payout_once_an_award"),
            models.CheckConstraint(condition=Q(total__gte=0), name="payout_total_not_negative"),
            models.CheckConstraint(
                condition=Q(amount=0) | Q(journal__isnull=False), name="payout_amount_is_in_a_journal"
            ),
        ]
        indexes = [models.Index(fields=["owner", "run"], name="payouts_of_an_owner")]

    def __str__(self) -> str:
        return f"{self.owner_id}: {self.amount} {self.currency} in run {self.run_id}"
