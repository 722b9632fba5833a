"""What came of the day, read through the API like anybody else would read it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from vpp.simulation.client import Client
from vpp.simulation.demo.play import Play


@dataclass(frozen=True)
class Position:
    """One market product or ask of one portfolio. Energies in MWh (reserve: MW times hours), money in EUR."""

    portfolio: str
    what: str
    kind: str
    bid_mwh: float
    awarded_mwh: float
    delivered_mwh: float
    share: float | None
    revenue: Decimal
    penalty: Decimal
    status: str


def collect(play: Play, seconds: dict[str, float]) -> dict[str, Any]:
    """Everything the table shows and the JSON file holds."""
    date = {"date": play.scenario.delivery_date.isoformat()}
    with play.service.client("reader") as client:
        runs = client.get_all("/api/v1/settlements", date)
        positions = _positions(client, date)
        payouts = client.get_all("/api/v1/payouts", date)
        totals = {name: sum((Decimal(run[name]) for run in runs), Decimal(0)) for name in MONEY}
        return {
            "grid": play.scenario.grid,
            "delivery_date": date["date"],
            "intervals": play.day.n_intervals,
            "seed": play.scenario.seed,
            "price_source": play.prices.source,
            "notes": play.notes,
            "positions": [vars(position) for position in positions],
            "payouts_by_owner_group": _by_group(payouts),
            "totals": totals,
            # revenue is before penalties; those the platform bears
            "balanced": totals["payouts"] + totals["margin"] + totals["fees"] == totals["revenue"],
            "settlement_states": {run["portfolio"]: run["state"] for run in runs},
            "settlement_checksums": {run["portfolio"]: run["checksum"] for run in runs},
            "book_check": client.get("/api/v1/book-check", date),
            "trace": _trace(client, payouts),
            "facts": play.facts,
            "seconds": seconds,
        }


MONEY = ("revenue", "penalty", "payouts", "fees", "margin")


def _positions(client: Client, date: dict[str, str]) -> list[Position]:
    kinds = {
        (market["code"], product["code"]): product["kind"]
        for market in client.get_all("/api/v1/markets")
        for product in market["products"]
    }
    performances = {row["bid"]: row for row in client.get_all("/api/v1/performances", date)}
    bids = client.get_all("/api/v1/bids", date)
    bids.sort(key=lambda bid: (bid["portfolio"], bid["ask"] or "", bid["market"]))
    return [_position(bid, performances.get(bid["id"]), kinds[(bid["market"], bid["product"])]) for bid in bids]


def _position(bid: dict[str, Any], performance: dict[str, Any] | None, kind: str) -> Position:
    bid_mwh = (sum(bid["up_kw"]) + sum(bid["down_kw"])) / 4000
    what = f"ask {bid['ask']}" if bid["ask"] else f"{bid['market']} {bid['product']}"
    if performance is None:
        return Position(bid["portfolio"], what, kind, bid_mwh, 0.0, 0.0, None, Decimal(0), Decimal(0), bid["state"])
    return Position(
        portfolio=bid["portfolio"],
        what=what,
        kind=kind,
        bid_mwh=bid_mwh,
        awarded_mwh=performance["awarded_kwh"] / 1000,
        delivered_mwh=float(performance["delivered_kwh"]) / 1000,
        share=None if performance["raw_share"] is None else float(performance["raw_share"]),
        revenue=Decimal(performance["revenue"]),
        penalty=Decimal(performance["penalty"]),
        status=bid["state"],
    )


def _by_group(payouts: list[dict[str, Any]]) -> dict[str, Decimal]:
    """Owners are grouped by what they are (households, commercial, ...), over all feeders."""
    groups: dict[str, Decimal] = defaultdict(Decimal)
    for payout in payouts:
        group = payout["owner"].partition("-")[2].partition("-")[0] or payout["owner"]
        groups[group] += Decimal(payout["amount"])
    return dict(sorted(groups.items()))


def _trace(client: Client, payouts: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The chain of the largest payout, from the money back to the readings."""
    if not payouts:
        return None
    largest = max(payouts, key=lambda payout: (Decimal(payout["amount"]), -payout["id"]))
    trace: dict[str, Any] = client.get(f"/api/v1/trace/{largest['id']}")
    return trace
