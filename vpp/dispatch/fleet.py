"""The enrolled devices of some portfolios as one table, kept in memory for as long as the database says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from vpp.enrollment.queries import DeviceTable, device_table
from vpp.lib.inverters import INVERTER_KINDS

Ints = NDArray[np.int64]

KEPT = 8  # fleets; a loop that serves all portfolios needs one, a planner of single ones a few

# One number that changes with every change of a row that a device table is made from, or of which rows hold at `at`:
# the rows' places and the transactions that wrote them, xored.
STAMP = """
SELECT (SELECT bit_xor(hashtidextended(ctid, xmin::text::bigint)) FROM enrollment_device),
       (SELECT bit_xor(hashtidextended(ctid, xmin::text::bigint)) FROM enrollment_site),
       (SELECT bit_xor(hashtidextended(ctid, xmin::text::bigint)) FROM enrollment_ownerterms WHERE period @> %(at)s),
       (SELECT bit_xor(hashtidextended(ctid, xmin::text::bigint)) FROM enrollment_enrollment WHERE period @> %(at)s)
"""


@dataclass(frozen=True)
class Fleet:
    """N devices of some portfolios, one portfolio after the other, each in the order of its device ids."""

    table: DeviceTable
    parts: dict[int, slice]  # rows of each portfolio

    @cached_property
    def kind(self) -> NDArray[np.str_]:
        return np.array(self.table.kind, dtype=np.str_)

    @cached_property
    def feeder(self) -> NDArray[np.str_]:
        return np.array(self.table.feeder_code, dtype=np.str_)

    @cached_property
    def inverters(self) -> NDArray[np.bool_]:
        """(N,) devices that can give reactive power."""
        return np.isin(self.kind, INVERTER_KINDS)

    @cached_property
    def _order(self) -> Ints:
        return np.argsort(self.table.device_id, kind="stable")

    @cached_property
    def portfolio_id(self) -> Ints:
        """(N,) portfolio of each device."""
        ids = np.zeros(len(self.table), dtype=np.int64)
        for portfolio_id, rows in self.parts.items():
            ids[rows] = portfolio_id
        return ids

    def table_of(self, portfolio_id: int) -> DeviceTable:
        """The devices of one portfolio."""
        rows = self.parts[portfolio_id]
        return DeviceTable(**{one.name: getattr(self.table, one.name)[rows] for one in fields(DeviceTable)})

    def rows_of(self, device_ids: Ints) -> Ints:
        """(M,) row of each device, -1 for one that is not of this fleet."""
        known = self.table.device_id
        if known.size == 0:
            return np.full(device_ids.size, -1, dtype=np.int64)
        place = np.minimum(np.searchsorted(known, device_ids, sorter=self._order), known.size - 1)
        rows = self._order[place]
        return np.where(known[rows] == device_ids, rows, -1)


_kept: dict[tuple[int, ...], tuple[tuple[object, ...], Fleet]] = {}


def fleet_of(portfolio_ids: Sequence[int], at: datetime) -> Fleet:
    """The devices enrolled at `at`, with the owner terms of that moment; read again only when something changed."""
    key = tuple(portfolio_ids)
    with connection.cursor() as cursor:
        cursor.execute(STAMP, {"at": at})
        stamp = tuple(cursor.fetchone())
    kept = _kept.pop(key, None)
    fleet = kept[1] if kept is not None and kept[0] == stamp else _load(key, at)
    _kept[key] = (stamp, fleet)
    while len(_kept) > KEPT:
        _kept.pop(next(iter(_kept)), None)
    return fleet


def _load(portfolio_ids: tuple[int, ...], at: datetime) -> Fleet:
    tables = [device_table(portfolio_id=portfolio_id, at=at) for portfolio_id in portfolio_ids]
    ends = np.cumsum([0, *(len(table) for table in tables)]).tolist()
    parts = {portfolio_id: slice(ends[n], ends[n + 1]) for n, portfolio_id in enumerate(portfolio_ids)}
    return Fleet(_joined(tables), parts)


def _joined(tables: list[DeviceTable]) -> DeviceTable:
    """One table of all rows in order."""
    columns: dict[str, Any] = {}
    for one in fields(DeviceTable):
        values = [getattr(table, one.name) for table in tables]
        whole = isinstance(values[0], np.ndarray)
        columns[one.name] = np.concatenate(values) if whole else [item for part in values for item in part]
    return DeviceTable(**columns)
