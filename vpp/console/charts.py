"""What the charts draw, as plain JSON: labels, series and units. Colours and layout live with the script."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpp.console.queries.ask_chain import AskChain
from vpp.console.queries.bids import BidLine
from vpp.console.queries.day import DayPage, FloatArray

Series = dict[str, Any]
MARGIN = 12  # intervals shown around the window of an ask


def numbers(values: FloatArray | list[float]) -> list[float | None]:
    """Rounded to a watt; NaN becomes null, a gap in the line."""
    rounded = np.round(np.asarray(values, dtype=np.float64), 3)
    return [None if np.isnan(value) else float(value) + 0.0 for value in rounded]


def zone_name(page_labels: list[str]) -> str:
    """What a reader must know about the labels of a clock-change day."""
    if any(label.endswith("B") for label in page_labels):
        return "clock goes back: B marks the second pass of the repeated hour"
    return "clock goes forward: one hour is missing" if len(page_labels) == 92 else ""


def day_chart(page: DayPage) -> dict[str, Any]:
    """Above: power in kW, consumption positive. Below: commitments relative to the baseline, up positive."""
    power: list[Series] = []
    if page.forecast is not None:
        for low, high, lower_kw, upper_kw in page.forecast.bands:
            name = f"baseline {low * 100:.0f}–{high * 100:.0f} %"
            power.append({"name": name, "role": "band", "low": numbers(lower_kw), "high": numbers(upper_kw)})
        power.append({"name": "baseline forecast", "role": "baseline", "y": numbers(page.forecast.mean_kw)})
    if page.plan is not None:
        power.append({"name": "plan", "role": "plan", "y": numbers(page.plan.target_kw)})
    if not np.isnan(page.measured_kw).all():
        power.append({"name": "measured", "role": "measured", "y": numbers(page.measured_kw)})
    return {
        "labels": page.labels,
        "zone": page.day.zone,
        "panels": [
            {"title": "Power, kW", "series": power},
            {"title": "Up, kW", "series": commitment_series(page)},
        ],
    }


def commitment_series(page: DayPage) -> list[Series]:
    """One bar series per award and direction, and what was delivered in all."""
    series: list[Series] = []
    for line in page.awarded:
        assert line.award is not None
        for way, values, sign in (("up", line.award.up_kw, 1.0), ("down", line.award.down_kw, -1.0)):
            if any(values):
                signed = numbers(sign * np.asarray(values))
                role = "held" if line.is_capacity else way
                name = f"{line.title} (held)" if line.is_capacity else f"{line.title} {way}"
                series.append({"name": name, "role": role, "y": signed})
    delivered = delivered_up_kw(page)
    if series and delivered is not None:
        series.append({"name": "delivered", "role": "measured", "y": numbers(delivered)})
    return series


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
    awarded = [line for line in page.awarded if line.award is not None and not line.is_capacity]
    net = np.zeros(page.day.n_intervals)
    for line in awarded:
        net += _net_kw(line)
    return [
        {
            "label": label,
            "baseline": page.forecast.mean_kw[index] if page.forecast else None,
            "plan": page.plan.target_kw[index] if page.plan else None,
            "measured": page.measured_kw[index],
            "reporting": page.reporting[index],
            "committed": net[index] if awarded else None,
            "delivered": None if delivered is None else delivered[index],
        }
        for index, label in enumerate(page.labels)
    ]


def _net_kw(line: BidLine) -> FloatArray:
    assert line.award is not None
    return np.asarray(line.award.up_kw) - np.asarray(line.award.down_kw)


def ask_chart(chain: AskChain) -> dict[str, Any]:
    """Asked, bid, committed and delivered, in the direction of the ask."""
    series: list[Series] = [{"name": "asked", "role": "asked", "y": numbers(chain.ask.quantity_kw)}]
    for link in chain.links:
        series.append(
            {"name": f"bid v{link.bid.version}", "role": "baseline", "y": numbers(link.quantity_kw(link.bid))}
        )
        if link.award is not None:
            series.append({"name": "committed", "role": "up", "y": numbers(link.quantity_kw(link.award))})
        if link.performance is not None:
            delivered = [np.nan if value is None else value for value in link.performance.delivered_kw]
            series.append({"name": "delivered", "role": "measured", "y": numbers(delivered)})
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
