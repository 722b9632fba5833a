"""What accounts does: makes participants, users and API clients, and writes the audit trail."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from vpp.accounts.models import ApiClient, AuditEvent, Participant, User

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.db import models

TOKEN_PREFIX = "vpp"


def actor_name(principal: object) -> str:
    """How the trail names whoever acts: a user, an API client, or a part of the service itself."""
    if isinstance(principal, ApiClient):
        return f"client:{principal}"
    if isinstance(principal, User):
        return f"user:{principal.username}"
    return str(principal)


def audit(
    *,
    at: datetime,
    actor: object,
    action: str,
    subject: models.Model,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> AuditEvent:
    """Append one event to the trail, in the caller's transaction."""
    event = _event(at, actor, action, subject)
    event.before, event.after, event.reason = before, after, reason
    event.save()
    return event


def audit_all(
    *, at: datetime, actor: object, action: str, subjects: Sequence[tuple[models.Model, dict[str, Any]]]
) -> None:
    """Append one event per (subject, what it is now), all at once."""
    events = [_event(at, actor, action, subject) for subject, _ in subjects]
    for event, (_, after) in zip(events, subjects, strict=True):
        event.after = after
    AuditEvent.objects.bulk_create(events)


def _event(at: datetime, actor: object, action: str, subject: models.Model) -> AuditEvent:
    return AuditEvent(
        at=at,
        actor=actor_name(actor),
        action=action,
        subject_type=subject._meta.label_lower,
        subject_key=str(subject.pk),
        participant=getattr(actor, "participant", None),
    )


def ensure_participant(*, code: str, name: str, kind: str) -> Participant:
    """The participant with this code; made if missing, renamed if the name changed. Its kind never changes."""
    participant, made = Participant.objects.get_or_create(code=code, defaults={"name": name, "kind": kind})
    if not made and participant.kind != kind:
        raise ValueError(f"participant {code} is a {participant.kind}, not a {kind}")
    if not made and participant.name != name:
        participant.name = name
        participant.save(update_fields=["name"])
    return participant


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def create_client(*, participant: Participant, name: str, scopes: Iterable[str], at: datetime) -> tuple[ApiClient, str]:
    """A client with a new token (`vpp_<prefix>_<secret>`); an existing client of that name gets a new one."""
    prefix = secrets.token_hex(6)
    token = f"{TOKEN_PREFIX}_{prefix}_{secrets.token_urlsafe(32)}"
    client, _ = ApiClient.objects.update_or_create(
        participant=participant,
        name=name,
        defaults={
            "prefix": prefix,
            "token_hash": hash_token(token),
            "scopes": list(scopes),
            "active": True,
            "created_at": at,
        },
    )
    audit(at=at, actor="service", action="client.created", subject=client, after={"scopes": list(scopes)})
    return client, token


def create_staff_user(*, username: str, participant: Participant, role: str, at: datetime) -> tuple[User, str]:
    """A console user with a one-time password; an existing user of that name gets a new password."""
    password = secrets.token_urlsafe(12)
    user, _ = User.objects.get_or_create(username=username)
    user.participant, user.role = participant, role
    user.is_staff = user.is_superuser = role == User.Role.ADMIN
    user.set_password(password)
    user.save()
    audit(at=at, actor="service", action="user.password_set", subject=user, after={"role": role})
    return user, password
