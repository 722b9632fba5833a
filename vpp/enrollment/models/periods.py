"""Rows that hold for a half-open period, one at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Value


def one_point_range(column: str) -> Func:
    """An id as a one-point int8range, so that an exclusion constraint needs no btree_gist extension."""
    return Func(F(column), F(column), Value("[]"), function="int8range")


def one_at_a_time(*, name: str, column: str) -> ExclusionConstraint:
    """No two rows of the same `column` may overlap in their `period`."""
    return ExclusionConstraint(
        name=name,
        expressions=[(one_point_range(column), RangeOperators.OVERLAPS), ("period", RangeOperators.OVERLAPS)],
    )


class PeriodQuerySet(models.QuerySet):
    """Rows that hold for a half-open `period`."""

    def active_at(self, moment: datetime) -> Self:
        return self.filter(period__contains=moment)
