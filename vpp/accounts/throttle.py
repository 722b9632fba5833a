"""Guessing passwords takes long: after a few failures in a row a name, and an address, has to wait.

OWASP ASVS 4.0.3, 2.2.1. The state is in the database, so that it holds for all web processes together.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from vpp.accounts.models import LoginThrottle

FREE = {"name": 5, "address": 30}  # failures in a row before waiting begins
FIRST_WAIT_S, LONGEST_WAIT_S = 30, 900
FORGOTTEN_AFTER = timedelta(hours=24)


def keys_of(name: str, address: str) -> list[str]:
    """What a try counts for; nothing is kept of the name but itself, cut to a length."""
    return [f"name:{name.strip().lower()[:150]}", f"address:{address[:60]}"]


def waiting_s(keys: Iterable[str], at: datetime) -> int:
    """How long this name or address still has to wait; 0: it may try."""
    locked = LoginThrottle.objects.filter(key__in=list(keys), locked_until__gt=at).values_list(
        "locked_until", flat=True
    )
    return max((int((until - at).total_seconds()) + 1 for until in locked if until), default=0)


@transaction.atomic
def note_failure(keys: Iterable[str], at: datetime) -> None:
    """Count a wrong try; each one beyond the free ones doubles the wait, up to a quarter of an hour."""
    for key in keys:
        LoginThrottle.objects.get_or_create(key=key, defaults={"last_at": at})
        row = LoginThrottle.objects.select_for_update().get(key=key)
        row.failures = 1 if at - row.last_at > FORGOTTEN_AFTER else row.failures + 1
        beyond = row.failures - FREE[key.partition(":")[0]]
        if beyond >= 0:
            wait_s = min(FIRST_WAIT_S * 2 ** min(beyond, 10), LONGEST_WAIT_S)
            row.locked_until = at + timedelta(seconds=wait_s)
        row.last_at = at
        row.save()


def note_success(keys: Iterable[str]) -> None:
    LoginThrottle.objects.filter(key__in=list(keys)).delete()
