"""Filters and tags of the console's templates: units, moments, states, links to the rows behind a number."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.apps import apps
from django.db import models
from django.db.models.options import Options
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bidding.models import Award, Bid
from vpp.console import refusals, units
from vpp.console.queries.bids import BidLine
from vpp.dispatch.models import Shortfall

register = template.Library()

GOOD = {"OK", "DONE", "COMMITTED", "DELIVERED", "REPORTED", "CLEARED", "ONLINE", "FOLLOWED", "SETTLED", "OPTIMISED"}
WAITING = {"ASKED", "BID", "RUNNING", "PENDING", "LEASED", "SUBMITTED", "ACKNOWLEDGED", "CHECKED", "SENT", "PLANNED"}
WARN = {"DEGRADED", "FALLBACK"}
BAD = {"FAILED", "DEAD", "SILENT", "REFUSED", "DISOBEYED", "MISSED", "REJECTED", "CANCELLED"}

TONES = {"good": GOOD, "wait": WAITING, "warn": WARN, "bad": BAD}

register.filter("kw", lambda value: units.quantity(value, "kW"))
register.filter("kvar", lambda value: units.quantity(value, "kvar"))
register.filter("kwh", lambda value: units.quantity(value, "kWh"))
register.filter("share", units.percent)
register.filter("price", units.price)
register.filter("plain", units.plain)
register.filter("seconds", units.seconds)


@register.filter
def missing(shortfall: Shortfall) -> str:
    """What of a commitment is missing: reactive power, or else real power."""
    if shortfall.shortfall_kvar:
        return units.quantity(shortfall.shortfall_kvar, "kvar")
    return units.quantity(shortfall.shortfall_kw, "kW")


@register.filter
def money(value: units.Number | str | None, currency: str = "EUR") -> str:
    return units.money(value, currency)


@register.filter
def age(moment: datetime | None, at: datetime) -> str:
    return units.age(moment, at)


@register.simple_tag
def local(moment: datetime | None, zone: str, form: str = "full") -> SafeString | str:
    """A moment in the market's zone as a `<time>` element; form is "full" or "clock"."""
    if moment is None:
        return units.MISSING
    text = units.local(moment, zone, with_date=form != "clock")
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), text)


@register.simple_tag
def moment(text: str, zone: str) -> SafeString | str:
    """A moment that a trace gives as ISO text, in the market's zone."""
    return local(datetime.fromisoformat(text), zone)


@register.simple_tag
def amounts(position: Bid | Award | None, line: BidLine) -> SafeString | str:
    """What a bid or award comes to over the day: energy in kWh, or capacity held over time in kW·h, by direction."""
    if not position:
        return units.MISSING
    unit = "kW·h" if line.is_capacity else "kWh"
    found = [
        (line.total_kwh(kw), way) for kw, way in ((position.up_kw, _("up")), (position.down_kw, _("down"))) if any(kw)
    ]
    return format_html_join(mark_safe("<br>"), "{} {}", [(units.quantity(total, unit), way) for total, way in found])


@register.simple_tag
def limit_price(line: BidLine) -> str:
    """The limit price of a bid, or from the lowest to the highest."""
    if line.limit_prices is None:
        return units.MISSING
    low, high = line.limit_prices
    if low == high:
        return units.price(low, line.price_unit)
    return _("%(low)s to %(high)s") % {"low": units.grouped(low, 2), "high": units.price(high, line.price_unit)}


@register.simple_tag
def state(code: str, label: str = "") -> SafeString:
    """A state as a small label; the words carry the meaning, the colour repeats it."""
    tone = next((name for name, codes in TONES.items() if code in codes), "calm")
    text = str(label) or code.lower().replace("_", " ")
    return format_html('<span class="state {}">{}</span>', tone, _(text))


@register.simple_tag
def tick(value: object) -> SafeString:
    """Yes or no, in a word and a colour."""
    return format_html('<span class="state {}">{}</span>', "good" if value else "calm", _("yes") if value else _("no"))


@register.simple_tag(takes_context=True)
def row(context: dict[str, Any], item: models.Model | None, label: str = "") -> SafeString | str:
    """The table row a statement came from: a link into the admin for those who may go there, else its name."""
    if not item:
        return units.MISSING
    return admin_link(context, item._meta, item.pk, label)


@register.simple_tag(takes_context=True)
def trace_row(context: dict[str, Any], app_label: str, model_name: str, pk: int) -> SafeString | str:
    """The same for a row that a trace names by its id."""
    return admin_link(context, apps.get_model(app_label, model_name)._meta, pk, "")


def admin_link(context: dict[str, Any], meta: Options[Any], pk: object, label: str) -> SafeString | str:
    text = label or f"{_(str(meta.verbose_name))} {pk}"
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.is_staff:
        return text
    try:
        address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return text
    return format_html('<a class="row" href="{}">{}</a>', address, text)


@register.inclusion_tag("console/_pages.html", takes_context=True)
def pages(context: dict[str, Any], number: int, has_next: bool) -> dict[str, Any]:
    """Links to the page before and the next one; every other filter of the address stays."""
    query = context["request"].GET.copy()
    query.pop("page", None)
    return {"number": number, "has_next": has_next, "query": query.urlencode()}


@register.filter
def counted(number: int, noun: str) -> str:
    """`1 device`, `5 devices`."""
    forms = {
        "device": ngettext("%(count)d device", "%(count)d devices", number),
        "fault": ngettext("%(count)d fault", "%(count)d faults", number),
        "job": ngettext("%(count)d job", "%(count)d jobs", number),
        "interval": ngettext("%(count)d interval", "%(count)d intervals", number),
        "shortfall": ngettext("%(count)d shortfall", "%(count)d shortfalls", number),
        "other award": ngettext("%(count)d other award", "%(count)d other awards", number),
    }
    return forms[noun] % {"count": number}


@register.filter
def said(label: object) -> str:
    """A label of a row, in the reader's language."""
    return _(str(label)) if label else ""


register.filter("told", refusals.told)


@register.filter
def clean(code: str) -> str:
    """A code as words."""
    return _(code.replace("_", " ").lower())


@register.simple_tag
def interval_label(data: dict[str, Any], interval: int) -> str:
    """The local start of an interval of the day."""
    return str(data["labels"][interval])


@register.filter
def plain_count(number: int) -> str:
    """A number of things, in groups of three."""
    return units.grouped(number, 0)


@register.filter
def per_mille(thousandths: int) -> str:
    """Thousandths as percent with one decimal: `100.3 %`."""
    return f"{units.grouped(thousandths / 10, 1)}\u00a0%"


@register.simple_tag
def limit_value(violation: Any, value: float) -> str:
    """What was reached or allowed, in the limit's own unit: kW, or percent of nominal voltage or rating."""
    return units.quantity(value, "kW") if violation.kind == "power_limit" else units.percent(value)
