"""The steps of a site's enrollment as forms; what they mean for the tables is known to the enrollment room."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from vpp.console.ask_form import LocalMomentInput, in_reach
from vpp.console.device_forms import minutes
from vpp.console.handover_form import HandoverForm
from vpp.console.numbers import AmountField, NumberField
from vpp.console.queries.enrollment import SitePage
from vpp.enrollment.cells import zone as known_zone
from vpp.enrollment.models import Contract, Device
from vpp.lib.periods import local_moment

DOCUMENT = "flexibility-2026-1"
KINDS = [(code, label) for code, label in Device.Kind.choices if code != Device.Kind.METER]


def _code(**extra: Any) -> forms.RegexField:
    return forms.RegexField(r"^[\w.:-]+$", max_length=80, **extra)


def _kw(label: Any, **extra: Any) -> NumberField:
    return NumberField(label=label, min_value=0, max_value=1e6, **extra)


class SiteForm(forms.Form):
    """Whose site it is and where."""

    owner_code = _code(label=_("Owner's code"), help_text=_("of a known owner, or a new one"))
    owner_name = forms.CharField(max_length=200, label=_("Owner's name"))
    code = _code(label=_("Site's code"))
    name = forms.CharField(max_length=200, label=_("Site's name"))
    time_zone = forms.CharField(max_length=64, label=_("Time zone"), initial="Europe/Berlin")
    zone_code = forms.CharField(max_length=40, label=_("Market zone"), initial="DE")
    feeder_code = forms.CharField(max_length=80, required=False, label=_("Feeder"), help_text=_("empty: not known"))
    node_code = forms.CharField(max_length=120, required=False, label=_("Node"))
    import_limit_kw = _kw(_("Takes at most, kW"))
    export_limit_kw = _kw(_("Gives at most, kW"))

    def clean_time_zone(self) -> str:
        try:
            return str(known_zone(self.cleaned_data["time_zone"]))
        except ValueError:
            raise forms.ValidationError(_("No IANA time zone such as Europe/Berlin.")) from None

    def site_fields(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if not name.startswith("owner_")}


class ConsentForm(forms.Form):
    given_by = forms.CharField(max_length=200, label=_("Signed by"))
    document = forms.CharField(max_length=120, label=_("Document and version"), initial=DOCUMENT)
    agreed = forms.BooleanField(label=_("The owner agrees to being measured, controlled within the terms, and paid"))


class ContractForm(forms.Form):
    code = _code(label=_("Contract's code"))
    split_rule = forms.ChoiceField(choices=Contract.SplitRule.choices, label=_("Paid by"))
    owner_share_pct = AmountField(
        min_value=0, max_value=100, decimal_places=2, initial=Decimal(70), label=_("Owner's share, %")
    )
    fee_per_event = AmountField(min_value=0, max_digits=9, decimal_places=2, initial=0, label=_("Fee per event, EUR"))
    floor_per_event = AmountField(
        min_value=0, max_digits=9, decimal_places=2, initial=0, label=_("Floor per event, EUR")
    )
    tariff_per_kwh = AmountField(min_value=0, max_digits=9, decimal_places=5, initial=0, label=_("Tariff, EUR/kWh"))


class MeterForm(forms.Form):
    code = _code(label=_("Meter's code"), help_text=_("as it stands in its readings"))


class DeviceForm(forms.Form):
    """A device and its owner's terms."""

    code = _code(label=_("Device's code"), help_text=_("as it stands in its readings"))
    name = forms.CharField(max_length=200, required=False, label=_("Name"))
    kind = forms.ChoiceField(choices=KINDS, label=_("Kind"), initial="BATTERY")
    max_consumption_kw = _kw(_("Takes at most, kW"))
    max_production_kw = _kw(_("Gives at most, kW"))
    controllable = forms.BooleanField(required=False, initial=True, label=_("It can be controlled"))
    energy_capacity_kwh = NumberField(required=False, min_value=0, max_value=1e7, label=_("Stores, kWh"))
    charge_efficiency = NumberField(initial=0.95, min_value=0.01, max_value=1, label=_("Charging efficiency, of 1"))
    discharge_efficiency = NumberField(
        initial=0.95, min_value=0.01, max_value=1, label=_("Discharging efficiency, of 1")
    )
    cost_per_kwh = AmountField(min_value=0, max_digits=9, decimal_places=5, initial=0, label=_("Wear, EUR/kWh"))
    min_on_minutes = minutes(_("Stays on once it runs, minutes at least"), initial=0)
    min_off_minutes = minutes(_("Stays off once it stands, minutes at least"), initial=0)
    reserve_floor_pct = NumberField(initial=10, min_value=0, max_value=99, label=_("Stays with the owner, %"))
    max_events_per_day = forms.IntegerField(
        required=False, min_value=0, max_value=96, label=_("Events a day at most"), help_text=_("empty: no limit")
    )
    max_events_per_season = forms.IntegerField(
        required=False, min_value=0, max_value=10_000, label=_("Events a season at most"),
        help_text=_("April to September, and October to March; empty: no limit"),
    )  # fmt: skip
    notice_minutes = minutes(_("Notice, minutes"), initial=0)
    rest_minutes = minutes(_("Rest between events, minutes"), initial=0)

    TERMS = ("max_events_per_day", "max_events_per_season", "notice_minutes", "rest_minutes")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("kind") == Device.Kind.BATTERY and not data.get("energy_capacity_kwh"):
            self.add_error("energy_capacity_kwh", _("A battery needs a capacity above 0 kWh."))
        return data

    def device_fields(self) -> dict[str, Any]:
        left = (*self.TERMS, "reserve_floor_pct")
        return {name: value for name, value in self.cleaned_data.items() if name not in left}

    def terms(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {"reserve_floor_pu": data["reserve_floor_pct"] / 100.0, **{name: data[name] for name in self.TERMS}}


class TestForm(forms.Form):
    """A window in which the device was asked for a change of power."""

    device = forms.ChoiceField(label=_("Device"))
    start = forms.DateTimeField(
        widget=LocalMomentInput(), validators=[in_reach], label=_("The window began"), help_text=_("site's local time")
    )
    minutes = forms.IntegerField(initial=30, min_value=15, max_value=480, label=_("It lasted, minutes"))
    asked_up_kw = NumberField(
        label=_("Asked, kW up"),
        help_text=_("less consumption or more production; negative for down; filled in: the first device's rating"),
    )

    def __init__(self, codes: list[str], zone: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        choice = self.fields["device"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(code, code) for code in codes]

    def clean_minutes(self) -> int:
        minutes = int(self.cleaned_data["minutes"])
        if minutes % 15:
            raise forms.ValidationError(_("Whole quarter hours."))
        return minutes

    def clean_asked_up_kw(self) -> float:
        if not self.cleaned_data["asked_up_kw"]:
            raise forms.ValidationError(_("More or less than 0 kW."))
        return float(self.cleaned_data["asked_up_kw"])

    def window_start(self) -> datetime:
        typed: datetime = self.cleaned_data["start"]
        return local_moment(typed.date(), typed.time(), self.zone)


class PortfolioForm(forms.Form):
    portfolio = forms.ChoiceField(label=_("Portfolio"))

    def __init__(self, codes: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["portfolio"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(code, code) for code in codes]


def form_of(step: str, page: SitePage, data: Any) -> forms.Form | None:
    """The empty or sent form of a step; None where there is nothing to type (any more)."""
    taken = page.done()
    if step == "telemetry" or (step in ("consent", "contract", "meter") and taken[step]):
        return None
    if step == "test":
        codes = [device.code for device in page.controllable]
        return TestForm(codes, page.site.time_zone, data, initial=test_window(page)) if codes else None
    if step == "portfolio":
        open_ones = [portfolio.code for portfolio, reasons in page.portfolios if not reasons]
        return PortfolioForm(open_ones, data) if open_ones else None
    plain: dict[str, tuple[type[forms.Form], dict[str, Any]]] = {
        "owner": (HandoverForm, {}),
        "consent": (ConsentForm, {"given_by": page.site.owner.name}),
        "contract": (ContractForm, {"code": f"contract-{page.site.owner.code}"}),
        "meter": (MeterForm, {"code": f"{page.site.code}-meter"}),
        "devices": (DeviceForm, {"code": f"{page.site.code}-{len(page.devices) + 1}"}),
    }
    make, initial = plain[step]
    return make(data, initial=initial)


def test_window(page: SitePage) -> dict[str, Any]:
    """What the form begins with: the last whole hour, the first device's rating (up if it produces, else down)."""
    there = page.at.astimezone(ZoneInfo(page.site.time_zone))
    start = there - timedelta(minutes=60 + there.minute % 15)
    rated_kw = page.controllable[0].max_production_kw or -page.controllable[0].max_consumption_kw
    return {"start": start.strftime("%Y-%m-%dT%H:%M"), "minutes": 60, "asked_up_kw": rated_kw}
