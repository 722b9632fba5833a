"""What was typed into a form whose session had ended: looked at once more, then sent or left."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from vpp.console import unsent
from vpp.console.unsent import signed_in


@signed_in
@require_GET
def unsent_form(request: HttpRequest) -> HttpResponse:
    found = unsent.take(request)
    if found is None:
        return redirect("console:home")
    shown = [(name, value) for name, value in found["fields"] if value and name != "sealed"]
    return render(request, "console/unsent.html", {"unsent": found, "shown": shown})
