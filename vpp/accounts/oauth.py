"""OAuth2 client credentials: an application of django-oauth-toolkit stands for one API client and its scopes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from oauth2_provider.scopes import BaseScopes

from vpp.accounts.models import SCOPES, ApiClient, Participant
from vpp.accounts.operations import audit, create_client


class ClientScopes(BaseScopes):
    """A client may have its own scopes and no others; without a wish it gets all of them."""

    def get_all_scopes(self) -> dict[str, str]:
        return SCOPES

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        if application is None:
            return list(SCOPES)
        client = ApiClient.objects.filter(oauth_client_id=application.client_id, active=True).first()
        return list(client.scopes) if client else []

    def get_default_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        return self.get_available_scopes(application, request)


@transaction.atomic
def create_oauth_client(
    *, participant: Participant, name: str, scopes: Iterable[str], at: datetime
) -> tuple[ApiClient, str, str]:
    """(client, client id, client secret); an existing client of that name gets a new pair, its old one ends."""
    from oauth2_provider.generators import generate_client_id, generate_client_secret
    from oauth2_provider.models import Application

    client, _ = create_client(participant=participant, name=name, scopes=scopes, at=at)
    if client.oauth_client_id:
        Application.objects.filter(client_id=client.oauth_client_id).delete()
    client_id, secret = generate_client_id(), generate_client_secret()
    Application.objects.create(
        name=str(client)[:255],
        client_id=client_id,
        client_secret=secret,  # hashed when saved
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )
    client.oauth_client_id = client_id
    client.save(update_fields=["oauth_client_id"])
    audit(at=at, actor="service", action="client.oauth_created", subject=client, after={"client_id": client_id})
    return client, client_id, secret


def client_of_access_token(token: str) -> ApiClient | None:
    """The active client that a valid access token belongs to, with the token's scopes; else None."""
    from oauth2_provider.models import AccessToken

    checksum = hashlib.sha256(token.encode()).hexdigest()
    row = AccessToken.objects.select_related("application").filter(token_checksum=checksum).first()
    if row is None or row.application is None or row.expires <= datetime.now(UTC):
        return None
    clients = ApiClient.objects.select_related("participant")
    client = clients.filter(oauth_client_id=row.application.client_id, active=True).first()
    if client is not None:
        client.scopes = [scope for scope in row.scope.split() if scope in client.scopes]
    return client
