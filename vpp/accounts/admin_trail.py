"""What is changed in the admin stands in the audit trail, as what is changed elsewhere; what the database refuses is
told on the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.db import IntegrityError, models
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from vpp.accounts.operations import audit
from vpp.lib import clock

SECRET = ("password", "secret", "token", "hash", "iban")  # that it was changed is told, not to what


class Audited:
    """A mixin before ModelAdmin: each row made, changed or deleted leaves a line, in the transaction of the change."""

    def save_model(self, request: HttpRequest, obj: models.Model, form: ModelForm, change: bool) -> None:
        before, after = form.initial if change else {}, form.cleaned_data
        changed = form.changed_data if change else list(after)
        request.audited = {  # type: ignore[attr-defined]
            "before": {name: _told(name, before.get(name)) for name in changed} if change else None,
            "after": {name: _told(name, after.get(name)) for name in changed},
        }
        super().save_model(request, obj, form, change)  # type: ignore[misc]

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_told(super().changeform_view, request, *args, **kwargs)  # type: ignore[misc]

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_told(super().delete_view, request, *args, **kwargs)  # type: ignore[misc]

    def _or_told(self, view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kw: Any) -> HttpResponse:
        """Django has taken the change back by then."""
        try:
            return view(request, *args, **kw)
        except IntegrityError as error:
            messages.error(request, str(error).splitlines()[0])
            return HttpResponseRedirect(request.get_full_path())

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        self._trail(request, obj, "made", message)
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        self._trail(request, obj, "changed", message)
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Iterable[models.Model]) -> Any:
        for row in queryset:
            self._trail(request, row, "deleted", str(row))
        return super().log_deletions(request, queryset)  # type: ignore[misc]

    def _trail(self, request: HttpRequest, obj: models.Model, what: str, message: Any) -> None:
        """A password that is set on its own page, and rows below this one, are told by Django's own message."""
        told = request.__dict__.pop("audited", {"before": None, "after": {}})
        told["after"] = told["after"] or {"told": message}
        name = f"{obj._meta.model_name}.{what}"[:60]
        audit(at=clock.now(), actor=request.user, action=name, subject=obj, reason="in the admin", **told)


def _told(name: str, value: Any) -> Any:
    if value is not None and any(word in name for word in SECRET):
        return "..."
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple | set | models.QuerySet):
        return sorted(str(one) for one in value)
    return str(value)
