"""API permissions: every caller is a known principal; each write needs its scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView


class IsPrincipal(BasePermission):
    """A logged-in user or an API client, allowed to read."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        return bool(user and user.is_authenticated and user.is_active)


class HasScope(BasePermission):
    """Usable as an instance factory: `permission_classes = [HasScope("asks:write")]`."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.message = f"this needs the scope {scope!r}"

    def __call__(self) -> HasScope:
        return self

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        return bool(user and user.is_authenticated and user.is_active and user.has_scope(self.scope))
