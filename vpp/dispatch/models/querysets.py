"""Who sees which rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class OfDeviceQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; for an owner those of their own devices."""
        if principal.sees_all:
            return self
        return self.filter(device__site__owner=principal.participant)
