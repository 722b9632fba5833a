"""Bearer tokens of API clients: their own, or access tokens they got with OAuth2 client credentials."""

from __future__ import annotations

import hmac

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from vpp.accounts.models import ApiClient
from vpp.accounts.operations import TOKEN_PREFIX, hash_token


def client_of_token(token: str) -> ApiClient | None:
    """The active client that a token belongs to, else None."""
    kind, _, rest = token.partition("_")
    prefix, _, secret = rest.partition("_")
    if kind != TOKEN_PREFIX or not secret:
        from vpp.accounts.oauth import client_of_access_token

        return client_of_access_token(token)
    client = ApiClient.objects.select_related("participant").filter(prefix=prefix, active=True).first()
    if client is None or not hmac.compare_digest(client.token_hash, hash_token(token)):
        return None
    return client


class ClientTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer ...`; request.user is then the ApiClient."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[ApiClient, str] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword.lower().encode():
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("the Authorization header must read: Bearer <token>")
        token = parts[1].decode("ascii", errors="replace")
        client = client_of_token(token)
        if client is None:
            raise AuthenticationFailed("unknown or revoked token")
        return client, token

    def authenticate_header(self, request: Request) -> str:
        return self.keyword
