"""How the OpenAPI schema names our tokens; `vpp.urls` imports it, because registering is all it does."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from vpp.accounts.models import SCOPES


class ClientTokenScheme(OpenApiAuthenticationExtension):
    target_class = "vpp.accounts.authentication.ClientTokenAuthentication"
    name = ["clientToken", "oauth2"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        return [
            {"type": "http", "scheme": "bearer", "bearerFormat": "vpp_<prefix>_<secret>"},
            {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/oauth2/token", "scopes": SCOPES}}},
        ]
