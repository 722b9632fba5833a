"""The simulated exchange: publishes prices, clears the bids it sees, awards them, and calls reserves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpp.lib.periods import DeliveryDay, from_datetime64
from vpp.simulation.client import Client
from vpp.simulation.kernels.block_clearing import clear_blocks
from vpp.simulation.kernels.clearing import clear_energy_day, clear_reserve_day
from vpp.simulation.orders import block_means, block_of_interval, group_of, orders_of, per_bid, reserve_prices
from vpp.simulation.price_files import PriceSeries

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DEPTH_KW_PER_EUR = 50_000.0  # competing quantity per EUR/MWh beside the reference price
OPEN_STATES = ("SUBMITTED", "ACKNOWLEDGED")


@dataclass(frozen=True)
class Cleared:
    """What one product came to: price (H,) and how many bids were taken or not."""

    market: str
    product: str
    price: Floats
    awarded: int
    not_cleared: int


@dataclass(frozen=True)
class Call:
    """A reserve to be called in an interval of the day."""

    market: str
    award_id: int
    index: int
    activated_pu: float


class MarketRunner:
    """Operates every market its client may see."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def publish_prices(self, day: DeliveryDay, series: PriceSeries, *, kind: str = "ENERGY") -> int:
        """Post the price of each block of a day for every product of a kind; repeats change nothing."""
        posted = 0
        for market in self.client.get_all("/api/v1/markets"):
            for product in market["products"]:
                if product["kind"] == kind:
                    blocks = block_of_interval(day, product["block_minutes"])
                    price = block_means(series.at(day.starts64()), blocks)
                    posted += self._post_prices(market["code"], product["code"], day, blocks, price, series.source)
        return posted

    def clear_day(self, delivery_date: date, prices: PriceSeries, *, reserve_price: float, seed: int) -> list[Cleared]:
        """Clear every open wholesale bid of a day, publish the clearing prices and post the awards.

        reserve_price : EUR/MW/h around which the competing reserve offers lie.
        """
        bids = [
            bid
            for bid in self.client.get_all("/api/v1/bids", {"date": delivery_date.isoformat()})
            if bid["state"] in OPEN_STATES and bid["ask"] is None
        ]
        bids.sort(key=_product_of)
        return [
            self._clear_product(market, product, list(group), delivery_date, prices, reserve_price, seed)
            for (market, product), group in groupby(bids, key=_product_of)
        ]

    def calls_of_day(self, delivery_date: date, *, seed: int, calls_per_award: int = 2) -> list[Call]:
        """Which awarded reserves will be called when: a few intervals each, drawn with the seed."""
        commits = self.client.get_all("/api/v1/commits", {"date": delivery_date.isoformat()})
        reserves = {
            (market["code"], product["code"])
            for market in self.client.get_all("/api/v1/markets")
            for product in market["products"]
            if product["kind"].startswith("RESERVE")
        }
        calls: list[Call] = []
        for commit in sorted(commits, key=lambda row: row["id"]):
            if (commit["market"], commit["product"]) not in reserves:
                continue
            held_kw = np.array(commit["up_kw"]) + np.array(commit["down_kw"])
            rng = np.random.default_rng([seed, commit["id"]])
            held = np.flatnonzero(held_kw)
            for index in np.sort(rng.choice(held, size=min(calls_per_award, held.size), replace=False)):
                share = float(rng.choice([0.5, 0.75, 1.0]))
                calls.append(Call(commit["market"], commit["id"], int(index), share))
        return calls

    def call(self, calls: Sequence[Call], day: DeliveryDay, index: int) -> list[Call]:
        """Post the calls of one interval, before it is dispatched."""
        due = [call for call in calls if call.index == index]
        for one in due:
            body = {
                "award": one.award_id,
                "interval_start": day.starts()[index].isoformat(),
                "activated_pu": one.activated_pu,
            }
            self.client.post(f"/api/v1/markets/{one.market}/activations", body)
        return due

    def _clear_product(
        self,
        market: str,
        product: str,
        bids: list[dict[str, Any]],
        delivery_date: date,
        prices: PriceSeries,
        reserve_price: float,
        seed: int,
    ) -> Cleared:
        day = DeliveryDay(delivery_date, bids[0]["time_zone"])
        blocks = block_of_interval(day, bids[0]["block_minutes"])
        first = np.unique(blocks, return_index=True)[1]
        if any(bid.get("blocks") for bid in bids):
            return self._clear_groups(market, product, bids, day, blocks, prices)
        owner, sell_kw, buy_kw, limit = orders_of(bids, first)
        if bids[0]["product_kind"] == "ENERGY":
            reference = block_means(prices.at(day.starts64()), blocks)
            price, sold, bought = clear_energy_day(sell_kw, buy_kw, limit, reference, DEPTH_KW_PER_EUR)
            source = prices.source
        else:
            competitor = reserve_prices(first.size, reserve_price, seed)
            price, taken = clear_reserve_day(sell_kw + buy_kw, limit, competitor, 1)
            sold, bought = taken * (sell_kw > 0.0), taken * (buy_kw > 0.0)
            source = "modelled reserve price"
        price = np.round(price, 2)
        sold, bought = (per_bid(values, owner, len(bids)) for values in (sold, bought))
        self._post_prices(market, product, day, blocks, price, source)
        answer = self._post_awards(
            market, bids, np.round(sold, 3)[:, blocks], np.round(bought, 3)[:, blocks], price[blocks]
        )
        return Cleared(market, product, price[blocks], len(answer["awarded"]), len(answer["not_cleared"]))

    def _clear_groups(
        self, market: str, product: str, bids: list[dict[str, Any]], day: DeliveryDay, blocks: Ints, prices: PriceSeries
    ) -> Cleared:
        """Exclusive groups: at most one block of each, whole, at prices at which none of them loses."""
        reference = block_means(prices.at(day.starts64()), blocks)
        first = np.unique(blocks, return_index=True)[1]
        price, taken = clear_blocks([group_of(bid, first) for bid in bids], reference, DEPTH_KW_PER_EUR)
        price = np.round(price, 2)
        sold, bought = np.zeros((len(bids), day.n_intervals)), np.zeros((len(bids), day.n_intervals))
        for number, (bid, index) in enumerate(zip(bids, taken, strict=True)):
            if index is not None:
                sold[number], bought[number] = (np.array(bid["blocks"][index][side]) for side in ("up_kw", "down_kw"))
        self._post_prices(market, product, day, blocks, price, prices.source)
        answer = self._post_awards(market, bids, sold, bought, price[blocks])
        return Cleared(market, product, price[blocks], len(answer["awarded"]), len(answer["not_cleared"]))

    def _post_awards(
        self, market: str, bids: list[dict[str, Any]], sold_kw: Floats, bought_kw: Floats, price: Floats
    ) -> dict[str, Any]:
        rows = [
            {
                "bid": bid["id"],
                "reference": f"{market}:{bid['natural_key']}",
                "up_kw": sold_kw[number].tolist(),
                "down_kw": bought_kw[number].tolist(),
                "price_per_mwh": price.tolist(),
            }
            for number, bid in enumerate(bids)
        ]
        answer: dict[str, Any] = self.client.post(f"/api/v1/markets/{market}/awards", {"awards": rows})
        return answer

    def _post_prices(
        self, market: str, product: str, day: DeliveryDay, blocks: Ints, price: Floats, source: str
    ) -> int:
        first = np.unique(blocks, return_index=True)[1]
        rows = [
            {"interval_start": from_datetime64(start).isoformat(), "price": float(value)}
            for start, value in zip(day.starts64()[first], price, strict=True)
        ]
        body: Mapping[str, Any] = {"product": product, "source": source, "prices": rows}
        return int(self.client.post(f"/api/v1/markets/{market}/prices", body)["stored"])


def _product_of(bid: Mapping[str, Any]) -> tuple[str, str]:
    return bid["market"], bid["product"]
