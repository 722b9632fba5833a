"""From a request to whoever it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request

    from vpp.accounts.models import Principal


def principal_of(request: Request | HttpRequest) -> Principal:
    """The authenticated user or API client; permissions have let nobody else in."""
    return cast("Principal", request.user)
