"""Weather forecasts as they were issued."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from forecasting.fields import PackedArrayField


class WeatherForecast(models.Model):
    """One variable of one weather forecast of a zone: values of equal steps from `start` on.

    What was issued at which moment is kept, so that a forecast of a past day sees the weather that was expected then.
    """

    zone_code = models.CharField(max_length=40)
    variable = models.CharField(max_length=40, help_text="name with its unit, for example temperature_c")
    issued_at = models.DateTimeField()
    start = models.DateTimeField(help_text="start of the first interval, UTC")
    step_minutes = models.PositiveSmallIntegerField(default=60)
    values = PackedArrayField(dtype="<f4")
    available_at = models.DateTimeField(help_text="when it was stored")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["zone_code", "variable", "issued_at"], name="weather_one_a_variable_and_issue"
            ),
            models.CheckConstraint(
                condition=Q(step_minutes__in=[15, 30, 60]), name="weather_step_of_15_30_or_60_minutes"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.variable} of {self.zone_code} issued {self.issued_at:%Y-%m-%d %H:%MZ}"
