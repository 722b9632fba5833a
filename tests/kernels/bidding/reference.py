"""The what-if file solved by another hand: a matrix spelled out row by row from the text of the format, scipy's solver.

Nothing of `bidding` is used. kW become MW; every storage and interval has its direction binary.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.kernels.bidding.reference_rows import Rows, Terms


def reference_objective(raw: dict[str, Any], gap: float = 1e-9, relax: bool = False) -> float:
    """The optimum of a what-if file."""
    day = _Day(raw)
    for s in range(len(raw["probability"])):
        day.scenario(s)
    day.tail()
    return day.rows.solved(gap, relax)


class _Day:
    """Positions of the day, and the profit of each scenario as terms."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw, self.rows = raw, Rows()
        self.dt, self.T = raw["interval_minutes"] / 60, raw["intervals"]
        self.limit = raw["position_limit_kw"] / 1e3
        self.per = round(raw["energy"]["mtu_minutes"] / raw["interval_minutes"])
        self.profit: list[Terms] = [[] for _ in raw["probability"]]
        self.x = self._curves() if raw["energy"]["curve"] else [self._quantities()] * len(raw["probability"])
        for s, positions in enumerate(self.x):
            prices = raw["energy"]["price_per_mwh"][s]
            self.profit[s] += [(var, prices[h] * self.per * self.dt) for h, var in enumerate(positions)]
        self.reserves = [(item, *self._reserve(item)) for item in raw["reserves"]]

    def _curves(self) -> list[list[int]]:
        prices, m = self.raw["energy"]["price_per_mwh"], self.rows
        S, H = len(prices), self.T // self.per
        x = [[m.var(-self.limit, self.limit) for _ in range(H)] for _ in range(S)]
        for h in range(H):
            for a in range(S):
                for b in range(S):
                    pa, pb = prices[a][h], prices[b][h]
                    if a != b and pa <= pb:
                        m.row([(x[b][h], 1), (x[a][h], -1)], 0, 0 if pa == pb else np.inf)
        return x

    def _quantities(self) -> list[int]:
        m, limit = self.rows, self.limit
        one = [m.var(-limit, limit) for _ in range(self.T // self.per)]
        least = self.raw["energy"]["min_quantity_kw"] / 1e3
        for var in one if least > 0 else []:
            sell, buy = m.var(0, 1, 1), m.var(0, 1, 1)
            m.row([(sell, 1), (buy, 1)], 0, 1)
            m.row([(var, 1), (sell, -limit), (buy, least)], -np.inf, 0)
            m.row([(var, 1), (sell, -least), (buy, limit)], 0, np.inf)
        return one

    def _reserve(self, k: dict[str, Any]) -> tuple[int, list[int]]:
        m, imb = self.rows, self.raw["imbalance"]
        n = round(k["mtu_minutes"] / self.raw["interval_minutes"])
        block = [m.var(0, self.limit) for _ in range(self.T // n)]
        for var in block if k["min_quantity_kw"] > 0 else []:
            on = m.var(0, 1, 1)
            m.row([(var, 1), (on, -self.limit)], -np.inf, 0)
            m.row([(var, 1), (on, -k["min_quantity_kw"] / 1e3)], 0, np.inf)
        sign = 1 if k["direction"] == "up" else -1
        for s, profit in enumerate(self.profit):
            for h, var in enumerate(block):
                worth = k["price_per_mw_h"][h] * n * self.dt
                if imb:
                    worth += sign * k["activation"] * self.dt * sum(imb["price_per_mwh"][s][h * n : (h + 1) * n])
                profit.append((var, worth))
        return n, block

    def scenario(self, s: int) -> None:
        raw, m = self.raw, self.rows
        net: list[Terms] = [[] for _ in range(self.T)]
        feeder: dict[str, list[tuple[Terms, Terms]]] = {
            f["name"]: [([], []) for _ in range(self.T)] for f in raw["feeders"]
        }
        carry: list[list[Terms]] = [[[] for _ in range(self.T)] for _ in self.reserves]
        for item in raw["storages"]:
            self._storage(s, item, net, feeder, carry)
        for g in raw["generation"]:
            for t in range(self.T):
                var = m.var(0, g["available_kw"][s][t] / 1e3)
                net[t].append((var, 1))
                for side in feeder[g["feeder"]][t] if g["feeder"] in feeder else ():
                    side.append((var, 1))
        for number, (_, n, block) in enumerate(self.reserves):
            for t in range(self.T):
                m.row([*carry[number][t], (block[t // n], -1)], 0, 0)
        for f in raw["feeders"]:
            for out, into in feeder[f["name"]]:
                m.row(out, -np.inf, f["export_limit_kw"] / 1e3)
                m.row(into, -f["import_limit_kw"] / 1e3, np.inf)
        for t in range(self.T):
            self._balance(s, t, net[t])

    def _balance(self, s: int, t: int, net: Terms) -> None:
        imb, terms = self.raw["imbalance"], [*net, (self.x[s][t // self.per], -1.0)]
        if imb:
            sold, bought = self.rows.var(), self.rows.var()
            terms += [(sold, -1), (bought, 1)]
            price, spread = imb["price_per_mwh"][s][t], imb["spread_per_mwh"]
            self.profit[s] += [(sold, self.dt * (price - spread)), (bought, -self.dt * (price + spread))]
        self.rows.row(terms, 0, 0)

    def _storage(self, s: int, st: dict[str, Any], net: list[Terms], feeder: Any, carry: list[list[Terms]]) -> None:
        m, dt, before = self.rows, self.dt, -1
        for t in range(self.T):
            available = st["availability"][t] if st["availability"] else 1.0
            C, D = st["charge_kw"] / 1e3 * available, st["discharge_kw"] / 1e3 * available
            c, d = m.var(0, C), m.var(0, D)
            energy = m.var(st["energy_min_kwh"] / 1e3, st["energy_max_kwh"] / 1e3)
            u = m.var(0, 1, 1)
            m.row([(d, 1), (u, -D)], -np.inf, 0)
            m.row([(c, 1), (u, C)], -np.inf, C)
            r = [m.var() for _ in self.reserves]
            self._energy(st, t, (c, d, energy, before), r)
            before = energy
            up, down = self._held(st, (c, d, energy), (C, D), r)
            net[t] += [(d, 1), (c, -1)]
            if st["feeder"] in feeder:
                feeder[st["feeder"]][t][0].extend([(d, 1), (c, -1), *up])
                feeder[st["feeder"]][t][1].extend([(d, 1), (c, -1), *[(v, -1) for v, _ in down]])
            for number, var in enumerate(r):
                carry[number][t].append((var, 1))
            wear, fee = st["wear_per_mwh"], self.raw["energy"]["import_fee_per_mwh"]
            self.profit[s] += [(d, -dt * wear), (c, -dt * (wear + fee))]
        end = st["energy_end_kwh"] / 1e3
        m.row([(before, 1)], end, end if st["end_rule"] == "exactly" else np.inf)

    def _energy(self, st: dict[str, Any], t: int, own: tuple[int, int, int, int], r: list[int]) -> None:
        c, d, energy, before = own
        ec, ed, dt = st["charge_efficiency"], st["discharge_efficiency"], self.dt
        terms: Terms = [(energy, 1), (c, -dt * ec), (d, dt / ed)]
        for (k, _, _), var in zip(self.reserves, r, strict=True):
            terms.append((var, k["activation"] * (dt / ed if k["direction"] == "up" else -dt * ec)))
        rhs = -(st["draw_kwh"][t] if st["draw_kwh"] else 0.0) / 1e3
        if before < 0:
            rhs += st["retention"] * st["energy_start_kwh"] / 1e3
        else:
            terms.append((before, -st["retention"]))
        self.rows.row(terms, rhs, rhs)

    def _held(
        self, st: dict[str, Any], own: tuple[int, int, int], limits: tuple[float, float], r: list[int]
    ) -> tuple[Terms, Terms]:
        """Headroom and endurance; the reserves carried up and down."""
        (c, d, energy), (C, D), m = own, limits, self.rows
        ec, ed = st["charge_efficiency"], st["discharge_efficiency"]
        each = [(k, var) for (k, _, _), var in zip(self.reserves, r, strict=True)]
        up: Terms = [(var, 1) for k, var in each if k["direction"] == "up"]
        down: Terms = [(var, 1) for k, var in each if k["direction"] == "down"]
        m.row([(d, 1), (c, -1), *up], -np.inf, D)
        m.row([(c, 1), (d, -1), *down], -np.inf, C)
        held = [(v, -k["endurance_h"] / ed) for k, v in each if k["direction"] == "up"]
        m.row([(energy, 1), *held], st["energy_min_kwh"] / 1e3, np.inf)
        held = [(v, k["endurance_h"] * ec) for k, v in each if k["direction"] == "down"]
        m.row([(energy, 1), *held], -np.inf, st["energy_max_kwh"] / 1e3)
        return up, down

    def tail(self) -> None:
        """(1 - beta) of the mean and beta of the mean of the worst (1 - alpha)."""
        m, beta, alpha = self.rows, self.raw["risk"]["beta"], self.raw["risk"]["alpha"]
        eta = m.var(-np.inf)
        m.cost[eta] = -beta
        for s, weight in enumerate(self.raw["probability"]):
            p, xi = m.var(-np.inf), m.var()
            m.row([(p, 1), *[(column, -value) for column, value in self.profit[s]]], 0, 0)
            m.row([(xi, 1), (eta, -1), (p, 1)], 0, np.inf)
            m.cost[p] -= (1 - beta) * weight
            m.cost[xi] += beta * weight / (1 - alpha)
        if beta == 0:
            m.lower[eta] = m.upper[eta] = 0.0
