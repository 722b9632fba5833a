"""Who sees which rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class OfDeviceQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; for an owner those of their own devices."""
        if principal.sees_all:
            return self
        return self.filter(device__site__owner=principal.participant)


class SetpointQuerySet(OfDeviceQuerySet):
    def with_ids(self, ids: Collection[int]) -> Self:
        """Those of some ids. The index on ids knows ranges only, so the range is named beside them; `id + 0`, or the
        planner would search that index once for each of them."""
        if not ids:
            return self.none()
        return self.alias(number=F("pk") + 0).filter(pk__gte=min(ids), pk__lte=max(ids), number__in=ids)
