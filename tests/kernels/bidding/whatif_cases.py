"""What-if files: a battery day, and random small ones with everything in them."""

from __future__ import annotations

from typing import Any

import numpy as np


def storage(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name, "feeder": "F", "charge_kw": 1000.0, "discharge_kw": 1000.0, "energy_min_kwh": 0.0,
        "energy_max_kwh": 2000.0, "energy_start_kwh": 1000.0, "energy_end_kwh": 1000.0, "end_rule": "at_least",
        "charge_efficiency": 0.94, "discharge_efficiency": 0.94, "retention": 1.0, "wear_per_mwh": 0.0,
        "availability": None, "draw_kwh": None,
    } | fields  # fmt: skip


def document(prices: list[list[float]], storages: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    count = len(prices[0])
    return {
        "interval_minutes": 15, "intervals": count, "currency": "EUR",
        "probability": [1.0 / len(prices)] * len(prices), "position_limit_kw": 20000.0,
        "energy": {"mtu_minutes": 15, "price_per_mwh": prices, "min_quantity_kw": 0.0, "curve": False,
                   "import_fee_per_mwh": 0.0},
        "imbalance": None, "reserves": [], "storages": storages, "generation": [],
        "feeders": [{"name": "F", "export_limit_kw": 50000.0, "import_limit_kw": 50000.0}],
        "risk": {"beta": 0.0, "alpha": 0.9}, "asks": [],
    } | fields  # fmt: skip


def battery_day(kind: str) -> dict[str, Any]:
    """1 MW / 2 MWh over 96 quarter hours: all-positive prices, negative ones, negative with an import fee."""
    t = np.arange(96)
    prices = 45 + 30 * np.sin(t / 96 * 4 * np.pi) + 8 * np.sin(t * 1.7)
    if kind != "positive":
        prices = prices - 70.0 * ((t > 40) & (t < 64))
    raw = document([prices.round(3).tolist()], [storage("battery", wear_per_mwh=2.0)])
    raw["energy"]["import_fee_per_mwh"] = 15.0 if kind == "fee" else 0.0
    return raw


def random_day(seed: int, *, count: int = 12) -> dict[str, Any]:
    """Two scenarios and more, two feeders, reserves with activation, PV, an EV that leaves, odd sizes."""
    rng = np.random.default_rng(seed)
    scenarios = int(rng.integers(1, 4))
    prices = (rng.normal(30, 45, (scenarios, count // 2))).round(1)
    if rng.random() < 0.3:
        prices[0] = prices[-1]  # equal prices: equal positions
    storages = []
    for number in range(int(rng.integers(1, 4))):
        size = float(rng.choice([180.0, 400.0, 900.0]))
        power = float(rng.choice([90.0, 250.0, 500.0]))
        storages.append(
            storage(
                f"s{number}", feeder=str(rng.choice(["F", "G"])), charge_kw=power,
                discharge_kw=float(rng.choice([0.0, power, power])), energy_max_kwh=size,
                energy_min_kwh=float(rng.choice([0.0, 0.1])) * size, energy_start_kwh=0.5 * size,
                energy_end_kwh=0.4 * size, end_rule=str(rng.choice(["at_least", "at_least", "exactly"])),
                charge_efficiency=float(rng.choice([0.9, 0.96, 1.0])),
                discharge_efficiency=float(rng.choice([0.9, 0.96])), retention=float(rng.choice([1.0, 0.999])),
                wear_per_mwh=float(rng.choice([0.0, 3.0])),
                availability=None if rng.random() < 0.6 else rng.choice([0.5, 1.0], count).tolist(),
                draw_kwh=None if rng.random() < 0.7 else (rng.random(count) * 0.01 * size).tolist(),
            )
        )  # fmt: skip
    reserves = [
        {"name": name, "direction": direction, "mtu_minutes": minutes,
         "price_per_mw_h": rng.uniform(0, 25, count * 15 // minutes).round(2).tolist(),
         "min_quantity_kw": float(rng.choice([0.0, 100.0])), "endurance_h": float(rng.choice([0.25, 1.0])),
         "activation": float(rng.choice([0.0, 0.1]))}
        for name, direction, minutes in (("reg up", "up", 60), ("reg down", "down", 60), ("spin", "up", 30))
    ]  # fmt: skip
    raw = document(prices.tolist(), storages, intervals=count)
    weights = rng.random(scenarios) + 0.2
    raw["probability"] = (weights / weights.sum()).tolist()
    curve = bool(rng.random() < 0.5)
    raw["energy"] |= {
        "mtu_minutes": 30, "curve": curve, "min_quantity_kw": 0.0 if curve else float(rng.choice([0.0, 100.0])),
        "import_fee_per_mwh": float(rng.choice([0.0, 6.0])),
    }  # fmt: skip
    raw["position_limit_kw"] = 1500.0
    if rng.random() < 0.8:
        rt = np.repeat(prices, 2, axis=1) + rng.normal(0, 10, (scenarios, count))
        raw["imbalance"] = {"price_per_mwh": rt.round(2).tolist(), "spread_per_mwh": 12.0}
    raw["reserves"] = reserves[: int(rng.integers(0, 4))]
    raw["generation"] = [{"feeder": "F", "available_kw": rng.uniform(0, 300, (scenarios, count)).round(1).tolist()}]
    raw["feeders"] = [
        {"name": "F", "export_limit_kw": 450.0, "import_limit_kw": 400.0},
        {"name": "G", "export_limit_kw": 600.0, "import_limit_kw": 600.0},
    ]
    raw["risk"] = {"beta": float(rng.choice([0.0, 0.4])), "alpha": 0.6}
    return raw
