"""Logging in: a password, then a second factor for whoever has one; a new password."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth import login as open_session
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_otp import devices_for_user, match_token
from django_otp import login as confirm_session
from django_otp.plugins.otp_totp.models import TOTPDevice

from vpp.accounts import throttle
from vpp.accounts.models import User
from vpp.accounts.operations import audit
from vpp.console import unsent
from vpp.lib import clock

PENDING = "pending_login"
PENDING_S = 300


def address_of(request: HttpRequest) -> str:
    return request.META.get("REMOTE_ADDR", "")


class LoginForm(AuthenticationForm):
    """Refuses to look at the password while the name or the address has to wait."""

    error_messages = {
        "invalid_login": gettext_lazy("That name and password do not belong together. Both are case-sensitive."),
        "inactive": gettext_lazy("This account is closed."),
    }

    def clean(self) -> dict[str, Any]:
        assert self.request is not None
        at = datetime.now(UTC)  # real time: a simulated clock that stands still would lock for ever
        keys = throttle.keys_of(self.cleaned_data.get("username") or "", address_of(self.request))
        if wait_s := throttle.waiting_s(keys, at):
            text = _("Too many wrong tries. Wait %(seconds)d s, then try again.") % {"seconds": wait_s}
            raise ValidationError(text, code="waiting")
        try:
            data = super().clean()
        except ValidationError:
            throttle.note_failure(keys, at)
            raise
        throttle.note_success(keys[:1])
        return data


class Login(auth_views.LoginView):
    """The password; with a second factor the session opens only after that."""

    form_class = LoginForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(nobody_yet=not User.objects.exists(), **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        if next(devices_for_user(user), None) is None:
            return super().form_valid(form)
        unsent.carry(self.request, self.request.session.flush)
        self.request.session[PENDING] = {"user": user.pk, "at": time.time(), "next": self.get_success_url()}
        return redirect("login_code")


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def login_code(request: HttpRequest) -> HttpResponse:
    """The code of the app, or one of the backup codes, each good once."""
    pending: dict[str, Any] = request.session.get(PENDING) or {}
    user = User.objects.filter(pk=pending["user"], is_active=True).first() if pending else None
    if user is None or time.time() - pending["at"] > PENDING_S:
        request.session.pop(PENDING, None)
        messages.error(request, _("That took too long; begin again."))
        return redirect("login")
    wrong = False
    if request.method == "POST":
        with transaction.atomic():
            device = match_token(user, request.POST.get("code", "").replace(" ", ""))
        if device is not None:
            target = pending["next"]
            open_session(request, user, backend="django.contrib.auth.backends.ModelBackend")
            confirm_session(request, device)
            safe = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
            return redirect(target if safe else "/")
        wrong = True
    return render(request, "registration/login_code.html", {"wrong": wrong}, status=422 if wrong else 200)


class PasswordChange(auth_views.PasswordChangeView):
    """The old password, then the new one twice; every other session of the user ends."""

    template_name = "registration/password.html"

    def get_success_url(self) -> str:
        return reverse("account")

    def form_valid(self, form: Any) -> HttpResponse:
        audit(at=clock.now(), actor=self.request.user, action="user.password_changed", subject=form.user)
        messages.success(self.request, _("The new password holds."))
        return super().form_valid(form)


@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Who is logged in, and what they can change about it."""
    user = cast(User, request.user)
    has_factor = TOTPDevice.objects.filter(user=user, confirmed=True).exists()
    return render(request, "registration/account.html", {"has_factor": has_factor, "here": "account"})
