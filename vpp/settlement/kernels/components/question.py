"""One component as plain JSON data: rule, quantities and prices in, an amount and its detail out."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from vpp.lib.money import quantize_cents
from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.components import capacity, imbalance, regulation, reserves
from vpp.settlement.kernels.performance import band_factor
from vpp.settlement.kernels.value import Prices, priced, settled_kwh

Data = Mapping[str, Any]


class ComponentError(ValueError):
    """The question cannot be read; the message names the field."""


def answer_component(kind: str, rule: Data, question: Data) -> dict[str, Any]:
    """{kind, amount (EUR, rounded to the cent once, positive earns), detail}. Raises ComponentError."""
    if kind not in COMPONENTS:
        raise ComponentError(f"component {kind!r} is unknown; known: {', '.join(COMPONENTS)}")
    try:
        amount, detail = COMPONENTS[kind](rule, question)
    except KeyError as error:
        raise ComponentError(f"field {error.args[0]!r} is missing") from error
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ComponentError(str(error)) from error
    return {"kind": kind, "amount": str(quantize_cents(amount)), "detail": detail}


def _array(data: Data, field: str) -> FloatArray:
    return np.array([np.nan if value is None else float(value) for value in data[field]], dtype=np.float64)


def _prices(data: Data, field: str = "price_per_mwh") -> Prices:
    return [None if value is None else Decimal(str(value)) for value in data[field]]


def _money(data: Data, field: str, default: str | None = None) -> Decimal:
    return Decimal(str(data[field] if default is None else data.get(field, default)))


def _step(data: Data) -> int:
    return int(data.get("interval_minutes", 15))


def _regulation_pjm(rule: Data, data: Data) -> tuple[Decimal, dict[str, Any]]:
    """Credit = MW x score x (capability price + mileage ratio x performance price) x hours."""
    seconds = {name: int(rule[name]) for name in ("step_s", "window_s", "longest_delay_s") if name in rule}
    score = regulation.pjm_score(_array(data, "signal"), _array(data, "response"), **seconds)
    price = _money(data, "capability_price") + _money(data, "mileage_ratio", "1") * _money(
        data, "performance_price", "0"
    )
    amount = _money(data, "capacity_mw") * Decimal(repr(score.total)) * price * _money(data, "hours", "1")
    detail = {"correlation": score.correlation, "delay": score.delay, "precision": score.precision}
    return amount, {**detail, "score": score.total, "eligible": score.total >= float(rule.get("least_score", 0.4))}


def _regulation_caiso(rule: Data, data: Data) -> tuple[Decimal, dict[str, Any]]:
    """Capacity payment + mileage x price x accuracy."""
    accuracy = regulation.caiso_accuracy(_array(data, "setpoint"), _array(data, "telemetry"))
    moved = regulation.mileage(_array(data, "setpoint"))
    mileage_part = Decimal(repr(moved)) * _money(data, "mileage_price") * Decimal(repr(accuracy))
    amount = _money(data, "capacity_payment", "0") + mileage_part
    least = float(rule.get("least_accuracy", 0.25))
    return amount, {"accuracy": accuracy, "mileage": moved, "eligible": accuracy >= least}


def _rescission(rule: Data, data: Data) -> tuple[Decimal, dict[str, Any]]:
    lost = reserves.rescission(_array(data, "awarded_kw"), _array(data, "undelivered_kw"), _prices(data), _step(data))
    return -lost * _money(rule, "factor", "1"), {}


def _capacity(rule: Data, data: Data) -> tuple[Decimal, dict[str, Any]]:
    band = [(float(x), float(k)) for x, k in rule["band"]]
    delivered = [float(x) for x in data["delivered_pu"]]
    amount = capacity.capacity_payment(
        float(data["committed_mw"]), _money(data, "price_per_mw_day"), int(data["days"]), delivered, band
    )
    return amount, {"factors": [band_factor(x, band) for x in delivered]}


def _shortfall(rule: Data, data: Data) -> tuple[Decimal, dict[str, Any]]:
    charge = capacity.shortfall_charge(
        _array(data, "shortfall_mw"),
        _money(data, "net_cone_per_mw_day"),
        charged_before=_money(data, "charged_before", "0"),
        stop_loss_factor=_money(rule, "stop_loss_factor", "1.5"),
        committed_mw=_money(data, "committed_mw"),
    )
    return -charge, {}


def _single(rule: Data, data: Data) -> tuple[Decimal, dict[str, Any]]:
    position, schedule = _array(data, "position_kw"), _array(data, "scheduled_kw")
    return imbalance.imbalance_single(position, schedule, _prices(data), _step(data)), {}


def _dual(rule: Data, data: Data) -> tuple[Decimal, dict[str, Any]]:
    position, schedule = _array(data, "position_kw"), _array(data, "scheduled_kw")
    sell, buy = _prices(data, "sell_price_per_mwh"), _prices(data, "buy_price_per_mwh")
    return imbalance.imbalance_dual(position, schedule, sell, buy, _step(data)), {}


def _deviation(rule: Data, data: Data) -> tuple[Decimal, dict[str, Any]]:
    charge = imbalance.uninstructed_deviation(
        _array(data, "actual_kw"),
        _array(data, "setpoint_kw"),
        _prices(data),
        _step(data),
        band_kw=float(rule["band_kw"]),
        band_pu=float(rule["band_pu"]),
        factor=_money(rule, "factor", "1"),
    )
    return -charge, {}


def _net_benefits(rule: Data, data: Data) -> tuple[Decimal, dict[str, Any]]:
    kwh = settled_kwh(_array(data, "delivered_kw"), _step(data))
    loss = _money(data, "loss_factor", "0")
    return imbalance.net_benefits_energy(kwh, _prices(data), _money(data, "threshold_per_mwh"), loss_factor=loss), {}


def _bands(rule: Data, data: Data) -> tuple[Decimal, dict[str, Any]]:
    """Utilisation at the instructed energy x price x k(delivered / instructed)."""
    instructed, delivered = _array(data, "instructed_kw"), np.nan_to_num(_array(data, "delivered_kw"), nan=0.0)
    whole = float(instructed.sum())
    share = float(delivered.sum()) / whole if whole > 0 else float("nan")
    factor = band_factor(share, [(float(x), float(k)) for x, k in rule["band"]])
    capped = np.minimum(np.maximum(delivered, 0.0), instructed)
    energy = priced(settled_kwh(capped, _step(data)), _prices(data))
    return energy * Decimal(repr(factor)), {"share": share, "factor": factor}


COMPONENTS: Mapping[str, Callable[[Data, Data], tuple[Decimal, dict[str, Any]]]] = {
    "REGULATION_PJM": _regulation_pjm,
    "REGULATION_CAISO": _regulation_caiso,
    "RESERVE_RESCISSION": _rescission,
    "CAPACITY_FACTOR": _capacity,
    "CAPACITY_SHORTFALL": _shortfall,
    "IMBALANCE_SINGLE": _single,
    "IMBALANCE_DUAL": _dual,
    "UNINSTRUCTED_DEVIATION": _deviation,
    "NET_BENEFITS_ENERGY": _net_benefits,
    "UTILISATION_BANDS": _bands,
}
