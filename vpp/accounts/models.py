"""Who may see and do what: participants, staff, API clients, and the append-only trail of changed promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from collections.abc import Sequence


class Participant(models.Model):
    """An organisation or person: the aggregator, a utility, an asset owner, a market operator.

    It lives here and not in enrollment because every query starts from "what may this participant see".
    """

    class Kind(models.TextChoices):
        AGGREGATOR = "AGGREGATOR", "aggregator"
        UTILITY = "UTILITY", "utility"
        OWNER = "OWNER", "asset owner"
        MARKET = "MARKET", "market operator"

    code = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=Kind)

    def __str__(self) -> str:
        return self.code


class Principal(Protocol):
    """Whoever a request comes from: a User or an ApiClient."""

    @property
    def participant(self) -> Participant | None: ...

    @property
    def sees_all(self) -> bool:
        """True for the aggregator's own staff and programs."""
        ...

    def has_scope(self, scope: str) -> bool: ...


class User(AbstractUser):
    """A person who logs in."""

    class Role(models.TextChoices):
        VIEWER = "VIEWER", "viewer"
        OPERATOR = "OPERATOR", "operator"
        TRADER = "TRADER", "trader"
        SETTLEMENT = "SETTLEMENT", "settlement"
        GRID = "GRID", "grid"
        ADMIN = "ADMIN", "administrator"
        UTILITY_PLANNER = "UTILITY_PLANNER", "utility planner"
        UTILITY_APPROVER = "UTILITY_APPROVER", "utility approver"
        OWNER = "OWNER", "owner"

    participant = models.ForeignKey(Participant, null=True, blank=True, on_delete=models.PROTECT, related_name="users")
    role = models.CharField(max_length=20, choices=Role, default=Role.VIEWER)

    @property
    def sees_all(self) -> bool:
        if self.is_superuser:
            return True
        return self.participant is not None and self.participant.kind == Participant.Kind.AGGREGATOR

    def has_scope(self, scope: str) -> bool:
        return self.is_active and (self.is_superuser or scope in ROLE_SCOPES.get(self.role, ()))


ROLE_SCOPES: dict[str, Sequence[str]] = {
    User.Role.VIEWER: ("read",),
    User.Role.OPERATOR: ("read", "telemetry:write", "dispatch:read", "devices:write", "bids:write"),
    User.Role.TRADER: ("read", "awards:write", "bids:write"),
    User.Role.SETTLEMENT: ("read", "statements:write"),
    User.Role.GRID: ("read", "asks:write"),
    User.Role.ADMIN: (
        "read", "telemetry:write", "dispatch:read", "devices:write", "asks:write", "awards:write", "statements:write",
        "bids:write",
    ),
    User.Role.UTILITY_PLANNER: ("read", "asks:write"),
    User.Role.UTILITY_APPROVER: ("read", "asks:write"),
    User.Role.OWNER: ("read", "devices:write", "statements:write"),
}  # fmt: skip


SCOPES: dict[str, str] = {
    "read": "read what is yours",
    "telemetry:write": "send readings",
    "dispatch:read": "read setpoints and acknowledge them",
    "devices:write": "change devices and their owners' terms",
    "asks:write": "ask for flexibility, accept and reject bids",
    "awards:write": "post market results, revoke bids",
    "bids:write": "hold, edit and release bids",
    "statements:write": "accept or dispute statements",
}


class ApiClient(models.Model):
    """A program of a participant. Only a hash of its token is kept; the token is shown once, when it is made."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="api_clients")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    token_hash = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    oauth_client_id = models.CharField(
        max_length=100, null=True, blank=True, unique=True, help_text="of its OAuth2 application, if it has one"
    )
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    # What Django REST framework asks of request.user.
    is_authenticated = True
    is_anonymous = False

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["participant", "name"], name="api_client_name_once_a_participant")
        ]

    def __str__(self) -> str:
        return f"{self.participant.code}/{self.name}"

    @property
    def is_active(self) -> bool:
        return self.active

    @property
    def sees_all(self) -> bool:
        return self.participant.kind == Participant.Kind.AGGREGATOR

    def has_scope(self, scope: str) -> bool:
        return scope in self.scopes


class AuditEvent(models.Model):
    """A change of a promise (bid, commit, setpoint, journal, role). A trigger refuses update and delete."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    action = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=60)
    subject_key = models.CharField(max_length=200)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.TextField(blank=True)
    participant = models.ForeignKey(Participant, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["subject_type", "subject_key", "at"], name="audit_of_one_subject"),
            models.Index(fields=["-at"], name="audit_newest_first"),
        ]
        constraints = [models.CheckConstraint(condition=~Q(action=""), name="audit_names_its_action")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.subject_type} {self.subject_key}"


class LoginThrottle(models.Model):
    """Failed logins in a row of a name or an address (`name:ada`, `address:10.0.0.1`)."""

    key = models.CharField(max_length=200, unique=True)
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.key}: {self.failures}"
