"""One baseline question as plain JSON data and its answer: `manage.py baseline FILE.json`.

Import is positive; values are kWh per interval, null is missing. A question that cannot be read raises
`QuestionError`, which names the field.
"""

from collections.abc import Mapping
from typing import Any

from vpp.settlement.kernels import question_fields as fields
from vpp.settlement.kernels.answers import BaselineAnswer
from vpp.settlement.kernels.calendar import squashed
from vpp.settlement.kernels.profile_data import canonical_name, shipped_profiles
from vpp.settlement.kernels.profiles import ProfileError
from vpp.settlement.kernels.question_fields import DECIMALS, QuestionError
from vpp.settlement.kernels.question_methods import METHODS, Asked
from vpp.settlement.kernels.windows import SHAPES

# Other names of the day-matching engine, squashed, with the pick they mean.
X_OF_Y_METHODS: Mapping[str, str] = {
    "xofy": "",
    "daymatching": "",
    "highxofy": "highest",
    "highestxofy": "highest",
    "midxofy": "middle",
    "middlexofy": "middle",
}


def answer_baseline_question(question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one question, as JSON data; raises QuestionError."""
    try:
        method, name, params = _method(question)
        answer = METHODS[method](Asked.read(question, name, params))
    except KeyError as error:
        raise QuestionError(fields.missing(str(error.args[0]))) from error
    except (ProfileError, TypeError, ValueError, AttributeError, IndexError) as error:
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


def _method(question: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """(method, name, parameters) from a preset with overrides, or from the question alone.

    A preset's parameters come first; for day matching its name is enough, overrides are merged field by field there.
    """
    params = fields.mapping(question.get("params") or {}, "params", "{parameter: value} of the preset's overrides")
    if "preset" in question and question["preset"] is not None:
        return _of_preset(str(question["preset"]), params)
    if question.get("method") is None:
        raise QuestionError(fields.missing("preset"))
    method = str(question["method"]).strip().lower()
    if method in METHODS:
        return method, method.upper(), params
    if method.startswith("mbma_") and method.removeprefix("mbma_") in SHAPES:
        return "mbma", method.upper(), {"shape": method.removeprefix("mbma_"), **params}
    if squashed(method) in X_OF_Y_METHODS:
        pick = X_OF_Y_METHODS[squashed(method)]
        return "x_of_y", method.upper(), {**({"pick": pick} if pick else {}), **params}
    if canonical_name(method):
        return _of_preset(method, params)
    raise QuestionError(f"method {method!r} is unknown; known: {', '.join(METHODS)} and the names of presets")


def _of_preset(preset: str, params: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    name = canonical_name(preset)
    if name is None:
        raise QuestionError(f"preset {preset!r} is unknown; known: {', '.join(sorted(shipped_profiles()))}")
    data = shipped_profiles()[name]
    method = str(data.get("method", "x_of_y"))
    if method in ("x_of_y", "mgo"):
        return method, name, params
    return method, name, {**{key: value for key, value in data.items() if key not in ("method", "source")}, **params}
