"""Pictures of settlement: an award's delivery, and how a baseline came about."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from vpp.console.charts import MARGIN, Series, numbers
from vpp.console.queries.settlement import AwardPage, BaselineGroup, FloatArray
from vpp.settlement.models import CertificationFit


def award_chart(page: AwardPage) -> dict[str, Any]:
    """Above: baseline and meter of all nominated devices together. Below: committed and delivered, up positive."""
    performance = page.performance

    def known(values: list[float | None]) -> FloatArray:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    power: list[Series] = [
        {"name": _("baseline"), "role": "plan", "y": numbers(known(performance.baseline_kw))},
        {"name": _("measured"), "role": "measured", "y": numbers(known(performance.metered_kw))},
    ]
    moved: list[Series] = [
        {"name": _("committed"), "role": "up", "y": numbers(known(performance.committed_kw))},
        {"name": _("delivered"), "role": "measured", "y": numbers(known(performance.delivered_kw))},
    ]
    return {
        "labels": page.day.local_labels(),
        "zone": page.day.zone,
        "panels": [{"title": _("Power, kW"), "series": power}, {"title": _("Up, kW"), "series": moved}],
    }


def baseline_chart(group: BaselineGroup, page: AwardPage) -> dict[str, Any]:
    """The chosen days thin, their mean, the adjusted baseline and what was measured."""
    labels = page.day.local_labels()
    series: list[Series] = [
        {
            "name": day,
            "role": "thin",
            "group": _("chosen days"),
            "first": not number,
            "y": numbers(on_clock(power_kw, len(labels))),
        }
        for number, (day, power_kw) in enumerate(group.chosen_kw.items())
    ]
    series.append({"name": _("mean of the chosen days"), "role": "baseline", "y": placed(group.mean_kw, group, labels)})
    series.append({"name": _("adjusted baseline"), "role": "plan", "y": placed(group.adjusted_kw, group, labels)})
    if group.actual_kw is not None:
        series.append({"name": _("measured"), "role": "measured", "y": numbers(group.actual_kw)})
    shown = [max(group.event.start - MARGIN * 2, 0) - 0.5, min(group.event.stop + MARGIN, len(labels)) - 0.5]
    return {
        "labels": labels,
        "zone": page.day.zone,
        "range": shown,
        "panels": [{"title": _("Power, kW"), "series": series}],
    }


def placed(values_kw: FloatArray, group: BaselineGroup, labels: list[str]) -> list[float | None]:
    """(E,) event values on the day's axis."""
    whole = np.full(len(labels), np.nan)
    whole[group.event] = values_kw[: group.event.stop - group.event.start]
    return numbers(whole)


def on_clock(power_kw: FloatArray, count: int) -> FloatArray:
    """A reference day on the delivery day's axis, by position; a clock change leaves its end open or cut."""
    fitted = np.full(count, np.nan)
    fitted[: min(count, power_kw.size)] = power_kw[:count]
    return fitted


def fit_chart(fits: list[CertificationFit]) -> dict[str, Any]:
    """Error and bias of each method, in per cent of the mean load; the gates are told beside it."""

    def percent(value: float | None) -> float:
        return np.nan if value is None else value * 100.0

    series: list[Series] = [
        {"name": _("error"), "role": "up", "y": numbers([percent(fit.rrmse_pu) for fit in fits])},
        {"name": _("bias"), "role": "down", "y": numbers([percent(fit.bias_pu) for fit in fits])},
    ]
    return {
        "labels": [f"{fit.profile.name} ({fit.level.lower()})" for fit in fits],
        "every": 1,
        "grouped": True,
        "panels": [{"title": _("Of the mean load, %"), "unit": "%", "series": series}],
    }


def placebo_chart(fits: list[CertificationFit]) -> dict[str, Any] | None:
    """The best method's baseline beside the meter, one pair an event."""
    best = next((fit for fit in fits if fit.passes and fit.placebo), next((fit for fit in fits if fit.placebo), None))
    if best is None:
        return None
    series: list[Series] = [
        {
            "name": f"baseline, {best.profile.name}",
            "role": "up",
            "y": numbers([one["baseline_kwh"] for one in best.placebo]),
        },
        {"name": _("metered"), "role": "asked", "y": numbers([one["actual_kwh"] for one in best.placebo])},
    ]
    return {
        "labels": [one["date"] for one in best.placebo],
        "every": 1,
        "grouped": True,
        "panels": [{"title": _("Energy of the event, kWh"), "unit": "kWh", "series": series}],
    }
