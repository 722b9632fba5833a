"""What the other side says of some orders beside what we settled of them; kW in the direction of the order."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from vpp.settlement.kernels.utility_statement import TheirInterval, TheirStatement


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs by more than the tolerance; isp 0 is the whole order."""

    isp: int
    field: str
    ours: float
    theirs: float

    @property
    def difference(self) -> float:
        return self.theirs - self.ours


@dataclass(frozen=True, slots=True)
class TheirSum:
    """What they say of all orders of one subject together; net None where they do not give it for each of them."""

    intervals: Sequence[TheirInterval]
    net: Decimal | None


def summed(theirs: TheirStatement, orders: Collection[str]) -> TheirSum:
    """Some orders as one: interval by interval, None where one of them that has the interval says nothing."""
    by_isp: dict[int, TheirInterval] = {}
    for one in theirs.intervals:
        if one.order in orders:
            known = by_isp.get(one.isp)
            by_isp[one.isp] = one if known is None else _plus(known, one)
    nets = [theirs.net_by_order.get(order) for order in orders]
    whole = [net for net in nets if net is not None]
    return TheirSum(list(by_isp.values()), sum(whole, Decimal(0)) if len(whole) == len(nets) else None)


def _plus(one: TheirInterval, other: TheirInterval) -> TheirInterval:
    def both(field: str) -> Any:
        first, second = getattr(one, field), getattr(other, field)
        return None if first is None or second is None else first + second

    return replace(one, **{name: both(name) for name in ("ordered_kw", "delivered_kw", "deficiency_kw", "net_amount")})


def differences(
    theirs: Sequence[TheirInterval],
    ordered_kw: Sequence[float],
    delivered_kw: Sequence[float],
    *,
    tolerance_kw: float = 0.5,
    tolerance_pu: float = 0.01,
) -> list[Difference]:
    """What differs by more than max(tolerance_kw, tolerance_pu x ours), in the order of the intervals.

    ordered_kw, delivered_kw : (H,) ours, in the direction of the order, delivered uncapped and maybe negative.

    Theirs is compared with ours as UFTP settles it: delivered = min(ordered, max(0, d)), deficiency = max(0, ordered -
    d). An ordered interval of ours that they leave out is compared with zero.
    """
    by_isp = {one.isp: one for one in theirs}
    found: list[Difference] = []
    for isp, (ordered, real) in enumerate(zip(ordered_kw, delivered_kw, strict=True), start=1):
        their = by_isp.pop(isp, None)
        if their is None:
            their = TheirInterval("", date.min, isp, ordered_kw=0.0) if ordered > 0 else None
        if their is not None:
            ours = {
                "ordered_kw": ordered,
                "delivered_kw": min(ordered, max(0.0, real)),
                "deficiency_kw": max(0.0, ordered - real) if ordered > 0 else 0.0,
            }
            found.extend(_off(isp, ours, their, tolerance_kw, tolerance_pu))
    found.extend(Difference(isp, "interval", 0.0, float(isp)) for isp in sorted(by_isp))
    return found


def _off(isp: int, ours: Mapping[str, float], their: TheirInterval, kw: float, pu: float) -> Iterable[Difference]:
    for field, value in ours.items():
        said = getattr(their, field)
        if said is not None and abs(said - value) > max(kw, pu * abs(value)):
            yield Difference(isp, field, value, said)
