"""What was learned, by version, and what must not be learned from."""

from __future__ import annotations

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models

from forecasting.fields import PackedArrayField
from forecasting.models.flexibility import EnvelopeQuerySet
from vpp.enrollment.models import Device


class DispatchedPeriod(models.Model):
    """A period in which a device followed the plant instead of itself; forecasts leave it out of their training.

    Written by the rooms to the right that dispatch or curtail.
    """

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+")
    period = DateTimeRangeField(help_text="UTC, half-open")
    source = models.CharField(max_length=200, help_text="what moved the device, for example an award")
    available_at = models.DateTimeField()

    objects = EnvelopeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "period", "source"], name="dispatched_period_once"),
        ]

    def __str__(self) -> str:
        return f"{self.device_id} dispatched {self.period}"


class Estimator(models.Model):
    """A fitted model as plain numbers: ARIMA parameters of a sum, or the trees of a class's gradient model.

    The newest version that is not withdrawn is used; withdrawing one rolls back to the one before it.
    """

    series_key = models.CharField(max_length=200)
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    parameters = models.JSONField()
    numbers = PackedArrayField(
        dtype="<f8", null=True, blank=True, help_text="node tables of the trees, see forecasting.kernels.trees"
    )
    data_until = models.DateTimeField()
    fitted_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = EnvelopeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series_key", "version"], name="estimator_versions_count_up"),
        ]

    def __str__(self) -> str:
        return f"{self.series_key} v{self.version}"
