"""The rules of a product that a bid must keep: sizes, prices, one quantity a block, curves, blocks. Plain code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bidding.errors import BadPrice, BelowMinimum
from bidding.models import Product
from vpp.lib.periods import DeliveryDay

if TYPE_CHECKING:
    from bidding.operations.drafts import BidDraft


def check_rules(draft: BidDraft) -> None:
    """Raises BelowMinimum (sizes: a bid below the minimum is not rounded up, it is not made) or BadPrice."""
    from bidding.kernels.book import Promise, check_promise

    product = draft.product
    for direction, quantities in _quantities(draft):
        promise = Promise(draft.natural_key, direction, quantities, product.lot_kw, product.min_quantity_kw)
        if findings := check_promise(promise):
            first = findings[0]
            raise BelowMinimum(
                f"{draft.natural_key}: {first.rule} in interval {first.interval}",
                rule=first.rule,
                interval=first.interval,
                quantity_kw=first.value_kw,
                limit_kw=first.limit_kw,
            )
        if product.max_quantity_kw is not None and max(quantities, default=0.0) > product.max_quantity_kw + 1e-6:
            raise BelowMinimum(
                f"{draft.natural_key}: {max(quantities)} kW, the market takes {product.max_quantity_kw}",
                rule="above_maximum",
                limit_kw=product.max_quantity_kw,
            )
    if product.is_symmetric and list(draft.up_kw) != list(draft.down_kw):
        raise BelowMinimum(f"{draft.natural_key}: one quantity is held both ways", rule="not_symmetric")
    if draft.ask is None:
        _check_blocks(draft)
        _check_group(draft)
    _check_prices(draft)


def _quantities(draft: BidDraft) -> Iterator[tuple[str, list[float]]]:
    """What is offered at most, and every step of a curve."""
    yield "UP", [float(value) for value in draft.up_kw]
    yield "DOWN", [float(value) for value in draft.down_kw]
    for points in draft.curve or []:
        yield "UP", [max(float(quantity), 0.0) for _, quantity in points]
        yield "DOWN", [max(-float(quantity), 0.0) for _, quantity in points]


def _check_blocks(draft: BidDraft) -> None:
    """One quantity and one price for all of a market block."""
    from bidding.kernels.gate import block_of_interval

    first: dict[int, tuple[float, float, float]] = {}
    blocks = block_of_interval(draft.day, draft.product.block_minutes)
    rows = zip(draft.up_kw, draft.down_kw, draft.price_per_mwh, strict=True)
    for interval, row in enumerate(rows):
        block = int(blocks[interval])
        if first.setdefault(block, row) != row:
            raise BelowMinimum(
                f"{draft.natural_key}: interval {interval} differs from its block", rule="not_one_block",
                interval=interval,
            )  # fmt: skip


def _check_group(draft: BidDraft) -> None:
    """An exclusive group of blocks where the product takes one, and nothing else there."""
    from bidding.kernels.block_check import GroupRules, extremes_of_group, group_findings
    from bidding.kernels.gate import block_of_interval

    product = draft.product
    takes_blocks = product.order_form == Product.OrderForm.BLOCKS
    if draft.blocks is None:
        if takes_blocks:
            raise BadPrice(f"{product} takes blocks and nothing else", order_form=product.order_form)
        return
    if not takes_blocks:
        raise BadPrice(f"{product} takes no blocks", order_form=product.order_form)
    rules = GroupRules(
        most=product.max_points, loops=product.loop_blocks, lot_kw=product.lot_kw, min_kw=product.min_quantity_kw,
        most_kw=product.max_quantity_kw, price_floor=product.price_floor, price_cap=product.price_cap,
        tick=float(product.tick),
    )  # fmt: skip
    units = block_of_interval(draft.day, product.block_minutes).tolist()
    findings = group_findings(draft.blocks, units, rules)
    if not findings and extremes_of_group(draft.blocks) != (list(draft.up_kw), list(draft.down_kw)):
        findings = ["the bid claims other quantities than its blocks"]
    if findings:
        raise BadPrice(f"{draft.natural_key}: {findings[0]}", findings=findings)


def _check_prices(draft: BidDraft) -> None:
    from bidding.kernels.curve import curve_findings
    from bidding.kernels.linear_curve import line_findings

    product = draft.product
    for interval, price in enumerate(draft.price_per_mwh):
        if not product.price_floor - 1e-9 <= price <= product.price_cap + 1e-9:
            limits = [product.price_floor, product.price_cap]
            raise BadPrice(f"{price} in interval {interval} is outside {limits[0]} to {limits[1]}", limits=limits)
    if draft.curve is None:
        return
    if product.order_form not in (Product.OrderForm.STEPS, Product.OrderForm.LINEAR):
        raise BadPrice(f"{product} takes no curves", order_form=product.order_form)
    is_line = product.order_form == Product.OrderForm.LINEAR and product.kind == Product.Kind.ENERGY
    findings = (line_findings if is_line else curve_findings)(
        draft.curve, blocks=count_blocks(product, draft.day), max_points=product.max_points,
        price_floor=product.price_floor, price_cap=product.price_cap, tick=float(product.tick),
    )  # fmt: skip
    if findings:
        raise BadPrice(f"{draft.natural_key}: {findings[0]}", findings=findings)


def count_blocks(product: Product, day: DeliveryDay) -> int:
    from bidding.kernels.gate import block_of_interval

    return int(block_of_interval(day, product.block_minutes).max()) + 1


def extremes_of(product: Product, day: DeliveryDay, curve: Sequence[Any]) -> tuple[list[float], list[float]]:
    """(H,) the most that a curve sells and buys per quarter hour; for a downward reserve all of it counts down."""
    from bidding.kernels.curve import extremes
    from bidding.kernels.gate import block_of_interval

    blocks = block_of_interval(day, product.block_minutes)
    if len(curve) != int(blocks.max()) + 1:
        raise BadPrice(f"the curve has {len(curve)} blocks, the day {int(blocks.max()) + 1}")
    most = [extremes(points) for points in curve]
    up_kw, down_kw = [most[block][0] for block in blocks], [most[block][1] for block in blocks]
    if product.kind == Product.Kind.RESERVE_DOWN:
        return down_kw, up_kw
    return (up_kw, list(up_kw)) if product.is_symmetric else (up_kw, down_kw)


def check_whole_blocks(product: Product, covered: Sequence[float]) -> None:
    """Raises BelowMinimum where a window covers a part of a market block: a curve is for the whole of one."""
    if any(0.0 < share < 1.0 for share in covered):
        raise BelowMinimum(
            f"the window must cover whole blocks of {product.block_minutes} minutes, each of which has a curve",
            rule="not_one_block",
        )
