"""Values between bounds with a price on each, as interior point methods move them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bidding.kernels.problem import FloatArray

LEAST_DISTANCE = 1e-13  # what rounding leaves of x - bound may be nothing at all


@dataclass
class Sides:
    """x between lower and upper, with prices at_lower and at_upper, all of one shape; infinite bounds have none."""

    x: FloatArray
    lower: FloatArray
    upper: FloatArray
    at_lower: FloatArray
    at_upper: FloatArray

    @classmethod
    def within(cls, guess: FloatArray, lower: FloatArray, upper: FloatArray, price: float) -> Sides:
        width = np.where(np.isfinite(lower) & np.isfinite(upper), upper - lower, 2.0)
        margin = np.minimum(0.25 * width, 1.0)
        x = np.clip(guess, lower + margin, upper - margin)
        return cls(x, lower, upper, price * np.isfinite(lower), price * np.isfinite(upper))

    @property
    def below(self) -> FloatArray:
        return np.where(np.isfinite(self.lower), np.maximum(self.x - self.lower, LEAST_DISTANCE), 1.0)

    @property
    def above(self) -> FloatArray:
        return np.where(np.isfinite(self.upper), np.maximum(self.upper - self.x, LEAST_DISTANCE), 1.0)

    def curvature(self) -> FloatArray:
        return self.at_lower / self.below + self.at_upper / self.above

    def complementarity(self) -> float:
        return float(self.at_lower @ self.below + self.at_upper @ self.above)

    def count(self) -> int:
        return int(np.isfinite(self.lower).sum() + np.isfinite(self.upper).sum())

    def pull(self, low: FloatArray, high: FloatArray) -> FloatArray:
        return low / self.below - high / self.above

    def targets(self, centre: float, second: tuple[FloatArray, FloatArray] | None) -> tuple[FloatArray, FloatArray]:
        """What the products of distance and price shall become, less what they are; with the second-order part."""
        low = np.where(np.isfinite(self.lower), centre - self.at_lower * self.below, 0.0)
        high = np.where(np.isfinite(self.upper), centre - self.at_upper * self.above, 0.0)
        return (low, high) if second is None else (low - second[0], high - second[1])

    def prices(self, step: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        return (low - self.at_lower * step) / self.below, (high + self.at_upper * step) / self.above

    def longest(self, step: FloatArray, low: FloatArray, high: FloatArray) -> tuple[float, float]:
        """Largest steps that keep distances and prices positive."""
        primal = _ratio(self.below, np.where(np.isfinite(self.lower), step, 0.0))
        primal = min(primal, _ratio(self.above, np.where(np.isfinite(self.upper), -step, 0.0)))
        return primal, min(_ratio(self.at_lower, low), _ratio(self.at_upper, high))

    def move(self, primal: float, dual: float, step: FloatArray, low: FloatArray, high: FloatArray) -> None:
        self.x = self.x + primal * step
        self.at_lower = self.at_lower + dual * np.where(np.isfinite(self.lower), low, 0.0)
        self.at_upper = self.at_upper + dual * np.where(np.isfinite(self.upper), high, 0.0)


def _ratio(value: FloatArray, step: FloatArray) -> float:
    shrinking = step < 0
    return float(min(1.0, np.min(-value[shrinking] / step[shrinking], initial=1.0)))
