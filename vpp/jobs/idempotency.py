"""`Idempotency-Key` on write requests: a repeat gets the first answer, the same key with another body is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from rest_framework.request import Request
from rest_framework.response import Response

from vpp.accounts.models import ApiClient
from vpp.jobs.models import IdempotencyKey
from vpp.lib import clock
from vpp.lib.errors import Conflict, DomainError

HEADER = "Idempotency-Key"
LONGEST_KEY = 200


class IdempotencyConflict(Conflict):
    code = "idempotency_conflict"


class BadIdempotencyKey(DomainError):
    code = "bad_idempotency_key"


def idempotent(method: Callable[..., Response]) -> Callable[..., Response]:
    """For POST methods of API views. The answer is stored in the transaction of the work; a refusal is not stored."""

    @wraps(method)
    def wrapper(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER, "")
        if not key:
            return method(view, request, *args, **kwargs)
        if len(key) > LONGEST_KEY:
            raise BadIdempotencyKey(f"{HEADER} is longer than {LONGEST_KEY} characters")
        who = principal_fields(request.user)
        digest = request_hash(request)
        if (found := first_answer(who, key, digest)) is not None:
            return found
        try:
            with transaction.atomic():
                response = method(view, request, *args, **kwargs)
                remember(who, key, digest, response.status_code, response.data)
        except IntegrityError:  # the same key came in twice at once: the other one was first
            if (found := first_answer(who, key, digest)) is not None:
                return found
            raise
        return response

    return wrapper


def principal_fields(user: Any) -> dict[str, Any]:
    return {"client": user} if isinstance(user, ApiClient) else {"user": user}


def request_hash(request: Request) -> str:
    return hashlib.sha256(
        b"\0".join([str(request.method).encode(), request.get_full_path().encode(), request.body])
    ).hexdigest()


def first_answer(who: dict[str, Any], key: str, digest: str) -> Response | None:
    row = IdempotencyKey.objects.filter(key=key, **who).first()
    if row is None:
        return None
    if row.request_hash != digest:
        raise IdempotencyConflict(f"{HEADER} {key!r} was used for another request", key=key)
    return Response(row.answer, status=row.status)


def remember(who: dict[str, Any], key: str, digest: str, status: int, answer: Any) -> None:
    IdempotencyKey.objects.create(
        key=key, request_hash=digest, status=status, answer=answer, created_at=clock.now(), **who
    )
