"""The ledger's accounts, opened when they are first needed."""

from __future__ import annotations

from collections.abc import Iterable

from vpp.settlement.models import LedgerAccount


class Accounts:
    """Account ids by kind and owner; asks the database once per kind."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int | None], int] = {}

    def platform(self, kind: str) -> int:
        """The one account of a platform-wide kind."""
        if (kind, None) not in self._found:
            account, _ = LedgerAccount.objects.get_or_create(code=kind, defaults={"kind": kind})
            self._found[kind, None] = account.pk
        return self._found[kind, None]

    def owners(self, owner_ids: Iterable[int]) -> dict[int, int]:
        """The payable account of each owner."""
        kind = LedgerAccount.Kind.OWNER_PAYABLE
        missing = {owner_id for owner_id in owner_ids if (kind, owner_id) not in self._found}
        if missing:
            LedgerAccount.objects.bulk_create(
                (
                    LedgerAccount(code=f"{kind}:{owner_id}", kind=kind, participant_id=owner_id)
                    for owner_id in sorted(missing)
                ),
                ignore_conflicts=True,
            )
            rows = LedgerAccount.objects.filter(kind=kind, participant__in=missing)
            self._found.update({(kind, owner): account for owner, account in rows.values_list("participant_id", "pk")})
        return {
            owner: account for (found, owner), account in self._found.items() if found == kind and owner is not None
        }
