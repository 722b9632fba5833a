"""The time that is left to a gate."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from vpp.console import units
from vpp.console.templatetags.console import local
from vpp.lib import clock

register = template.Library()


@register.simple_tag
def gate(gate_at: datetime, zone: str) -> SafeString:
    """When a gate closes and what is left until then, which counts down in the browser (console/gate.js)."""
    at = clock.now()
    left = "" if clock.is_simulated() else max(0, round((gate_at - at).total_seconds()))
    words = _("closed") if gate_at <= at else units.age(gate_at, at)
    return format_html(
        '{}, <b data-gate data-left-s="{}" data-in="{}" data-closed="{}">{}</b>',
        local(gate_at, zone), left, _("in %(span)s"), _("closed"), words,
    )  # fmt: skip
