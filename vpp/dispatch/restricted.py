"""Awards of products that not every device may serve: which part of an interval's commitment they are, and who may."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bidding.models import Product
from bidding.operations.admission import admission
from vpp.dispatch.kernels.claims import Claims
from vpp.dispatch.positions import Position
from vpp.enrollment.queries import DeviceTable

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Restricted:
    """R products that exclude some of N devices: up_kw (R, H) awarded and called, up positive; admitted (R, N)."""

    names: tuple[str, ...]
    up_kw: Floats
    admitted: NDArray[np.bool_]

    def at(self, index: int) -> Claims | None:
        """Those of one interval; None where every device may serve all that is promised."""
        rows = np.flatnonzero(self.up_kw[:, index])
        if rows.size == 0:
            return None
        return Claims(self.up_kw[rows, index], self.admitted[rows], tuple(self.names[row] for row in rows))


def excludes_some(position: Position) -> bool:
    """Whether any award of the position is of a product with rules on devices."""
    return any(_excludes(product) for product in position.products)


def _excludes(product: Product) -> bool:
    return bool(product.eligible_kinds) or product.min_device_kw is not None or product.max_device_kw is not None


def restricted(table: DeviceTable, position: Position) -> Restricted:
    """Of the awards of a position, by product, for the devices of the table."""
    by_product: dict[int, Floats] = {}
    products: dict[int, Product] = {}
    for product, up_kw in zip(position.products, position.award_up_kw, strict=True):
        if _excludes(product):
            products[product.pk] = product
            by_product[product.pk] = by_product.get(product.pk, np.zeros(up_kw.size)) + up_kw
    names, sums, masks = [], [], []
    for key in sorted(products):
        barred = np.fromiter(admission(table, [products[key]]).barred_codes, dtype=np.int64)
        if barred.size:
            names.append(products[key].code)
            sums.append(by_product[key])
            masks.append(~np.isin(table.device_id, barred))
    n_intervals = position.committed_up_kw.size
    return Restricted(
        tuple(names),
        np.array(sums, dtype=np.float64).reshape(-1, n_intervals),
        np.array(masks, dtype=bool).reshape(-1, len(table)),
    )
