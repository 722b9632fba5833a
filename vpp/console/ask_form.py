"""A utility's ask as a form: a window and a quantity become one value per interval of the delivery day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bidding.distribution.operations import AskContent
from bidding.distribution.venues import distribution_market
from bidding.errors import UnknownMarket
from bidding.models import Ask, Direction
from vpp.accounts.models import Principal
from vpp.console.numbers import NumberField, plain_number, shown
from vpp.lib.periods import FIRST_DAY, LAST_DAY, DeliveryDay, local_moment
from vpp.network.models import CongestionPoint

STEP_MINUTES = 15
MIDNIGHT = time(0)


class LocalMomentInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


def _picker(kind: str, **attributes: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"type": kind, **attributes})


def in_reach(value: date) -> None:
    """A day or moment whose year is no slip: 26 and 20261 are years to a date field too."""
    there = value.date() if isinstance(value, datetime) else value
    if not FIRST_DAY <= there <= LAST_DAY:
        raise forms.ValidationError(_("Look at the year: it is not from 1970 to 2199."))


class AskForm(forms.Form):
    """Moments are typed in the market's zone."""

    reference = forms.CharField(max_length=120, label=_("Reference"), help_text=_("your own; it must be new"))
    congestion_point = forms.ChoiceField(label=_("Congestion point"))
    direction = forms.ChoiceField(
        choices=Direction.choices, label=_("Direction"), help_text=_("up: less consumption or more production")
    )
    delivery_date = forms.DateField(widget=_picker("date"), validators=[in_reach], label=_("Delivery day"))
    begins = forms.TimeField(widget=_picker("time", step=900), label=_("From"))
    ends = forms.TimeField(
        widget=_picker("time", step=900), label=_("Until"), help_text=_("00:00 is the end of the day")
    )
    quantity = forms.CharField(
        label=_("Quantity, kW"),
        help_text=_("one number, or one for each quarter hour of the window, with spaces between"),
    )
    ceiling_price = NumberField(min_value=0, max_value=1e6, label=_("Highest price, EUR/MWh"))
    gate = forms.DateTimeField(widget=LocalMomentInput(), validators=[in_reach], label=_("Bids until"))
    expires = forms.DateTimeField(widget=LocalMomentInput(), validators=[in_reach], label=_("We decide until"))

    def __init__(self, principal: Principal, zone: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        points = CongestionPoint.objects.visible_to(principal).select_related("feeder").order_by("code")
        choice = self.fields["congestion_point"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [
            (point.code, _("%(feeder)s, limit %(limit)g kW") % {"feeder": point.feeder.code, "limit": point.limit_kw})
            for point in points
        ]

    def clean_quantity(self) -> list[float]:
        try:
            words = self.cleaned_data["quantity"].replace(";", " ").split()
            values = [float(plain_number(word.rstrip(","))) for word in words]
        except ValueError:
            raise forms.ValidationError(_("Numbers only, with spaces between them.")) from None
        if not values or not np.isfinite(values).all():
            raise forms.ValidationError(_("At least one number."))
        return values

    def clean(self) -> dict[str, Any]:
        """Lay the quantities onto the day's grid."""
        data = super().clean() or {}
        if {"delivery_date", "begins", "ends", "quantity"} <= data.keys():
            try:
                data["quantity_kw"] = laid_out(
                    data["delivery_date"], self.zone, data["begins"], data["ends"], data["quantity"]
                )
            except ValueError as error:
                self.add_error("quantity", str(error))
        return data

    def content(self) -> AskContent:
        """What the API would have been sent."""
        data = self.cleaned_data
        return AskContent(
            reference=data["reference"],
            congestion_point=data["congestion_point"],
            direction=data["direction"],
            delivery_date=data["delivery_date"],
            interval_minutes=STEP_MINUTES,
            quantity_kw=data["quantity_kw"],
            ceiling_price_per_mwh=data["ceiling_price"],
            gate_at=self._moment("gate"),
            expires_at=self._moment("expires"),
        )

    def _moment(self, name: str) -> datetime:
        """The typed wall-clock time in the market's zone; Django has read it as UTC."""
        typed: datetime = self.cleaned_data[name]
        return local_moment(typed.date(), typed.time(), self.zone)


def laid_out(day: date, zone: str, begins: time, ends: time, quantity: list[float]) -> list[float]:
    """(H,) kW: the window [begins, ends) filled with one value or with one for each of its quarter hours."""
    grid = DeliveryDay(day, zone, STEP_MINUTES)
    first = grid.index_of(local_moment(day, begins, zone))
    last = grid.n_intervals if ends == MIDNIGHT else grid.index_of(local_moment(day, ends, zone))
    if begins.minute % STEP_MINUTES or ends.minute % STEP_MINUTES:
        raise ValueError(gettext("The window begins and ends on a quarter hour."))
    if last <= first:
        raise ValueError(gettext("The window ends before it begins."))
    if len(quantity) not in (1, last - first):
        told = {"have": last - first, "given": len(quantity)}
        text = gettext("The window has %(have)d quarter hours, but there are %(given)d quantities.")
        raise ValueError(text % told)
    values = np.zeros(grid.n_intervals)
    values[first:last] = quantity if len(quantity) > 1 else quantity[0]
    return [float(value) for value in values]


def distribution_zone(principal: Principal, code: str = "") -> str:
    """The zone asks at a congestion point are told in, of the first one where none is named; the house's own where no
    distribution market is set up yet."""
    points = CongestionPoint.objects.visible_to(principal).select_related("feeder").order_by("code")
    point = points.filter(code=code).first() or points.first()
    try:
        return distribution_market(point.feeder.code).time_zone if point else settings.HOUSE_ZONE
    except UnknownMarket:
        return settings.HOUSE_ZONE


def copied(ask: Ask, zone: str) -> dict[str, Any]:
    """The same ask for the day after, to be looked over and sent."""
    grid = DeliveryDay(ask.delivery_date, ask.time_zone, ask.interval_minutes)
    wanted = np.flatnonzero(np.asarray(ask.quantity_kw))
    first, last = (int(wanted[0]), int(wanted[-1]) + 1) if wanted.size else (0, 1)
    labels = [label.rstrip("B") for label in grid.local_labels()] + ["00:00"]
    values = ask.quantity_kw[first:last]
    same = len(set(values)) == 1
    following = ask.delivery_date + timedelta(days=1)
    day = timedelta(days=1)
    dated = ask.reference.replace(ask.delivery_date.isoformat(), following.isoformat())
    return {
        "reference": dated if dated != ask.reference else f"{ask.reference}-{following.isoformat()}",
        "congestion_point": ask.congestion_point.code,
        "direction": ask.direction,
        "delivery_date": following,
        "begins": labels[first],
        "ends": labels[last],
        "quantity": shown(values[0]) if same else " ".join(shown(value) for value in values),
        "ceiling_price": ask.ceiling_price_per_mwh,
        "gate": (ask.gate_at + day).astimezone(ZoneInfo(zone)).replace(tzinfo=None),
        "expires": (ask.expires_at + day).astimezone(ZoneInfo(zone)).replace(tzinfo=None),
    }


def proposed(at: datetime, zone: str) -> dict[str, Any]:
    """Tomorrow evening, bids by six today, decided by eight."""
    here = at.astimezone(ZoneInfo(zone))
    gate = here.replace(minute=0, second=0, microsecond=0, tzinfo=None) + timedelta(hours=2)
    tomorrow = here.date() + timedelta(days=1)
    return {
        "reference": f"ask-{tomorrow.isoformat()}", "delivery_date": tomorrow, "begins": "17:00", "ends": "20:00",
        "gate": gate, "expires": gate + timedelta(hours=2),
    }  # fmt: skip
