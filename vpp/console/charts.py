"""What the charts draw, as plain JSON: labels, series and units. Colours and layout live with the script."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from vpp.console.queries.ask_chain import AskChain
from vpp.console.queries.bids import BidLine
from vpp.console.queries.day import DayPage, FloatArray
from vpp.console.queries.device import DevicePage

Series = dict[str, Any]
MARGIN = 12  # intervals shown around the window of an ask


def numbers(values: FloatArray | list[float]) -> list[float | None]:
    """Rounded to a watt; NaN becomes null, a gap in the line."""
    rounded = np.round(np.asarray(values, dtype=np.float64), 3)
    return [None if np.isnan(value) else float(value) + 0.0 for value in rounded]


def zone_name(page_labels: list[str]) -> str:
    """What a reader must know about the labels of a clock-change day."""
    if any(label.endswith("B") for label in page_labels):
        return _("clock goes back: B marks the second pass of the repeated hour")
    return _("clock goes forward: one hour is missing") if len(page_labels) == 92 else ""


def day_chart(page: DayPage) -> dict[str, Any]:
    """Above: power in kW, consumption positive. Below: commitments relative to the baseline, up positive."""
    power: list[Series] = []
    if page.forecast is not None:
        for low, high, lower_kw, upper_kw in page.forecast.bands:
            name = _("baseline %(low).0f–%(high).0f %%") % {"low": low * 100, "high": high * 100}
            power.append({"name": name, "role": "band", "low": numbers(lower_kw), "high": numbers(upper_kw)})
        power.append({"name": _("baseline forecast"), "role": "baseline", "y": numbers(page.forecast.mean_kw)})
    if page.plan is not None:
        power.append({"name": _("plan"), "role": "plan", "y": numbers(page.plan.target_kw)})
    if not np.isnan(page.measured_kw).all():
        power.append({"name": _("measured"), "role": "measured", "y": numbers(page.measured_kw)})
    return {
        "labels": page.labels,
        "zone": page.day.zone,
        "panels": [
            {"title": _("Power, kW"), "series": power},
            {"title": _("Up, kW"), "series": commitment_series(page)},
        ],
    }


def commitment_series(page: DayPage) -> list[Series]:
    """What each award promised, bars; reserve that was only held is pale; and what was delivered in all."""
    series = [one for line in page.awarded for one in _award_series(line)]
    delivered = delivered_up_kw(page)
    if series and delivered is not None:
        series.append({"name": _("delivered"), "role": "measured", "y": numbers(delivered)})
    return series


def _award_series(line: BidLine) -> list[Series]:
    assert line.award is not None
    signed = np.asarray(line.award.up_kw) - np.asarray(line.award.down_kw)
    if line.is_capacity:
        found = [{"name": f"{line.title} (held)", "role": "held", "y": numbers(signed)}]
        if line.called_pu is not None:
            found.append({"name": f"{line.title}, called", "role": "called", "y": numbers(line.due_up_kw)})
        return found
    role = "ask" if line.bid.ask else "down" if signed.sum() < 0.0 else "up"
    return [{"name": line.title, "role": role, "y": numbers(signed)}]


def delivered_up_kw(page: DayPage) -> NDArray[np.float64] | None:
    """(H,) the plan's baseline less measured, up positive: what dispatch sees. Settlement has its own baseline."""
    if page.plan is None or len(page.plan.baseline_kw) != page.measured_kw.size:
        return None
    if np.isnan(page.measured_kw).all():
        return None
    return np.asarray(page.plan.baseline_kw) - page.measured_kw


def interval_table(page: DayPage) -> list[dict[str, Any]]:
    """The chart's numbers, one row per interval, for those who read rather than look."""
    delivered = delivered_up_kw(page)
    net = sum((line.due_up_kw for line in page.awarded), np.zeros(page.day.n_intervals))
    return [
        {
            "label": label,
            "baseline": page.forecast.mean_kw[index] if page.forecast else None,
            "plan": page.plan.target_kw[index] if page.plan else None,
            "measured": page.measured_kw[index],
            "reporting": page.reporting[index],
            "committed": net[index] if page.awarded else None,
            "delivered": None if delivered is None else delivered[index],
        }
        for index, label in enumerate(page.labels)
    ]


def ask_chart(chain: AskChain) -> dict[str, Any]:
    """Asked, bid, committed and delivered, in the direction of the ask."""
    series: list[Series] = [{"name": _("asked"), "role": "asked", "y": numbers(chain.ask.quantity_kw)}]
    for link in chain.links:
        series.append(
            {"name": f"bid v{link.bid.version}", "role": "baseline", "y": numbers(link.quantity_kw(link.bid))}
        )
        if link.award is not None:
            series.append({"name": _("committed"), "role": "up", "y": numbers(link.quantity_kw(link.award))})
        if link.performance is not None:
            delivered_up = np.array([np.nan if value is None else value for value in link.performance.delivered_kw])
            delivered = delivered_up if chain.ask.direction == "UP" else -delivered_up
            series.append({"name": _("delivered"), "role": "measured", "y": numbers(delivered)})
    title = f"{chain.ask.direction.capitalize()}, kW"
    wanted = np.flatnonzero(np.asarray(chain.ask.quantity_kw))
    first, last = (int(wanted[0]), int(wanted[-1])) if wanted.size else (0, len(chain.labels) - 1)
    return {
        "labels": chain.labels,
        "zone": chain.ask.time_zone,
        "overlay": True,
        "range": [max(first - MARGIN, 0) - 0.5, min(last + MARGIN, len(chain.labels) - 1) + 0.5],
        "panels": [{"title": title, "series": series}],
    }


def device_chart(page: DevicePage) -> dict[str, Any]:
    """A device's day: forecast of its own behaviour, what it was asked to do, what it did."""
    every = [
        {"name": _("forecast, undispatched"), "role": "baseline", "y": numbers(page.mean_kw)},
        {"name": _("setpoint"), "role": "plan", "y": numbers(page.target_kw)},
        {"name": _("measured"), "role": "measured", "y": numbers(page.measured_kw)},
    ]
    return {
        "labels": page.day.local_labels(),
        "zone": page.day.zone,
        "panels": [{"title": _("Power, kW"), "series": every}],
    }
