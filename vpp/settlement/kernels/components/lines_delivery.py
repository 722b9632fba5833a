"""Lines of what was delivered: energy, utilisation, deviations, penalties for what is missing, fees."""

from decimal import Decimal

import numpy as np

from vpp.settlement.kernels.components import imbalance
from vpp.settlement.kernels.components.facts import Facts, Line, Rule, TermsIncomplete, decimal_of, line_name
from vpp.settlement.kernels.performance import band_factor
from vpp.settlement.kernels.value import priced, settled_kwh


def _adjusted(rule: Rule, facts: Facts, category: str, full: Decimal) -> list[Line]:
    """A payment in full and, with a band, the line that takes it to k(share)."""
    lines = [Line(line_name(rule), category, full)]
    if rule.get("band"):
        factor = band_factor(facts.share, [(float(x), float(k)) for x, k in rule["band"]])
        change = full * Decimal(repr(factor)) - full
        lines.append(Line(f"{line_name(rule)}_adjustment", "performance_adjustment", change, {"factor": factor}))
    return lines


def availability(rule: Rule, facts: Facts) -> list[Line]:
    """Capacity held x price x hours, and k(share)."""
    held = priced(settled_kwh(facts.capacity_kw, facts.step_minutes), facts.price(rule))
    return _adjusted(rule, facts, "availability", held)


def utilisation(rule: Rule, facts: Facts) -> list[Line]:
    """Delivered energy, at most `cap_pu` of what was called, x price, and k(share)."""
    paid = np.clip(facts.along_kw, 0.0, float(rule.get("cap_pu", 1.0)) * facts.ordered_kw)
    return _adjusted(rule, facts, "utilisation", priced(settled_kwh(paid, facts.step_minutes), facts.price(rule)))


def two_settlement(rule: Rule, facts: Facts) -> list[Line]:
    """q_DA x P_DA, and (q_RT - q_DA) x P_RT, with losses."""
    sold, real = (
        settled_kwh(np.where(facts.committed_kw != 0, power, 0.0), facts.step_minutes)
        for power in (facts.committed_kw, facts.delivered_kw)
    )
    losses = 1 + decimal_of(rule, "loss_factor")
    gap = [after - before for after, before in zip(real, sold, strict=True)]
    return [
        Line("day_ahead", "energy", priced(sold, facts.price(rule)) * losses),
        Line("real_time", "energy", priced(gap, facts.price(rule, "real_time_price", "energy")) * losses),
    ]


def net_benefits(rule: Rule, facts: Facts) -> list[Line]:
    """Order 745: delivered x price where the price reaches the month's threshold; else nothing. `less_per_mwh`: the
    older form, less the avoided cost."""
    thresholds = rule.get("threshold_per_mwh", {})
    if facts.month not in thresholds:
        raise TermsIncomplete(f"net-benefits threshold of {facts.month}")
    kwh = settled_kwh(np.maximum(facts.along_kw, 0.0), facts.step_minutes)
    threshold, less = Decimal(str(thresholds[facts.month])), decimal_of(rule, "less_per_mwh")
    paid = [
        price if price is None else price - less if price >= threshold else Decimal(0)
        for price in facts.price(rule, default="energy")
    ]
    amount = priced(kwh, paid) * (1 + decimal_of(rule, "loss_factor"))
    return [Line(line_name(rule), "energy", amount, {"threshold_per_mwh": str(threshold)})]


def deficiency(rule: Rule, facts: Facts) -> list[Line]:
    """What was not delivered x `penalty_price` (or the price) x `factor`, at most `stop_loss` for the award."""
    prices = facts.price(rule, "penalty_price" if "penalty_price" in rule else "price")
    short = priced(settled_kwh(facts.missing_kw, facts.step_minutes), prices)
    charge = max(Decimal(0), short * decimal_of(rule, "factor", "1"))
    if rule.get("stop_loss") is not None:
        charge = min(charge, decimal_of(rule, "stop_loss"))
    return [Line(line_name(rule), "penalty", -charge)]


def uftp(rule: Rule, facts: Facts) -> list[Line]:
    """Per ISP: price x min(ordered, max(0, d)) - penalty x max(0, ordered - d)."""
    return [*utilisation({**rule, "name": "utilisation"}, facts), *deficiency({**rule, "name": "deficiency"}, facts)]


def fee(rule: Rule, facts: Facts) -> list[Line]:
    """A market's or platform's fee: `per_event`, `per_mwh` of what was delivered, `per_kw` of the highest award."""
    mwh = sum(settled_kwh(np.maximum(facts.along_kw, 0.0), facts.step_minutes), Decimal(0)) / 1000
    event = decimal_of(rule, "per_event") if np.any(facts.committed_kw) else Decimal(0)
    highest = Decimal(repr(float(facts.capacity_kw.max(initial=0.0))))
    charge = event + mwh * decimal_of(rule, "per_mwh") + highest * decimal_of(rule, "per_kw")
    return [Line(line_name(rule), "fee", -charge)]


def supplier(rule: Rule, facts: Facts) -> list[Line]:
    """Transfer of energy: the supplier is paid for what was delivered."""
    kwh = settled_kwh(np.maximum(facts.along_kw, 0.0), facts.step_minutes)
    return [Line(line_name(rule), "fee", -imbalance.supplier_compensation(kwh, decimal_of(rule, "per_mwh")))]


def single(rule: Rule, facts: Facts) -> list[Line]:
    """(delivered - called) at one imbalance price."""
    amount = imbalance.imbalance_single(facts.delivered_kw, facts.committed_kw, facts.price(rule), facts.step_minutes)
    return [Line(line_name(rule), "energy", amount)]


def dual(rule: Rule, facts: Facts) -> list[Line]:
    """Surplus at the sell price, shortage at the buy price."""
    sell, buy = facts.price(rule, "sell_price"), facts.price(rule, "buy_price")
    amount = imbalance.imbalance_dual(facts.delivered_kw, facts.committed_kw, sell, buy, facts.step_minutes)
    return [Line(line_name(rule), "energy", amount)]


def deviation(rule: Rule, facts: Facts) -> list[Line]:
    """Outside max(a kW, b of the call): charged."""
    charge = imbalance.uninstructed_deviation(
        facts.delivered_kw, facts.committed_kw, facts.price(rule), facts.step_minutes,
        band_kw=float(rule.get("band_kw", 5000)), band_pu=float(rule.get("band_pu", 0.03)),
        factor=decimal_of(rule, "factor", "1"),
    )  # fmt: skip
    return [Line(line_name(rule), "penalty", -charge)]
