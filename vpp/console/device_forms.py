"""What an owner wishes of a device, and what staff agree with the owner, as forms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from vpp.console.numbers import NumberField
from vpp.enrollment.models import Device, OwnerTerms

LONGEST_MINUTES = 1440


def minutes(label: Any, **extra: Any) -> forms.IntegerField:
    return forms.IntegerField(min_value=0, max_value=LONGEST_MINUTES, label=label, **extra)


class WishesForm(forms.Form):
    """An owner's departure, comfort band and floor; what is left empty is no wish."""

    departure_local_time = forms.TimeField(
        required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"), label=_("Ready at"),
        help_text=_("local time, every day; empty: no departure"),
    )  # fmt: skip
    departure_energy_kwh = NumberField(required=False, min_value=0, max_value=1e6, label=_("With, kWh"))
    comfort_min_c = NumberField(required=False, min_value=-50, max_value=100, label=_("Not colder than, °C"))
    comfort_max_c = NumberField(required=False, min_value=-50, max_value=100, label=_("Not warmer than, °C"))
    reserve_floor_pct = NumberField(min_value=0, max_value=99, label=_("Stays with the owner, %"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        low, high = data.get("comfort_min_c"), data.get("comfort_max_c")
        if low is not None and high is not None and low >= high:
            self.add_error("comfort_max_c", _("The band ends below where it begins."))
        return data

    def wishes(self) -> dict[str, Any]:
        """What differs from what the page showed, as the enrollment room names it: a page opened before somebody else's
        change takes nothing of that back."""
        changed = {name: self.cleaned_data[name] for name in self.changed_data}
        if "reserve_floor_pct" in changed:
            changed["reserve_floor_pu"] = changed.pop("reserve_floor_pct") / 100.0
        return changed


class LimitsForm(WishesForm):
    """For staff: what was agreed besides, and the times of the machine itself."""

    max_events_per_day = forms.IntegerField(required=False, min_value=0, max_value=96, label=_("Events a day at most"))
    max_events_per_season = forms.IntegerField(
        required=False, min_value=0, max_value=10_000, label=_("Events a season at most"),
        help_text=_("April to September, and October to March"),
    )  # fmt: skip
    max_hours_per_day = NumberField(required=False, min_value=0, max_value=24, label=_("Hours a day at most"))
    notice_minutes = minutes(_("Notice, minutes"))
    rest_minutes = minutes(_("Rest between events, minutes"))
    min_on_minutes = minutes(_("Stays on once it runs, minutes at least"))
    min_off_minutes = minutes(_("Stays off once it stands, minutes at least"))


def terms_form(device: Device, terms: OwnerTerms | None, data: Any, *, staff: bool) -> WishesForm:
    """Filled with what holds now; of the wishes only those that the kind of device can have."""
    form = (LimitsForm if staff else WishesForm)(data)
    known = terms or OwnerTerms(device=device)
    for name, field in form.fields.items():
        field.show_hidden_initial = True
        if name == "reserve_floor_pct":
            field.initial = round(known.reserve_floor_pu * 100.0, 3)
        else:
            field.initial = getattr(device if hasattr(device, name) else known, name)
    return form
