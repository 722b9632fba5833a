"""The what-if file solved by another hand: a matrix spelled out row by row from the text of the format, scipy's solver.

Nothing of `bidding` is used. kW become MW; every storage and interval has its direction binary.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_matrix


class _Rows:
    def __init__(self) -> None:
        self.lower: list[float] = []
        self.upper: list[float] = []
        self.whole: list[int] = []
        self.cost: list[float] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self.entries: list[tuple[int, int, float]] = []

    def var(self, low: float = 0.0, high: float = np.inf, whole: int = 0) -> int:
        self.lower.append(low)
        self.upper.append(high)
        self.whole.append(whole)
        self.cost.append(0.0)
        return len(self.lower) - 1

    def row(self, terms: list[tuple[int, float]], low: float, high: float) -> None:
        for column, value in terms:
            self.entries.append((len(self.low), column, value))
        self.low.append(low)
        self.high.append(high)


def reference_objective(raw: dict[str, Any], gap: float = 1e-9, relax: bool = False) -> float:
    """The optimum of a what-if file."""
    m = _Rows()
    dt, T = raw["interval_minutes"] / 60, raw["intervals"]
    S = len(raw["probability"])
    limit = raw["position_limit_kw"] / 1e3
    e, imb = raw["energy"], raw["imbalance"]
    per = round(e["mtu_minutes"] / raw["interval_minutes"])
    H = T // per
    profit: list[list[tuple[int, float]]] = [[] for _ in range(S)]
    if e["curve"]:
        x = [[m.var(-limit, limit) for _ in range(H)] for _ in range(S)]
        for h in range(H):
            for a in range(S):
                for b in range(S):
                    pa, pb = e["price_per_mwh"][a][h], e["price_per_mwh"][b][h]
                    if a != b and pa <= pb:
                        m.row([(x[b][h], 1), (x[a][h], -1)], 0, 0 if pa == pb else np.inf)
    else:
        one = [m.var(-limit, limit) for _ in range(H)]
        x = [one] * S
        least = e["min_quantity_kw"] / 1e3
        if least > 0:
            for h in range(H):
                sell, buy = m.var(0, 1, 1), m.var(0, 1, 1)
                m.row([(sell, 1), (buy, 1)], 0, 1)
                m.row([(one[h], 1), (sell, -limit), (buy, least)], -np.inf, 0)
                m.row([(one[h], 1), (sell, -least), (buy, limit)], 0, np.inf)
    for s in range(S):
        profit[s] += [(x[s][h], e["price_per_mwh"][s][h] * per * dt) for h in range(H)]
    R = []
    for k in raw["reserves"]:
        n = round(k["mtu_minutes"] / raw["interval_minutes"])
        block = [m.var(0, limit) for _ in range(T // n)]
        for var in block:
            if k["min_quantity_kw"] > 0:
                on = m.var(0, 1, 1)
                m.row([(var, 1), (on, -limit)], -np.inf, 0)
                m.row([(var, 1), (on, -k["min_quantity_kw"] / 1e3)], 0, np.inf)
        for s in range(S):
            for h, var in enumerate(block):
                worth = k["price_per_mw_h"][h] * n * dt
                if imb:
                    sign = 1 if k["direction"] == "up" else -1
                    worth += sign * k["activation"] * dt * sum(imb["price_per_mwh"][s][h * n : (h + 1) * n])
                profit[s].append((var, worth))
        R.append((k, n, block))
    for s in range(S):
        net: list[list[tuple[int, float]]] = [[] for _ in range(T)]
        feeder: dict[str, list[tuple[list, list]]] = {f["name"]: [([], []) for _ in range(T)] for f in raw["feeders"]}
        carry: list[list[list[tuple[int, float]]]] = [[[] for _ in range(T)] for _ in R]
        for st in raw["storages"]:
            ec, ed = st["charge_efficiency"], st["discharge_efficiency"]
            before: int = -1
            for t in range(T):
                available = st["availability"][t] if st["availability"] else 1.0
                C, D = st["charge_kw"] / 1e3 * available, st["discharge_kw"] / 1e3 * available
                c, d = m.var(0, C), m.var(0, D)
                energy = m.var(st["energy_min_kwh"] / 1e3, st["energy_max_kwh"] / 1e3)
                u = m.var(0, 1, 1)
                m.row([(d, 1), (u, -D)], -np.inf, 0)
                m.row([(c, 1), (u, C)], -np.inf, C)
                r = [m.var() for _ in R]
                terms = [(energy, 1), (c, -dt * ec), (d, dt / ed)]
                for (k, _, _), var in zip(R, r, strict=False):
                    terms.append((var, k["activation"] * (dt / ed if k["direction"] == "up" else -dt * ec)))
                rhs = -(st["draw_kwh"][t] if st["draw_kwh"] else 0.0) / 1e3
                if before < 0:
                    rhs += st["retention"] * st["energy_start_kwh"] / 1e3
                else:
                    terms.append((before, -st["retention"]))
                m.row(terms, rhs, rhs)
                before = energy
                up = [(var, 1) for (k, _, _), var in zip(R, r, strict=False) if k["direction"] == "up"]
                down = [(var, 1) for (k, _, _), var in zip(R, r, strict=False) if k["direction"] == "down"]
                m.row([(d, 1), (c, -1), *up], -np.inf, D)
                m.row([(c, 1), (d, -1), *down], -np.inf, C)
                held = [
                    (v, -k["endurance_h"] / ed) for (k, _, _), v in zip(R, r, strict=False) if k["direction"] == "up"
                ]
                m.row([(energy, 1), *held], st["energy_min_kwh"] / 1e3, np.inf)
                held = [
                    (v, k["endurance_h"] * ec) for (k, _, _), v in zip(R, r, strict=False) if k["direction"] == "down"
                ]
                m.row([(energy, 1), *held], -np.inf, st["energy_max_kwh"] / 1e3)
                net[t] += [(d, 1), (c, -1)]
                if st["feeder"] in feeder:
                    feeder[st["feeder"]][t][0].extend([(d, 1), (c, -1), *up])
                    feeder[st["feeder"]][t][1].extend([(d, 1), (c, -1), *[(v, -1) for v, _ in down]])
                for number, var in enumerate(r):
                    carry[number][t].append((var, 1))
                wear = st["wear_per_mwh"]
                profit[s] += [(d, -dt * wear), (c, -dt * (wear + e["import_fee_per_mwh"]))]
            end = st["energy_end_kwh"] / 1e3
            m.row([(before, 1)], end, end if st["end_rule"] == "exactly" else np.inf)
        for g in raw["generation"]:
            for t in range(T):
                var = m.var(0, g["available_kw"][s][t] / 1e3)
                net[t].append((var, 1))
                if g["feeder"] in feeder:
                    feeder[g["feeder"]][t][0].append((var, 1))
                    feeder[g["feeder"]][t][1].append((var, 1))
        for number, (_, n, block) in enumerate(R):
            for t in range(T):
                m.row([*carry[number][t], (block[t // n], -1)], 0, 0)
        for f in raw["feeders"]:
            for t in range(T):
                out, into = feeder[f["name"]][t]
                m.row(out, -np.inf, f["export_limit_kw"] / 1e3)
                m.row(into, -f["import_limit_kw"] / 1e3, np.inf)
        for t in range(T):
            terms = [*net[t], (x[s][t // per], -1)]
            if imb:
                sold, bought = m.var(), m.var()
                terms += [(sold, -1), (bought, 1)]
                price, spread = imb["price_per_mwh"][s][t], imb["spread_per_mwh"]
                profit[s] += [(sold, dt * (price - spread)), (bought, -dt * (price + spread))]
            m.row(terms, 0, 0)
    beta, alpha = raw["risk"]["beta"], raw["risk"]["alpha"]
    eta = m.var(-np.inf)
    m.cost[eta] = -beta
    for s, weight in enumerate(raw["probability"]):
        p, xi = m.var(-np.inf), m.var()
        m.row([(p, 1), *[(column, -value) for column, value in profit[s]]], 0, 0)
        m.row([(xi, 1), (eta, -1), (p, 1)], 0, np.inf)
        m.cost[p] -= (1 - beta) * weight
        m.cost[xi] += beta * weight / (1 - alpha)
    if beta == 0:
        m.lower[eta] = m.upper[eta] = 0.0
    row, column, value = zip(*m.entries, strict=False)
    matrix = coo_matrix((value, (row, column)), shape=(len(m.low), len(m.lower))).tocsr()
    answer = milp(
        np.array(m.cost),
        integrality=np.zeros(len(m.whole)) if relax else np.array(m.whole),
        bounds=Bounds(np.array(m.lower), np.array(m.upper)),
        constraints=LinearConstraint(matrix, np.array(m.low), np.array(m.high)),
        options={"mip_rel_gap": gap, "presolve": True},
    )
    assert answer.x is not None, answer.message
    return -float(answer.fun)
