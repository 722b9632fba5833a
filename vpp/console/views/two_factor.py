"""A second factor: setting it up with an app, backup codes, giving it up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from django_otp import login as confirm_session
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from vpp.accounts import throttle
from vpp.accounts.models import User
from vpp.accounts.operations import audit
from vpp.console.views.login import address_of
from vpp.lib import clock

BACKUP_CODES = 10


def _waiting_device(user: User) -> TOTPDevice:
    """The app that is being set up: one a user, replaced by nothing until it is confirmed."""
    found = TOTPDevice.objects.filter(user=user, confirmed=False).first()
    return found or TOTPDevice.objects.create(user=user, name="app", confirmed=False)


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def two_factor(request: HttpRequest) -> HttpResponse:
    """Set a second factor up: read the picture with an app, type what it shows."""
    user = cast(User, request.user)
    if TOTPDevice.objects.filter(user=user, confirmed=True).exists():
        context = {"has_factor": True, "left": StaticToken.objects.filter(device__user=user).count()}
        return render(request, "registration/two_factor.html", context)
    device, wrong = _waiting_device(user), False
    if request.method == "POST":
        if device.verify_token(request.POST.get("code", "").replace(" ", "")):
            with transaction.atomic():
                device.confirmed = True
                device.save()
                codes = _new_codes(user)
                audit(at=clock.now(), actor=user, action="user.second_factor_set", subject=user)
            confirm_session(request, device)
            request.session.cycle_key()
            return render(request, "registration/backup_codes.html", {"codes": codes})
        wrong = True
    picture = segno.make(device.config_url, error="m").svg_data_uri(scale=4, border=2, dark="#17202b", light="#ffffff")
    secret = device.config_url.partition("secret=")[2].partition("&")[0]
    context = {"picture": picture, "secret": secret, "wrong": wrong, "has_factor": False}
    return render(request, "registration/two_factor.html", context, status=422 if wrong else 200)


@never_cache
@login_required
@require_POST
def new_backup_codes(request: HttpRequest) -> HttpResponse:
    """Ten new codes; the old ones are worth nothing from now on."""
    user = cast(User, request.user)
    if not _password_fits(request, user) or not TOTPDevice.objects.filter(user=user, confirmed=True).exists():
        messages.error(request, _("That password is not yours."))
        return redirect("two_factor")
    with transaction.atomic():
        codes = _new_codes(user)
        audit(at=clock.now(), actor=user, action="user.backup_codes_made", subject=user)
    return render(request, "registration/backup_codes.html", {"codes": codes})


@never_cache
@login_required
@require_POST
def remove_factor(request: HttpRequest) -> HttpResponse:
    """Give the second factor up, with the password; where it is required a new one has to be set up at once."""
    user = cast(User, request.user)
    if not _password_fits(request, user):
        messages.error(request, _("That password is not yours."))
        return redirect("two_factor")
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        audit(at=clock.now(), actor=user, action="user.second_factor_removed", subject=user)
    request.session.pop("otp_device_id", None)
    messages.success(request, _("The second factor is removed."))
    return redirect("two_factor")


def _password_fits(request: HttpRequest, user: User) -> bool:
    """The user's password, guessed no quicker here than at the login."""
    at, keys = datetime.now(UTC), throttle.keys_of(user.username, address_of(request))
    if throttle.waiting_s(keys, at):
        return False
    if user.check_password(request.POST.get("password", "")):
        return True
    throttle.note_failure(keys, at)
    return False


def _new_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="backup", confirmed=True)
    codes = [StaticToken.random_token() for _number in range(BACKUP_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes
