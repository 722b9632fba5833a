"""Prices with the moment they became known."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models

from bidding.wholesale.models.products import Product


class PriceQuerySet(models.QuerySet):
    def known_at(self, moment: datetime) -> Self:
        return self.filter(available_at__lte=moment)


class Price(models.Model):
    """A price as published at one moment; a correction is a new row with a later `available_at`."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="prices")
    interval_start = models.DateTimeField()
    price = models.FloatField(help_text="EUR/MWh, or EUR/MW/h for capacity")
    source = models.CharField(max_length=80, help_text='as "modelled price" or the name of a file')
    available_at = models.DateTimeField()

    objects = PriceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "interval_start", "available_at"], name="price_once_a_moment"),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} {self.interval_start:%Y-%m-%d %H:%M} {self.price}"
