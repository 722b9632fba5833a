"""The address book: who may send to us, with which keys, and where our messages go."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from vpp.accounts.models import Participant
from vpp.accounts.operations import audit, ensure_participant
from vpp.lib.errors import NotFound
from vpp.uftp.keys import clean_public_key, seal_secret
from vpp.uftp.models import Counterparty, CounterpartyKey

OVERLAP = timedelta(days=7)  # while both keys of a change are good


class UnknownCounterparty(NotFound):
    code = "unknown_counterparty"


@dataclass(frozen=True)
class Entry:
    """What is known of a counterparty; `participant` is the utility that it speaks for."""

    domain: str
    role: str
    participant: str
    endpoint: str
    public_key: str
    name: str = ""
    version: str = "3.1.0"
    oauth: tuple[str, str, str] | None = None
    eans: dict[str, str] = field(default_factory=dict)


@transaction.atomic
def add_counterparty(entry: Entry, *, at: datetime, actor: object) -> Counterparty:
    """A new line, or an existing one with new facts; a key that is not known takes the place of those it has."""
    utility = ensure_participant(
        code=entry.participant, name=entry.name or entry.participant, kind=Participant.Kind.UTILITY
    )
    url, client_id, secret = entry.oauth or ("", "", "")
    counterparty, _ = Counterparty.objects.update_or_create(
        domain=entry.domain.lower(),
        role=entry.role,
        defaults={
            "participant": utility,
            "endpoint": entry.endpoint,
            "version": entry.version,
            "oauth_url": url,
            "oauth_client_id": client_id,
            "oauth_secret_sealed": seal_secret(secret) if secret else "",
            "eans": entry.eans,
        },
        create_defaults={
            "participant": utility,
            "endpoint": entry.endpoint,
            "version": entry.version,
            "oauth_url": url,
            "oauth_client_id": client_id,
            "oauth_secret_sealed": seal_secret(secret) if secret else "",
            "eans": entry.eans,
            "created_at": at,
        },
    )
    _end_others(counterparty, entry.public_key, at, OVERLAP)
    _add_key(counterparty, entry.public_key, at)
    audit(at=at, actor=actor, action="counterparty.added", subject=counterparty, after={"endpoint": entry.endpoint})
    return counterparty


@transaction.atomic
def rotate_key(
    *, domain: str, role: str, public_key: str, at: datetime, actor: object, overlap: timedelta = OVERLAP
) -> CounterpartyKey:
    """A new key from now on; the old ones end after the overlap. Raises UnknownCounterparty or BadKey."""
    counterparty = Counterparty.objects.filter(domain=domain.lower(), role=role).first()
    if counterparty is None:
        raise UnknownCounterparty(f"there is no {role} {domain} in the address book")
    _end_others(counterparty, public_key, at, overlap)
    key = _add_key(counterparty, public_key, at)
    audit(at=at, actor=actor, action="counterparty.key_changed", subject=counterparty, after={"key": key.public_key})
    return key


def _end_others(counterparty: Counterparty, public_key: str, at: datetime, overlap: timedelta) -> None:
    """Of two keys in use at most one has no end."""
    others = counterparty.keys.filter(valid_until__isnull=True).exclude(public_key=clean_public_key(public_key))
    others.update(valid_until=Greatest(F("valid_from"), Value(at + overlap)))  # one that was to begin later never does


def _add_key(counterparty: Counterparty, public_key: str, at: datetime) -> CounterpartyKey:
    """A key that had ended is good again."""
    key, _ = CounterpartyKey.objects.update_or_create(
        counterparty=counterparty,
        public_key=clean_public_key(public_key),
        defaults={"valid_until": None},
        create_defaults={"valid_from": at},
    )
    return key


def find_counterparty(domain: str, role: str) -> Counterparty | None:
    return Counterparty.objects.select_related("participant").filter(domain=domain, role=role).first()
