"""What a request says, once a serializer has looked at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.serializers import BaseSerializer


def checked(shape: type[BaseSerializer[Any]], said: object) -> dict[str, Any]:
    """A request's body or query as its serializer reads it. Raises ValidationError, which is answered with 400."""
    if not isinstance(said, Mapping):
        raise ValidationError({"body": ["want an object"]})
    serializer = shape(data=said)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
