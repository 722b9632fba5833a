"""A price series from a CSV file with the columns start and price, or modelled from the grid's own residual load."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vpp.lib.periods import Datetime64Array, as_datetime64
from vpp.simulation.kernels.prices import MODELLED_PRICE, merit_order_price

Floats = NDArray[np.float64]


class BadPriceFile(ValueError):
    """The file cannot be used; the message names row, column and reason."""


@dataclass(frozen=True)
class PriceSeries:
    """price (T,) in EUR/MWh, each from its start (T,), naive UTC, until the next one. source is shown with it."""

    starts64: Datetime64Array
    price: Floats
    source: str

    def at(self, moments64: Datetime64Array) -> Floats:
        """Price (M,) that holds at each moment. Raises BadPriceFile before the first or a day after the last start."""
        place = np.searchsorted(self.starts64, moments64, side="right") - 1
        late = moments64 > self.starts64[-1] + np.timedelta64(1, "D") if self.starts64.size else np.ones(1, dtype=bool)
        if (place < 0).any() or late.any():
            raise BadPriceFile(f"{self.source}: no price for {moments64[0]} to {moments64[-1]}")
        return self.price[place]


def read_price_file(path: Path) -> PriceSeries:
    """CSV with a header; `start` in RFC 3339 with an offset, `price` in EUR/MWh. Rows in any order, starts unique."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadPriceFile(f"{path}: {error}") from error
    if not rows or not {"start", "price"} <= set(rows[0]):
        raise BadPriceFile(f"{path}: want a header with the columns start and price, and rows")
    found: dict[np.datetime64, float] = {}
    for number, row in enumerate(rows, start=2):
        start = _moment(path, number, row["start"])
        if start in found:
            raise BadPriceFile(f"{path}, row {number}, column start: {row['start']} is there twice")
        found[start] = _price(path, number, row["price"])
    starts = sorted(found)
    return PriceSeries(np.array(starts), np.array([found[start] for start in starts]), path.name)


def modelled_prices(starts64: Datetime64Array, residual_load_kw: Floats, peak_residual_kw: float) -> PriceSeries:
    """The merit-order price of the grid's own residual load (T,), labelled as modelled."""
    return PriceSeries(starts64, merit_order_price(residual_load_kw, peak_residual_kw), MODELLED_PRICE)


def _moment(path: Path, number: int, text: str | None) -> np.datetime64:
    try:
        return as_datetime64(datetime.fromisoformat((text or "").strip()))
    except ValueError as error:
        raise BadPriceFile(f"{path}, row {number}, column start: {error}") from error


def _price(path: Path, number: int, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        raise BadPriceFile(f"{path}, row {number}, column price: {text!r} is not a number") from None
    if not np.isfinite(value):
        raise BadPriceFile(f"{path}, row {number}, column price: {text!r} is not a finite number")
    return value
