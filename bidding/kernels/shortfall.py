"""How likely it is that the devices can do less than what is offered, from the forecast's scenarios."""

from __future__ import annotations

import numpy as np

from bidding.kernels.problem import FloatArray


def shortfall_risk(
    offered_kw: FloatArray, storage_kw: FloatArray, load_kw: FloatArray, scenarios_kw: FloatArray, weight: FloatArray,
    *, step_hours: float,
) -> dict[str, float]:  # fmt: skip
    """{"chance": of the worst interval, "expected_kwh": over the day}.

    offered_kw (H,): all promises of one direction. storage_kw (H,): room that no forecast decides. load_kw (H,): room
    of loads and plants at its forecast, before anything is kept back; it is taken to grow and shrink with the
    portfolio's power, scenarios_kw (S, H) with weight (S,).
    """
    mean = np.abs(weight @ scenarios_kw)
    share = np.divide(np.abs(scenarios_kw), mean, out=np.ones_like(scenarios_kw), where=mean > 1e-6)
    short_kw = np.maximum(offered_kw - storage_kw - share * load_kw, 0.0)
    chance = weight @ (short_kw > 1e-6)
    return {
        "chance": round(float(chance.max(initial=0.0)), 4),
        "expected_kwh": round(float((weight @ short_kw).sum()) * step_hours, 3),
    }


def best_own_price(expected: float, scenarios: FloatArray, cost: float) -> float:
    """The price of a pay-as-bid offer that earns most: (price - cost) times the share of scenarios that take it.

    scenarios (S,): marginal accepted prices of earlier tenders. Without any, a margin below the expected price.
    """
    if not scenarios.size:
        return expected * (1.0 - MARGIN_PU)
    candidates = np.unique(np.append(scenarios, expected * (1.0 - MARGIN_PU)))
    earned = [(price - cost) * float(np.mean(scenarios >= price)) for price in candidates]
    return float(candidates[int(np.argmax(earned))])


MARGIN_PU = 0.05
