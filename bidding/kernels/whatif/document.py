"""The what-if file: one optimisation problem as JSON, checked whole before anything is solved.

kW, kWh, currency per MWh; T intervals, H market time units, S scenarios. Every bad place is named, unknown keys too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bidding.kernels.problem import BadProblem, FloatArray
from bidding.kernels.whatif.document_markets import RESERVE_KEYS, read_blocks, read_energy, read_reserve
from bidding.kernels.whatif.reading import Reader
from bidding.kernels.whatif.stated import Ask, Fleet, WhatIf

AT_LEAST, EXACTLY = "at_least", "exactly"


TOP = {
    "interval_minutes", "intervals", "currency", "probability", "position_limit_kw", "energy", "imbalance", "reserves",
    "storages", "generation", "feeders", "risk", "asks", "blocks",
}  # fmt: skip


def read_document(raw: Any) -> WhatIf:
    """The problem of a parsed file. Raises BadProblem with every finding."""
    top = Reader.of(raw, "", TOP)
    minutes = top.number("interval_minutes", above=0.0)
    count = top.whole("intervals", least=1)
    probability = top.series("probability", None, default=np.ones(1), least=0.0)
    if abs(float(probability.sum()) - 1.0) > 1e-6:
        top.finding("probability", f"adds up to {probability.sum():.6g}, want 1")
    limit_kw = top.number("position_limit_kw", least=0.0)
    shape = (max(probability.size, 1), max(count, 1))
    feeder_names, export_kw, import_kw = _feeders(top)
    energy = read_energy(top, shape, minutes)
    imbalance_price, spread = _imbalance(top, shape)
    blocks = read_blocks(top, energy, limit_kw)
    reserves = tuple(read_reserve(item, shape[1], minutes) for item in top.items("reserves", RESERVE_KEYS))
    fleet = _fleet(top, shape[1], feeder_names)
    generation = [
        (_place(item, feeder_names), item.table("available_kw", shape, least=0.0))
        for item in top.items("generation", {"feeder", "available_kw", "name"})
    ]
    beta, alpha = _risk(top)
    asks = tuple(_ask(item, shape[1], feeder_names) for item in top.items("asks", ASK_KEYS))
    top.unique("reserves", [item.name for item in reserves])
    top.unique("asks", [item.id for item in asks])
    if top.findings:
        raise BadProblem(top.findings)
    return WhatIf(
        hours=minutes / 60.0,
        intervals=count,
        currency=top.text("currency", default="EUR"),
        probability=probability,
        position_limit_kw=limit_kw,
        energy=energy,
        imbalance_price=imbalance_price,
        spread_per_mwh=spread,
        reserves=reserves,
        fleet=fleet,
        generation_feeder=np.array([place for place, _ in generation], dtype=np.int64),
        generation_kw=np.array([kw for _, kw in generation]).reshape(len(generation), *shape),
        feeders=tuple(feeder_names),
        export_limit_kw=export_kw,
        import_limit_kw=import_kw,
        beta=beta,
        alpha=alpha,
        asks=asks,
        blocks=blocks,
    )


ASK_KEYS = {"id", "feeder", "direction", "intervals", "quantity_kw", "price_per_mwh"}
STORAGE_KEYS = {
    "name", "feeder", "charge_kw", "discharge_kw", "energy_min_kwh", "energy_max_kwh", "energy_start_kwh",
    "energy_end_kwh", "end_rule", "charge_efficiency", "discharge_efficiency", "retention", "wear_per_mwh",
    "availability", "draw_kwh", "max_hours", "max_starts",
}  # fmt: skip


def _feeders(top: Reader) -> tuple[list[str], FloatArray, FloatArray]:
    names, limits = [], []
    for item in top.items("feeders", {"name", "export_limit_kw", "import_limit_kw"}):
        names.append(item.text("name"))
        limits.append([item.number(key, default=np.inf, least=0.0) for key in ("export_limit_kw", "import_limit_kw")])
    top.unique("feeders", names)
    both = np.array(limits, dtype=np.float64).reshape(-1, 2)
    return names, both[:, 0], both[:, 1]


def _place(item: Reader, feeders: list[str]) -> int:
    """The feeder's number; with no feeders in the file any name stands for "no limit"."""
    name = item.text("feeder", default="")
    if not name or not feeders:
        return -1
    if name not in feeders:
        item.finding("feeder", f"{name!r} is not among the feeders")
        return -1
    return feeders.index(name)


def _imbalance(top: Reader, shape: tuple[int, int]) -> tuple[FloatArray | None, float]:
    if top.is_null("imbalance"):
        return None, 0.0
    item = top.part("imbalance", {"price_per_mwh", "spread_per_mwh"})
    return item.table("price_per_mwh", shape), item.number("spread_per_mwh", least=0.0)


def _risk(top: Reader) -> tuple[float, float]:
    if top.is_null("risk"):
        return 0.0, 0.0
    item = top.part("risk", {"beta", "alpha"})
    return item.number("beta", default=0.0, least=0.0, most=1.0), item.number(
        "alpha", default=0.9, least=0.0, below=1.0
    )


def _ask(item: Reader, count: int, feeders: list[str]) -> Ask:
    intervals = item.series("intervals", None, least=0.0).astype(np.int64)
    if intervals.size and (intervals.max() >= count or np.unique(intervals).size != intervals.size):
        item.finding("intervals", f"want different numbers below {count}")
    return Ask(
        id=item.text("id"),
        feeder=_place(item, feeders),
        is_up=item.choice("direction", ("up", "down")) == "up",
        intervals=np.minimum(intervals, count - 1),
        quantity_kw=item.series_or_number("quantity_kw", intervals.size, least=0.0),
        price_per_mwh=item.number("price_per_mwh"),
    )


def _fleet(top: Reader, count: int, feeders: list[str]) -> Fleet:
    items = top.items("storages", STORAGE_KEYS)
    names = [item.text("name") for item in items]
    top.unique("storages", names)

    def column(key: str, **limits: Any) -> FloatArray:
        return np.array([item.number(key, **limits) for item in items], dtype=np.float64)

    available = [item.series("availability", count, default=np.ones(count), least=0.0, most=1.0) for item in items]
    draw = [item.series("draw_kwh", count, default=np.zeros(count)) for item in items]
    share = np.array(available).reshape(len(items), count)
    fleet = Fleet(
        name=tuple(names),
        feeder=np.array([_place(item, feeders) for item in items], dtype=np.int64),
        charge_kw=column("charge_kw", least=0.0)[:, None] * share,
        discharge_kw=column("discharge_kw", least=0.0)[:, None] * share,
        energy_min_kwh=column("energy_min_kwh"),
        energy_max_kwh=column("energy_max_kwh"),
        energy_start_kwh=column("energy_start_kwh"),
        energy_end_kwh=column("energy_end_kwh"),
        ends_exactly=np.array([item.choice("end_rule", (AT_LEAST, EXACTLY), AT_LEAST) == EXACTLY for item in items]),
        charge_efficiency=column("charge_efficiency", above=0.0, most=1.0),
        discharge_efficiency=column("discharge_efficiency", above=0.0, most=1.0),
        retention=column("retention", default=1.0, above=0.0, most=1.0),
        wear_per_mwh=column("wear_per_mwh", default=0.0),
        draw_kwh=np.array(draw).reshape(len(items), count),
        max_hours=column("max_hours", default=np.inf, least=0.0),
        max_starts=column("max_starts", default=np.inf, least=0.0),
    )
    for number in np.flatnonzero(fleet.energy_min_kwh > fleet.energy_max_kwh + 1e-9):
        items[number].finding("energy_min_kwh", "limits cross: above energy_max_kwh")
    return fleet
