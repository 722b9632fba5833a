"""Past days played as known then: what a battery earned with forecast prices, against knowing them and against copying.

A day's bid is the optimal schedule under the prices believed in, sent as a price taker: all of it clears at the real
price and is delivered. Captured value is what it earned over what the best schedule under the real prices earns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

import numpy as np

from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.answer import what_if
from vpp.lib.units import KW_PER_MW


@dataclass(frozen=True)
class ReplayBattery:
    """power and wear on the grid side; the day ends with at least the energy it began with."""

    power_kw: float = 1000.0
    energy_kwh: float = 2000.0
    charge_efficiency: float = 0.94
    discharge_efficiency: float = 0.94
    wear_per_mwh: float = 2.0
    min_quantity_kw: float = 0.0


@dataclass(frozen=True)
class ReplayDay:
    """EUR earned at the real prices: knowing them, with the forecast, with the day before's; tau: rank correlations."""

    day: date
    perfect: float
    bid: float
    persistence: float
    forecast_tau: float
    persistence_tau: float


@dataclass(frozen=True)
class ReplaySummary:
    days: tuple[ReplayDay, ...]

    def total(self, name: str) -> float:
        return float(sum(getattr(day, name) for day in self.days))

    def captured(self, name: str) -> float:
        """Share of the perfect value; NaN where there was nothing to earn."""
        perfect = self.total("perfect")
        return self.total(name) / perfect if perfect > 0 else float("nan")

    def mean(self, name: str) -> float:
        return float(np.nanmean([getattr(day, name) for day in self.days])) if self.days else float("nan")


def play_day(
    day: date, real: FloatArray, believed: FloatArray, before: FloatArray, battery: ReplayBattery
) -> ReplayDay:
    """Prices (H,) EUR/MWh over equal steps of one day, all of the same length."""
    hours = 24.0 / real.size if real.size in (24, 48, 96) else 1.0
    perfect, bid, copied = (_earned(real, prices, battery, hours) for prices in (real, believed, before))
    return ReplayDay(day, perfect, bid, copied, rank_correlation(real, believed), rank_correlation(real, before))


def _earned(real: FloatArray, believed: FloatArray, battery: ReplayBattery, hours: float) -> float:
    sold_kw, moved_kw = schedule(believed, battery, hours)
    energy = float(real @ sold_kw) - battery.wear_per_mwh * float(moved_kw.sum())
    return energy * hours / KW_PER_MW


def schedule(prices: FloatArray, battery: ReplayBattery, hours: float) -> tuple[FloatArray, FloatArray]:
    """Net position (H,) kW, sales positive, and what the battery moves either way, (H,) kW."""
    minutes = hours * 60.0
    half = 0.5 * battery.energy_kwh
    answer = what_if(
        {
            "interval_minutes": minutes, "intervals": int(prices.size), "currency": "EUR", "probability": [1.0],
            "position_limit_kw": battery.power_kw, "imbalance": None, "reserves": [], "generation": [], "feeders": [],
            "risk": {"beta": 0.0, "alpha": 0.9},
            "energy": {
                "mtu_minutes": minutes, "price_per_mwh": [prices.tolist()], "curve": False,
                "min_quantity_kw": battery.min_quantity_kw, "import_fee_per_mwh": 0.0,
            },
            "storages": [{
                "name": "battery", "feeder": "", "charge_kw": battery.power_kw, "discharge_kw": battery.power_kw,
                "energy_min_kwh": 0.0, "energy_max_kwh": battery.energy_kwh, "energy_start_kwh": half,
                "energy_end_kwh": half, "end_rule": "at_least", "retention": 1.0,
                "charge_efficiency": battery.charge_efficiency, "discharge_efficiency": battery.discharge_efficiency,
                "wear_per_mwh": battery.wear_per_mwh, "availability": None, "draw_kwh": None,
            }],
        },
        time_limit_s=20.0,
    )  # fmt: skip
    plan = answer["storages"][0]
    moved = np.array(plan["charge_kw"][0]) + np.array(plan["discharge_kw"][0])
    return np.array(answer["energy"]["position_kw"], dtype=np.float64), moved


def rank_correlation(one: FloatArray, other: FloatArray) -> float:
    """Kendall's tau-a over all pairs of intervals; NaN for a flat day."""
    first, second = np.sign(one[:, None] - one), np.sign(other[:, None] - other)
    pairs = one.size * (one.size - 1)
    return float((first * second).sum() / pairs) if pairs and first.any() else float("nan")


def as_svg(summary: ReplaySummary, *, title: str) -> str:
    """Cumulated value over the days, one line each for perfect foresight, the bids and persistence."""
    width, height, left, top = 900, 420, 80, 50
    lines = {name: np.cumsum([getattr(day, name) for day in summary.days]) for name in COLOURS}
    high = max(1.0, max(float(values.max(initial=0.0)) for values in lines.values()))
    low = min(0.0, min(float(values.min(initial=0.0)) for values in lines.values()))
    count = max(len(summary.days) - 1, 1)

    def point(index: int, value: float) -> str:
        x = left + (width - left - 40) * index / count
        y = top + (height - top - 50) * (high - value) / (high - low)
        return f"{x:.1f},{y:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="13"><rect width="100%" height="100%" fill="white"/><text x="{left}" y="24" font-size="16">'
        f"{escape(title)}</text>"
    ]
    for step in np.linspace(low, high, 5):
        x, y = point(0, float(step)).split(",")
        parts.append(
            f'<line x1="{x}" x2="{width - 40}" y1="{y}" y2="{y}" stroke="#ddd"/>'
            f'<text x="{left - 8}" y="{float(y) + 4:.1f}" text-anchor="end">{step:,.0f} EUR</text>'
        )
    for place, (name, (colour, label)) in enumerate(COLOURS.items()):
        path = " ".join(point(index, float(value)) for index, value in enumerate(lines[name]))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        share = summary.captured(name)
        parts.append(f'<text x="{left + 10 + 250 * place}" y="44" fill="{colour}">{label}: {100 * share:.1f} %</text>')
    first, last = (summary.days[0].day, summary.days[-1].day) if summary.days else ("", "")
    parts.append(f'<text x="{left}" y="{height - 18}">{first}</text>')
    parts.append(f'<text x="{width - 40}" y="{height - 18}" text-anchor="end">{last}</text></svg>')
    return "".join(parts)


COLOURS: dict[str, tuple[str, str]] = {
    "perfect": ("#555555", "perfect foresight"),
    "bid": ("#0b6e4f", "bids"),
    "persistence": ("#b3541e", "persistence"),
}


def summed(days: Sequence[ReplayDay]) -> ReplaySummary:
    return ReplaySummary(tuple(days))
