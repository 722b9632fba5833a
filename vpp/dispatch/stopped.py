"""What is missing of a commitment, in the words of a shortfall: how much, because of which limit, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vpp.dispatch.kernels.limits import Limit
from vpp.dispatch.kernels.places import Stop

LEAST_SHORTFALL_KW = 0.5  # below a meter's own tolerance nobody misses anything
MOST_PLACES = 20  # named in one interval, those that cost most; the others are told together


@dataclass(frozen=True)
class Missing:
    """A part of what is missing, kW, up positive."""

    limit: Limit
    missing_kw: float
    reason: str


def is_short(residual_kw: float, stops: Sequence[Stop]) -> bool:
    """Whether anything worth telling is missing; parts of both directions may hide each other in the residual."""
    return max(abs(residual_kw), sum(abs(stop.missing_kw) for stop in stops)) > LEAST_SHORTFALL_KW


def told(residual_kw: float, reason: Limit, stops: Sequence[Stop], otherwise: str) -> list[Missing]:
    """The largest places and products by name, then the rest under its costliest limit; together the residual."""
    named = [stop for stop in stops if abs(stop.missing_kw) > LEAST_SHORTFALL_KW]
    named = sorted(named, key=lambda stop: -abs(stop.missing_kw))[:MOST_PLACES]
    found = [Missing(stop.limit, stop.missing_kw, _words(stop)) for stop in named]
    rest_kw = residual_kw - sum(one.missing_kw for one in found)
    if abs(rest_kw) > LEAST_SHORTFALL_KW:
        found.append(Missing(reason, rest_kw, otherwise))
    return found


def _words(stop: Stop) -> str:
    if stop.limit == Limit.NOT_ADMITTED:
        return f"{stop.where}: only devices that its rules exclude could give it"[:180]
    kind = "node" if stop.limit == Limit.NODE else "feeder"
    return f"{kind} {stop.where} bears {stop.bears_kw:.1f} kW of this portfolio"[:180]
