"""How cautious the night is, by zone or portfolio; and the documents that went to a market, with its answers."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from bidding.wholesale.models import Market
from vpp.enrollment.models import Portfolio


class RiskSetting(models.Model):
    """The weight of the worst days in the nightly run; a portfolio's own goes before its zone's."""

    zone_code = models.CharField(max_length=40)
    portfolio = models.ForeignKey(
        Portfolio, null=True, blank=True, on_delete=models.PROTECT, related_name="risk_settings",
        help_text="empty: every portfolio of the zone that has none of its own",
    )  # fmt: skip
    beta = models.FloatField(help_text="0: the expected profit alone; 1: the mean of the worst days alone")
    alpha = models.FloatField(default=0.9, help_text="the worst 1 - alpha of the price scenarios are averaged")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["zone_code", "portfolio"], nulls_distinct=False, name="risk_setting_once_a_portfolio"
            ),
            models.CheckConstraint(
                condition=Q(beta__gte=0, beta__lte=1, alpha__gte=0, alpha__lt=1), name="risk_setting_shares"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.portfolio or self.zone_code}: {self.beta:g} of the worst {1 - self.alpha:.0%}"


class MarketDocument(models.Model):
    """One revision of a document as it was sent, and what the market acknowledged of it."""

    class State(models.TextChoices):
        SENT = "SENT", "sent"
        ACCEPTED = "ACCEPTED", "accepted"
        PARTLY = "PARTLY", "accepted in part"
        REJECTED = "REJECTED", "rejected"

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="documents")
    delivery_date = models.DateField()
    mrid = models.CharField(max_length=60, help_text="of the document")
    revision = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.SENT)
    series = models.JSONField(help_text="mRID of each time series: natural key of its bid")
    checksum = models.CharField(max_length=64, help_text="SHA-256 of the text that was sent")
    sent_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    acknowledgement_mrid = models.CharField(max_length=60, blank=True)
    reasons = models.JSONField(default=list, blank=True, help_text="[{series, code, text}]; series empty: the document")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mrid", "revision"], name="market_document_revision_once"),
            models.CheckConstraint(condition=Q(revision__gte=1), name="market_document_revision_from_1"),
        ]

    def __str__(self) -> str:
        return f"{self.mrid} r{self.revision}"
