"""The ledger's journals for an export."""

from __future__ import annotations

from datetime import UTC, date

from django.db.models.functions import Coalesce, TruncDate

from vpp.settlement.kernels.books import Account, Entry
from vpp.settlement.models import JournalLine


def ledger_entries(first: date, last: date) -> list[Entry]:
    """The journals of the delivery days from first to last, and the payments booked on them (UTC), oldest first."""
    rows = (
        JournalLine.objects.annotate(
            day=Coalesce("journal__run__delivery_date", TruncDate("journal__booked_at", tzinfo=UTC))
        )
        .filter(day__range=(first, last))
        .order_by("day", "journal_id", "number")
        .values_list(
            "journal_id",
            "day",
            "journal__natural_key",
            "journal__description",
            "account__kind",
            "account__participant__code",
            "amount",
            "currency",
        )
    )
    entries: dict[int, Entry] = {}
    for journal_id, day, key, description, kind, owner, amount, currency in rows.iterator(chunk_size=5000):
        entry = entries.setdefault(journal_id, Entry(day, key, description, []))
        assert isinstance(entry.postings, list)
        entry.postings.append((Account(kind, owner or ""), amount, currency))
    return list(entries.values())
