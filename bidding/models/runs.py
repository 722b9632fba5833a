"""Nightly runs: their steps and what they decided for each portfolio."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models

from forecasting.models import ForecastRun
from vpp.enrollment.models import Portfolio


class NightlyRunQuerySet(models.QuerySet):
    def nights(self) -> Self:
        """The runs of zones, without the new plans that single portfolios got after their results."""
        return self.exclude(natural_key__startswith=NightlyRun.REPLAN)


class NightlyRun(models.Model):
    """The bids of one zone and delivery day, from data check to submission; its key makes it happen once."""

    class State(models.TextChoices):
        RUNNING = "RUNNING", "running"
        DONE = "DONE", "done"
        DEGRADED = "DEGRADED", "done, with shortfalls or a fallback"
        FAILED = "FAILED", "failed"

    REPLAN = "replan:"  # how the keys of a single portfolio's new plan begin

    natural_key = models.CharField(max_length=120, unique=True)
    zone_code = models.CharField(max_length=40)
    delivery_date = models.DateField()
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    gate_at = models.DateTimeField(help_text="the first gate of its markets")
    data_as_of = models.DateTimeField(help_text="what the run may know; the same after a resume")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = NightlyRunQuerySet.as_manager()

    def __str__(self) -> str:
        return self.natural_key


class NightlyStep(models.Model):
    """One step of a run with what it found; a finished step is not done again."""

    class State(models.TextChoices):
        RUNNING = "RUNNING", "running"
        DONE = "DONE", "done"
        DEGRADED = "DEGRADED", "done, with findings"
        FAILED = "FAILED", "failed"

    run = models.ForeignKey(NightlyRun, on_delete=models.PROTECT, related_name="steps")
    name = models.CharField(max_length=20)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    duration_s = models.FloatField(null=True, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="nightly_step_once_a_run")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.name} {self.state}"


class PlannedDay(models.Model):
    """What a run decided for one portfolio: first the safe fallback, then the optimised plan in its place.

    positions: {"sell_kw", "buy_kw": [H], "reserve_kw": {product: [H]}, "ask_kw": {ask id: [H]}, "ask_price": {ask id:
    EUR/MWh}}
    """

    class Kind(models.TextChoices):
        FALLBACK = "FALLBACK", "simple rule, no solver"
        OPTIMISED = "OPTIMISED", "optimised"

    run = models.ForeignKey(NightlyRun, on_delete=models.PROTECT, related_name="planned_days")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="planned_days")
    forecast_run = models.ForeignKey(
        ForecastRun, null=True, blank=True, on_delete=models.PROTECT, related_name="planned_days"
    )
    kind = models.CharField(max_length=9, choices=Kind, default=Kind.FALLBACK)
    status = models.CharField(max_length=12, help_text="optimal, feasible, degraded or fallback")
    positions = models.JSONField()
    capacity_up_kw = ArrayField(models.FloatField())
    capacity_down_kw = ArrayField(models.FloatField())
    recovery_kw = ArrayField(models.FloatField(), help_text="movement outside promised hours, up positive")
    shortfalls = models.JSONField(default=list)
    expected_profit = models.FloatField(default=0.0, help_text="EUR, at the expected prices; not a booked amount")
    gap = models.FloatField(null=True, blank=True)
    solver = models.JSONField(default=dict)
    settled = models.BooleanField(default=False, help_text="the optimisation has had its turn, whatever came of it")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "portfolio"], name="planned_day_once_a_portfolio")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.portfolio_id} {self.kind}"
