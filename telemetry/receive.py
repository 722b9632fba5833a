"""The lean way in over HTTP: token, body, one operation, answer; no framework between them."""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg
from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse

from telemetry import operations
from telemetry.kernels.registers import Showings
from telemetry.protocols.decode import decode
from telemetry.protocols.errors import BodyTooLarge
from vpp.accounts.authentication import client_of_token
from vpp.accounts.models import ApiClient
from vpp.jobs import idempotency
from vpp.lib import clock
from vpp.lib.errors import DomainError

SCOPE = "telemetry:write"
_encoder = msgspec.json.Encoder()


class NotAuthenticated(DomainError):
    code = "not_authenticated"
    http_status = 401


class PermissionDenied(DomainError):
    code = "permission_denied"
    http_status = 403


class WrongMethod(DomainError):
    code = "method_not_allowed"
    http_status = 405


def receive(request: HttpRequest) -> HttpResponse:
    """Answer one message. 200 means that all of it but the refused rows is committed; 503 that none of it is."""
    try:
        return _json(200, _receive(request))
    except DomainError as error:
        response = _json(error.http_status, {"code": error.code, "message": error.message, "details": error.details})
        if error.http_status == NotAuthenticated.http_status:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response
    except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
        connection.close()
        message = f"the database does not answer, send this again: {error}"
        return _json(503, {"code": operations.Busy.code, "message": message, "details": {}})


def _json(status: int, content: Any) -> HttpResponse:
    return HttpResponse(_encoder.encode(content), status=status, content_type="application/json")


def _receive(request: HttpRequest) -> Any:
    if request.method != "POST":
        raise WrongMethod(f"{request.method}: want POST")
    client = _client(request)
    try:
        body = request.body
    except RequestDataTooBig as error:
        raise BodyTooLarge(str(error)) from error
    key = request.headers.get(idempotency.HEADER, "")
    return _once(request, client, key) if key else _ingest(request, body, client)


def _client(request: HttpRequest) -> ApiClient:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated("the Authorization header must read: Bearer <token>")
    client = None if "\x00" in token else client_of_token(token.strip())
    if client is None:
        raise NotAuthenticated("unknown or revoked token")
    if not client.has_scope(SCOPE):
        raise PermissionDenied(f"this needs the scope {SCOPE!r}")
    return client


def _ingest(request: HttpRequest, body: bytes, client: ApiClient) -> dict[str, Any]:
    content_encoding = request.headers.get("Content-Encoding", "")
    batch = decode(body, content_type=request.headers.get("Content-Type", ""), content_encoding=content_encoding)
    at = clock.now()
    if isinstance(batch, Showings):
        answer = operations.ingest_registers(batch, at=at, principal=client, digest_later=True)
    else:
        answer = operations.ingest(batch, at=at, principal=client, digest_later=True)
    operations.heard(f"client {client}", at=at, refused=answer.refused)
    return {
        "accepted": answer.accepted,
        "corrected": answer.corrected,
        "duplicates": answer.duplicates,
        "refused": [{"row": row, "reason": reason} for row, reason in answer.refused],
    }


def _once(request: HttpRequest, client: ApiClient, key: str) -> Any:
    """The first answer of this key; it is stored in the transaction of the work."""
    if len(key) > idempotency.LONGEST_KEY:
        raise idempotency.BadIdempotencyKey(f"{idempotency.HEADER} is longer than {idempotency.LONGEST_KEY} characters")
    who, digest = idempotency.principal_fields(client), idempotency.request_hash(request)  # type: ignore[arg-type]
    if (found := idempotency.first_answer(who, key, digest)) is not None:
        return found.data
    try:
        with transaction.atomic():
            answer = _ingest(request, request.body, client)
            idempotency.remember(who, key, digest, 200, answer)
    except IntegrityError:  # the same key came in twice at once: the other one was first
        if (found := idempotency.first_answer(who, key, digest)) is not None:
            return found.data
        raise
    return answer
