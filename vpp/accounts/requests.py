"""What a request says, once a serializer has looked at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer


def checked(shape: type[BaseSerializer[Any]], said: object) -> dict[str, Any]:
    """A request's body or query as its serializer reads it. Raises ValidationError, which is answered with 400."""
    if not isinstance(said, Mapping):
        raise ValidationError({"body": ["want an object"]})
    serializer = shape(data=said)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def check_choice(model: type[Model], path: str, name: str, value: str) -> None:
    """A word that no row can have is the caller's mistake, not an empty list. Raises ValidationError."""
    known = [str(code) for code, _ in (model._meta.get_field(path).flatchoices if "__" not in path else ())]  # type: ignore[union-attr]
    if known and value not in known:
        raise ValidationError({name: [f"{value!r} is none of {', '.join(known)}"]})


def flag(request: Request, name: str) -> bool:
    """A query parameter that is true or false; absent or empty means false. Raises ValidationError."""
    said = request.query_params.get(name, "").lower()
    if said not in ("", "true", "false", "1", "0"):
        raise ValidationError({name: [f"{said!r} is neither true nor false"]})
    return said in ("true", "1")
