"""Who may open a page. What a page shows is then narrowed by each table's `visible_to`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vpp.accounts.models import Participant, User
from vpp.accounts.principals import principal_of
from vpp.console.unsent import signed_in

View = Callable[..., HttpResponse]
STAFF_ONLY = gettext_lazy("This page is for the aggregator's staff.")


def staff_page(view: View) -> View:
    """Logged in, and of the aggregator."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not principal_of(request).sees_all:
            raise PermissionDenied(str(STAFF_ONLY))
        return view(request, *args, **kwargs)

    return signed_in(guarded)


def page_for(*kinds: str) -> Callable[[View], View]:
    """Logged in, and staff or of a participant of one of these kinds."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            principal = principal_of(request)
            participant = principal.participant
            if not principal.sees_all and (participant is None or participant.kind not in kinds):
                raise PermissionDenied(_("This page is not for your organisation."))
            return view(request, *args, **kwargs)

        return signed_in(guarded)

    return decorate


def has_role(request: HttpRequest, *roles: str) -> bool:
    """Whether the user may act in one of these roles; an administrator of the service may act in all of staff's."""
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_superuser or user.role in roles


def require_role(request: HttpRequest, *roles: str) -> None:
    """Raises PermissionDenied, in words that say who may."""
    if not has_role(request, *roles):
        labels = ", ".join(_(str(User.Role(role).label)) for role in roles)
        raise PermissionDenied(_("Only these roles may do this: %(roles)s.") % {"roles": labels})


Role = User.Role
UTILITY = Participant.Kind.UTILITY
OWNER = Participant.Kind.OWNER
