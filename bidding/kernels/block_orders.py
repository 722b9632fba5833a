"""All-or-none block orders of one exclusive group: schedules of which the market takes one or none.

Each price scenario has its own best day; its best run of sales (and, where the market takes loops, the run of
purchases that goes with it) is a candidate. A block is offered at what it costs: the optimum with the block's profile
as the only energy position, less the optimum with none, reserves and asks held as planned. So a block that is taken
at its limit earns nothing and costs nothing, and whatever is taken can be delivered beside all other promises.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bidding.kernels.block_group import BlockOrder, BlockRules, best_of, best_run, on_tick
from bidding.kernels.certify import Certified
from bidding.kernels.co_optimise import BidPlan, build
from bidding.kernels.held import held_promises
from bidding.kernels.plan import read_plan
from bidding.kernels.problem import BidProblem, FloatArray
from bidding.kernels.reading import read_model
from bidding.kernels.relaxation import Relaxation
from bidding.kernels.rounding import both_ways
from bidding.kernels.solver import LinearModel, Solution, SolverOptions, Status
from bidding.kernels.variables import take
from vpp.lib.units import KW_PER_MW

SHORT_MW = 1e-6
MOST_SCENARIOS = 12


@dataclass(frozen=True)
class Group:
    """orders by falling gain; idle: the plan that holds when none of them is taken, reserves and asks as promised."""

    orders: list[BlockOrder]
    idle: BidPlan


def exclusive_group(
    problem: BidProblem, plan: BidPlan, scenarios: FloatArray, rules: BlockRules, options: SolverOptions
) -> Group | None:
    """The blocks worth offering beside a plan's reserves and asks; None where those cannot be kept without energy.

    problem : with its energy product; scenarios (S, B): equally likely prices of its market blocks.
    """
    if problem.energy is None or plan.missed_promises or not scenarios.shape[0]:
        return None
    desk = _Desk(problem, plan, rules, options)
    idle = desk.idle
    if idle is None:
        return None
    found: dict[bytes, BlockOrder] = {}
    for prices in scenarios[:MOST_SCENARIOS]:
        for profile in desk.profiles(prices):
            if profile.any() and profile.tobytes() not in found:
                order = desk.priced(profile, scenarios.mean(axis=0), f"B{len(found) + 1}")
                if order is not None:
                    found[profile.tobytes()] = order
    orders = best_of(list(found.values()), scenarios, desk.hours, rules.most)
    bound = max(-idle.objective, plan.bound_profit_eur)
    proven = Certified(Status.FEASIBLE, idle.objective, -bound, plan.gap, idle.values, plan.stages_s)
    return Group(orders, read_plan(problem, desk.made, desk.model, proven, plan.engine))


def without_energy(problem: BidProblem) -> BidProblem:
    return replace(problem, energy=None)


class _Desk:
    """The problem with its promises held, solved again and again with another energy position."""

    def __init__(self, problem: BidProblem, plan: BidPlan, rules: BlockRules, options: SolverOptions) -> None:
        assert problem.energy is not None
        self.problem, self.energy, self.rules, self.options = problem, problem.energy, rules, options
        lp, self.made = build(problem)
        self.model = held_promises(problem, plan, self.made, read_model(lp))
        self.hours: FloatArray = np.bincount(self.energy.block_of_interval).astype(np.float64) * problem.step_hours
        assert self.made.sell is not None and self.made.buy is not None
        sides = (self.made.sell.lots, self.made.buy.lots, self.made.sell.on, self.made.buy.on)
        self.sell, self.buy, self.sell_on, self.buy_on = (
            np.array([self.model.column(variable) for variable in side]) for side in sides
        )
        self.unpaid = Relaxation(self.model.without_cost([*self.sell, *self.buy]), options)
        self.idle = self._delivered(np.zeros(self.hours.size))

    def profiles(self, prices: FloatArray) -> list[FloatArray]:
        """(B,) net kW of candidates for one day's prices: whole lots, at least the minimum, runs."""
        at_prices = Relaxation(self._priced_model(prices), self.options)
        answer = at_prices.solve(self.model.lower, self.model.upper)
        if answer.status is not Status.OPTIMAL:
            return []
        net = (answer.values[self.sell] - answer.values[self.buy]) * self.energy.lot_kw
        worth = net * (prices - prices.mean()) * self.hours  # of a purchase too: cheap is good
        sale, purchase = best_run(np.maximum(net, 0.0), worth), best_run(np.maximum(-net, 0.0), worth)
        wanted = [sale, -purchase] + ([sale - purchase] if self.rules.loops and sale.any() and purchase.any() else [])
        found = []
        for profile in wanted:
            settled = self._settled(profile, at_prices)
            if settled is not None:
                found.append(settled)
        return found

    def _settled(self, profile: FloatArray, at_prices: Relaxation) -> FloatArray | None:
        """The profile's runs filled anew with nothing beside them, in whole lots; None where that has no point.

        Purchases go down to lots, with those fixed the sales that they still allow, and last no more is bought than
        those sales need.
        """
        lower, upper = self.model.lower.copy(), self.model.upper.copy()
        upper[self.sell[profile <= 0]] = 0.0
        upper[self.buy[profile >= 0]] = 0.0
        bought = sold = np.zeros(profile.size)
        for columns, on in ((self.buy, self.buy_on), (self.sell, self.sell_on), (self.buy, self.buy_on)):
            again = columns is self.buy and sold.any()
            if again:
                lower[columns], lower[on] = 0.0, 0.0
            answer = at_prices.solve(lower, upper)
            if answer.status is not Status.OPTIMAL:
                return None
            lots = np.ceil(answer.values[columns] - 1e-6) if again else answer.values[columns]
            whole = self._whole(lots, profile)
            lower[columns] = upper[columns] = whole
            lower[on] = upper[on] = whole > 0
            bought, sold = (whole, sold) if columns is self.buy else (bought, whole)
        return np.asarray((sold - bought) * self.energy.lot_kw, dtype=np.float64)

    def _whole(self, lots: FloatArray, profile: FloatArray) -> FloatArray:
        """Down to whole lots within the sizes of a block, and to its best run."""
        lot_kw = self.energy.lot_kw
        whole = np.minimum(np.floor(lots + 1e-6), np.floor(self.rules.most_kw / lot_kw + 1e-9))
        whole[whole * lot_kw < self.energy.min_quantity_kw - 1e-9] = 0.0
        return best_run(whole, whole * np.abs(profile))

    def priced(self, profile: FloatArray, expected: FloatArray, name: str) -> BlockOrder | None:
        """The profile at its cost; None where it cannot be delivered or its price leaves the product's limits."""
        delivered = self._delivered(profile)
        if delivered is None or self.idle is None:
            return None
        cost = delivered.objective - self.idle.objective
        up_kw, down_kw = np.maximum(profile, 0.0), np.maximum(-profile, 0.0)
        sold_mwh, bought_mwh = (float(side @ self.hours) / KW_PER_MW for side in (up_kw, down_kw))
        tick, buy_price = self.rules.tick, None
        if sold_mwh and bought_mwh:  # both legs give way alike from their expected prices
            worth_sold, worth_bought = (float((side * expected) @ self.hours) / KW_PER_MW for side in (up_kw, down_kw))
            margin = (worth_sold - worth_bought - cost) / (sold_mwh + bought_mwh)
            buy_price = on_tick(worth_bought / bought_mwh + margin, tick, np.floor)
            price = on_tick((cost + buy_price * bought_mwh) / sold_mwh, tick, np.ceil)
        elif sold_mwh:
            price = on_tick(cost / sold_mwh, tick, np.ceil)
        else:
            price = on_tick(-cost / bought_mwh, tick, np.floor)
        limits = [price] if buy_price is None else [price, buy_price]
        if any(not self.rules.floor <= limit <= self.rules.cap for limit in limits):
            return None
        return BlockOrder(name, up_kw, down_kw, price, buy_price, cost)

    def _priced_model(self, prices: FloatArray) -> LinearModel:
        cost = self.model.cost.copy()
        worth = prices * self.hours * self.energy.lot_kw / KW_PER_MW
        cost[self.sell], cost[self.buy] = -worth, worth
        return replace(self.model, cost=cost)

    def _delivered(self, profile: FloatArray) -> Solution | None:
        """The cheapest way to deliver just this energy (B,) net kW, unpaid; None where there is none."""
        lots = np.round(profile / self.energy.lot_kw)
        lower, upper = self.model.lower.copy(), self.model.upper.copy()
        for columns, on, wanted in (
            (self.sell, self.sell_on, np.maximum(lots, 0.0)),
            (self.buy, self.buy_on, np.maximum(-lots, 0.0)),
        ):
            if np.any(wanted > upper[columns] + 1e-9):
                return None
            lower[columns] = upper[columns] = wanted
            lower[on] = upper[on] = wanted > 0
        answer = self._one_way(lower, upper, self.unpaid.solve(lower, upper))
        if answer is None or any(
            float(take(self.model, column, answer.values).max(initial=0.0)) > SHORT_MW for column in self.made.missing
        ):
            return None
        return answer

    def _one_way(self, lower: FloatArray, upper: FloatArray, answer: Solution) -> Solution | None:
        """The answer with the weaker direction closed wherever a lossy group moves both ways at once."""
        if answer.status is not Status.OPTIMAL:
            return None
        offenders = both_ways(self.problem, self.made, self.model, answer.values)
        if not offenders:
            return answer
        upper = upper.copy()
        for g, t in offenders:
            up, down = self.model.column(self.made.up[g][t]), self.model.column(self.made.down[g][t])
            upper[down if answer.values[up] >= answer.values[down] else up] = 0.0
        again = self.unpaid.solve(lower, upper)
        if again.status is not Status.OPTIMAL or both_ways(self.problem, self.made, self.model, again.values):
            return None
        return again
