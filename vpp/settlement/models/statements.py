"""What owners are told and paid: statements with gapless numbers, bank accounts, payment files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from vpp.accounts.models import Participant
from vpp.settlement.models.ledger import Journal, Payout

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class NumberSeries(models.Model):
    """The last number given of a series. It is taken under a row lock in the transaction that uses it: no gaps."""

    name = models.CharField(max_length=40, primary_key=True)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "number series"

    def __str__(self) -> str:
        return f"{self.name}: {self.last}"


class StatementQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; an owner's own, once they are final."""
        if principal.sees_all:
            return self
        return self.filter(owner=principal.participant).exclude(state=Statement.State.PROVISIONAL)


class Statement(models.Model):
    """An owner's earnings of a period, as known at `as_of`. A later version shows what changed since the one before."""

    class State(models.TextChoices):
        PROVISIONAL = "PROVISIONAL", "provisional"
        FINAL = "FINAL", "final"
        DISPUTED = "DISPUTED", "disputed"
        ACCEPTED = "ACCEPTED", "accepted"
        PAID = "PAID", "paid"
        RESTATED = "RESTATED", "replaced by a later version"

    STEPS = {
        State.PROVISIONAL: (State.FINAL, State.RESTATED),
        State.FINAL: (State.ACCEPTED, State.DISPUTED, State.RESTATED),
        State.DISPUTED: (State.ACCEPTED, State.RESTATED),
        State.ACCEPTED: (State.PAID, State.RESTATED),
        State.PAID: (State.RESTATED,),
        State.RESTATED: (),
    }

    owner = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="statements")
    first_date = models.DateField()
    last_date = models.DateField()
    version = models.PositiveIntegerField(default=1)
    number = models.PositiveIntegerField(null=True, blank=True, unique=True, help_text="given when it becomes final")
    state = models.CharField(max_length=12, choices=State, default=State.PROVISIONAL)
    currency = models.CharField(max_length=3)
    previous_total = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    total = models.DecimalField(max_digits=14, decimal_places=2)
    difference = models.DecimalField(max_digits=14, decimal_places=2, help_text="total less previous total")
    as_of = models.DateTimeField()

    objects = StatementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "first_date", "last_date", "currency", "version"], name="statement_version_once"
            ),
            models.CheckConstraint(
                condition=Q(difference=F("total") - F("previous_total")), name="statement_difference_adds_up"
            ),
            models.CheckConstraint(condition=Q(last_date__gte=F("first_date")), name="statement_period_in_order"),
            models.CheckConstraint(
                condition=Q(state__in=["PROVISIONAL", "RESTATED"]) | Q(number__isnull=False),
                name="statement_final_has_number",
            ),
        ]
        indexes = [models.Index(fields=["state"], name="statements_by_state")]

    def __str__(self) -> str:
        return f"{self.number or 'provisional'} v{self.version}"


class StatementLine(models.Model):
    """One award's payout to the owner, over all versions of its run known then."""

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="lines")
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="+", help_text="of the newest version")
    delivery_date = models.DateField()
    award = models.CharField(max_length=200)
    gross = models.DecimalField(max_digits=14, decimal_places=2)
    fee = models.DecimalField(max_digits=14, decimal_places=2)
    amount = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["statement", "payout"], name="statement_line_once")]

    def __str__(self) -> str:
        return f"{self.delivery_date} {self.award}: {self.amount}"


class StatementEvent(models.Model):
    """A step of a statement, with its reason."""

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="events")
    state = models.CharField(max_length=12, choices=Statement.State)
    at = models.DateTimeField()
    reason = models.CharField(max_length=400, blank=True)

    def __str__(self) -> str:
        return f"{self.statement_id}: {self.state}"


class BankAccount(models.Model):
    """Where an owner is paid."""

    owner = models.OneToOneField(Participant, on_delete=models.PROTECT, related_name="bank_account")
    holder = models.CharField(max_length=70)
    iban = models.CharField(max_length=34)
    bic = models.CharField(max_length=11, blank=True)

    def __str__(self) -> str:
        return f"{self.holder} ...{self.iban[-4:]}"


class PaymentFile(models.Model):
    """One ISO 20022 pain.001 message for the bank; written once."""

    message_id = models.CharField(max_length=35, unique=True)
    created_at = models.DateTimeField()
    execution_date = models.DateField()
    currency = models.CharField(max_length=3)
    count = models.PositiveIntegerField()
    total = models.DecimalField(max_digits=14, decimal_places=2)
    xml = models.TextField()

    def __str__(self) -> str:
        return self.message_id


class Payment(models.Model):
    """What one payment file pays on one statement: its total less what was paid on the owner's period before, below
    zero where that was more and is taken off the owner's transfer."""

    file = models.ForeignKey(PaymentFile, on_delete=models.PROTECT, related_name="payments")
    statement = models.OneToOneField(Statement, on_delete=models.PROTECT, related_name="payment")
    journal = models.OneToOneField(Journal, on_delete=models.PROTECT, related_name="payment")
    amount = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(amount=0), name="payment_of_something")]

    def __str__(self) -> str:
        return f"{self.statement_id}: {self.amount}"
