"""How the OpenAPI schema names our tokens; `vpp.urls` imports it, because registering is all it does."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from vpp.accounts.models import SCOPES

STATUSES = {
    "400": "a field is missing or of the wrong form, or the body cannot be read",
    "401": "no token, or one that is not known",
    "403": "the token lacks the scope, or this is somebody else's to do",
    "404": "there is no such object, or it is not yours",
    "406": "none of the forms asked for is to be had",
    "409": "against what is known already; the code says what",
    "413": "the body is too large",
    "415": "want application/json",
    "422": "well formed, but against a rule; the code says which",
    "429": "too many requests",
}
OF_READING = ("400", "401", "403", "404", "406", "409", "422", "429")
REFUSAL = {
    "type": "object",
    "description": "Every refusal: a stable code, a sentence for people, and what the code needs besides.",
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "details": {"type": "object", "additionalProperties": {}},
    },
    "required": ["code", "message", "details"],
}


def with_refusals(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Each operation with the statuses it may refuse with, all of one shape."""
    result["components"]["schemas"]["Refusal"] = REFUSAL
    for operations in result["paths"].values():
        for method, operation in operations.items():
            for status in OF_READING if method == "get" else STATUSES:
                content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
                answer = {"description": STATUSES[status], "content": content}
                operation["responses"].setdefault(status, answer)
    return result


class ClientTokenScheme(OpenApiAuthenticationExtension):
    target_class = "vpp.accounts.authentication.ClientTokenAuthentication"
    name = ["clientToken", "oauth2"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        return [
            {"type": "http", "scheme": "bearer", "bearerFormat": "vpp_<prefix>_<secret>"},
            {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/oauth2/token", "scopes": SCOPES}}},
        ]
