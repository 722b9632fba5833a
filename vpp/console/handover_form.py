"""The form by which a site changes hands."""

from __future__ import annotations

from datetime import datetime, time

from django import forms
from django.utils.translation import gettext_lazy as _

from vpp.console.ask_form import in_reach
from vpp.lib.periods import local_moment


class HandoverForm(forms.Form):
    """Who took the site over, and with which local day the owner's time begins."""

    owner_code = forms.RegexField(
        r"^[\w.:-]+$", max_length=80, label=_("New owner's code"), help_text=_("of a known owner, or a new one")
    )
    owner_name = forms.CharField(max_length=200, label=_("New owner's name"))
    first_day = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), validators=[in_reach],
        label=_("Theirs from the beginning of"),
        help_text=_("days before it stay the former owner's, in a restatement too"),
    )  # fmt: skip
    reason = forms.CharField(max_length=200, required=False, label=_("Reason"))

    def since(self, zone: str) -> datetime:
        return local_moment(self.cleaned_data["first_day"], time(0), zone)
