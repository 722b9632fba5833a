"""One baseline question as plain JSON data and its answer: `manage.py baseline FILE.json`.

Import is positive; values are kWh per interval, null is missing. A question that cannot be read raises
`QuestionError`, which names the field.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from vpp.settlement.kernels import question_fields as fields
from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray
from vpp.settlement.kernels.control import answer_control_group
from vpp.settlement.kernels.grid import Event, Series
from vpp.settlement.kernels.profiles import (
    ProfileError,
    canonical_name,
    override_profile,
    profile_from_dict,
    shipped_profile,
    shipped_profiles,
)
from vpp.settlement.kernels.question_fields import DECIMALS, QuestionError
from vpp.settlement.kernels.schedule import answer_nomination, answer_schedule
from vpp.settlement.kernels.windows import MbmaRule, answer_mbma, answer_window_mean
from vpp.settlement.kernels.x_of_y import Circumstances, answer_x_of_y, grid_for


def answer_baseline_question(question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one question, as JSON data; raises QuestionError."""
    try:
        method, params = _method(question)
        event = Event(fields.moment(question["event"], "start"), fields.moment(question["event"], "end"))
        series, values = fields.series(question)
        answer = METHODS[method](question, params, event, series, values)
    except KeyError as error:
        raise QuestionError(f"field {error.args[0]!r} is missing or unknown") from error
    except (ProfileError, TypeError, ValueError) as error:
        raise error if isinstance(error, QuestionError) else QuestionError(str(error)) from error
    return answer_as_dict(answer)


def answer_as_dict(answer: BaselineAnswer) -> dict[str, Any]:
    """An answer as JSON data, numbers at 1e-6 kWh, missing as null."""
    total = answer.total_reduction_kwh
    return {
        "status": str(answer.status),
        "method": answer.method,
        "reason": answer.reason,
        "intervals": [f"{start}Z" for start in answer.starts.astype("datetime64[s]")],
        "coverage": fields.numbers(answer.coverage),
        "selected_days": [day.isoformat() for day, _ in answer.selected],
        "weights": [round(weight, 9) for _, weight in answer.selected],
        "unadjusted_kwh": fields.numbers(answer.unadjusted_kwh),
        "adjustment": {
            "kind": answer.adjustment.kind,
            "status": answer.adjustment.status,
            "raw": fields.number(answer.adjustment.raw, 9),
            "applied": fields.number(answer.adjustment.applied, 9),
        },
        "baseline_kwh": fields.numbers(answer.baseline_kwh),
        "actual_kwh": fields.numbers(answer.actual_kwh),
        "reduction_kwh": fields.numbers(answer.reduction_kwh),
        "total_reduction_kwh": fields.number(total, DECIMALS),
        "excluded": [{"date": day.isoformat(), "reason": reason} for day, reason in answer.excluded],
        **({"extra": dict(answer.extra)} if answer.extra else {}),
    }


def _x_of_y(
    question: Mapping[str, Any], params: dict[str, Any], event: Event, series: Series, values: FloatArray
) -> BaselineAnswer:
    if "preset" in question:
        profile = override_profile(shipped_profile(question["preset"]), params)
    else:
        profile = profile_from_dict(str(question["method"]), params)
    temperatures = question.get("daily_max_temp")
    circumstances = Circumstances(
        holidays=fields.dates(question, "holidays"),
        event_days=fields.dates(question, "event_days"),
        outage_days=fields.dates(question, "outage_days"),
        other_events=fields.pairs(question.get("other_events_same_day") or ()),
        daily_max_temp={date.fromisoformat(day): float(temp) for day, temp in temperatures.items() if temp is not None}
        if temperatures
        else None,
    )
    return answer_x_of_y(values, grid_for(profile, event, series, fields.zone(question)), profile, circumstances)


def _mbma(
    question: Mapping[str, Any], params: dict[str, Any], event: Event, series: Series, values: FloatArray
) -> BaselineAnswer:
    rule = MbmaRule(str(params["shape"]), int(params.get("intervals", 4)), int(params.get("gap_intervals", 0)))
    return answer_mbma(values, event, series, rule)


def _window_mean(
    question: Mapping[str, Any], params: dict[str, Any], event: Event, series: Series, values: FloatArray
) -> BaselineAnswer:
    return answer_window_mean(values, event, series, fields.windows(params.get("windows") or ()))


def _control_group(
    question: Mapping[str, Any], params: dict[str, Any], event: Event, series: Series, values: FloatArray
) -> BaselineAnswer:
    rows = question["control_values"]
    rows = rows if rows and isinstance(rows[0], Sequence) else [rows]
    controls = np.array([fields.floats(row, values.size, "control_values") for row in rows])
    return answer_control_group(values, controls, event, series, fields.windows(params.get("windows") or ()))


def _schedule(
    question: Mapping[str, Any], params: dict[str, Any], event: Event, series: Series, values: FloatArray
) -> BaselineAnswer:
    return answer_schedule(values, event, series, fields.scheduled_kwh(params, series))


def _nomination(
    question: Mapping[str, Any], params: dict[str, Any], event: Event, series: Series, values: FloatArray
) -> BaselineAnswer:
    submitted = fields.moment(params, "submitted_at") if params.get("submitted_at") else None
    gate = fields.moment(params, "gate_at") if params.get("gate_at") else event.start
    scheduled = fields.scheduled_kwh(params, series)
    return answer_nomination(values, event, series, scheduled, submitted, gate)


Method = Callable[[Mapping[str, Any], dict[str, Any], Event, Series, FloatArray], BaselineAnswer]
METHODS: Mapping[str, Method] = {
    "x_of_y": _x_of_y,
    "mbma": _mbma,
    "window_mean": _window_mean,
    "control_group": _control_group,
    "schedule": _schedule,
    "nomination": _nomination,
}


def _method(question: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The method's name and its parameters, from a preset with overrides or from the question alone."""
    params = dict(question.get("params") or {})
    if "preset" in question:
        data = shipped_profiles().get(canonical_name(str(question["preset"])))
        if data is None:
            raise QuestionError(
                f"preset {question['preset']!r} is unknown; known: {', '.join(sorted(shipped_profiles()))}"
            )
        method = str(data.get("method", "x_of_y"))
        return method, params if method == "x_of_y" else {**data, **params}
    if "method" not in question:
        raise QuestionError("field 'preset' or 'method' is missing")
    method = str(question["method"]).lower()
    if method.startswith("mbma_"):
        return "mbma", {"shape": method.removeprefix("mbma_"), **params}
    if method not in METHODS:
        raise QuestionError(f"method {method!r} is unknown; known: {', '.join(METHODS)}")
    return method, params
