"""Lines of what was held ready: rescission, regulation scores, capacity factors and shortfalls."""

from decimal import Decimal

import numpy as np

from vpp.settlement.kernels.components import capacity, regulation, reserves
from vpp.settlement.kernels.components.facts import Facts, Line, Rule, decimal_of, line_name
from vpp.settlement.kernels.value import priced, settled_kwh


def rescission(rule: Rule, facts: Facts) -> list[Line]:
    """The capacity payment of what was called for and did not come is taken back."""
    lost = reserves.rescission(facts.capacity_kw, facts.missing_kw, facts.price(rule), facts.step_minutes)
    return [Line(line_name(rule), "performance_adjustment", -lost * decimal_of(rule, "factor", "1"))]


def _capacity_mw(facts: Facts) -> float:
    return float(facts.capacity_kw.max(initial=0.0)) / 1000


def regulation_pjm(rule: Rule, facts: Facts) -> list[Line]:
    """MW x score x (capability price + mileage ratio x performance price), over the awarded hours."""
    given = facts.input("REGULATION_PJM", ("signal", "response"))
    seconds = {name: int(rule[name]) for name in ("step_s", "window_s", "longest_delay_s") if name in rule}
    signal, response = (np.array(given[name], dtype=np.float64) for name in ("signal", "response"))
    score = regulation.pjm_score(signal, response, **seconds)
    held = priced(settled_kwh(facts.capacity_kw, facts.step_minutes), facts.price(rule))
    moved = priced(
        settled_kwh(facts.capacity_kw, facts.step_minutes),
        [Decimal(str(given.get("mileage_ratio", 1))) * Decimal(str(given.get("performance_price", 0)))]
        * facts.capacity_kw.size,
    )
    if score.total < float(rule.get("least_score", 0.4)):
        return [Line(line_name(rule), "availability", Decimal(0), {"score": score.total, "eligible": False})]
    detail = {"correlation": score.correlation, "delay": score.delay, "precision": score.precision}
    amount = (held + moved) * Decimal(repr(score.total))
    return [Line(line_name(rule), "availability", amount, {**detail, "score": score.total, "eligible": True})]


def regulation_caiso(rule: Rule, facts: Facts) -> list[Line]:
    """Capacity, and mileage x price x accuracy."""
    given = facts.input("REGULATION_CAISO", ("setpoint", "telemetry", "mileage_price"))
    setpoint, telemetry = (np.array(given[name], dtype=np.float64) for name in ("setpoint", "telemetry"))
    accuracy, moved = regulation.caiso_accuracy(setpoint, telemetry), regulation.mileage(setpoint)
    held = priced(settled_kwh(facts.capacity_kw, facts.step_minutes), facts.price(rule))
    price = Decimal(str(given["mileage_price"])) * Decimal(repr(accuracy))
    detail = {"accuracy": accuracy, "mileage": moved, "eligible": accuracy >= float(rule.get("least_accuracy", 0.25))}
    return [
        Line(f"{line_name(rule)}_capacity", "availability", held),
        Line(f"{line_name(rule)}_mileage", "utilisation", Decimal(repr(moved)) * price, detail),
    ]


def capacity_factor(rule: Rule, facts: Facts) -> list[Line]:
    """Committed MW x price per day x k(x) over tests and events of the day."""
    shares = [float(x) for x in facts.inputs.get("CAPACITY_FACTOR", {}).get("delivered_pu", [facts.share])]
    band = [(float(x), float(k)) for x, k in rule.get("band", [[0.0, 0.0], [1.0, 1.0]])]
    price = decimal_of(rule, "price_per_mw_day")
    full = Decimal(repr(_capacity_mw(facts))) * price
    paid = capacity.capacity_payment(_capacity_mw(facts), price, 1, shares, band)
    return [
        Line(line_name(rule), "availability", full),
        Line(f"{line_name(rule)}_adjustment", "performance_adjustment", paid - full, {"shares": shares}),
    ]


def capacity_shortfall(rule: Rule, facts: Facts) -> list[Line]:
    """What was not delivered, per five minutes, at the rate of Net CONE, within the stop-loss."""
    before = facts.inputs.get("CAPACITY_SHORTFALL", {}).get("charged_before", "0")
    charge = capacity.shortfall_charge(
        np.repeat(facts.missing_kw / 1000, facts.step_minutes // 5),
        decimal_of(rule, "net_cone_per_mw_day"),
        charged_before=Decimal(str(before)),
        stop_loss_factor=decimal_of(rule, "stop_loss_factor", "1.5"),
        committed_mw=Decimal(repr(_capacity_mw(facts))),
    )
    return [Line(line_name(rule), "penalty", -charge)]


def pay_for_performance(rule: Rule, facts: Facts) -> list[Line]:
    """(delivered - balancing ratio x obligation) x rate; may be negative."""
    ratio = np.full(facts.capacity_kw.size, float(rule.get("balancing_ratio", 1.0)))
    called = np.where(facts.ordered_kw > 0, facts.along_kw, 0.0) / 1000
    amount = capacity.performance_score_payment(
        called, np.where(facts.ordered_kw > 0, ratio, 0.0), _capacity_mw(facts), decimal_of(rule, "rate_per_mwh"),
        facts.step_minutes,
    )  # fmt: skip
    return [Line(line_name(rule), "performance_adjustment", amount)]
