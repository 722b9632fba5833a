"""What was ordered and given of reactive power on a day, and by whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from bidding.distribution.reactive import ReactiveCommitment, reactive_commitments
from bidding.models import Award
from vpp.dispatch.queries import given_kvar
from vpp.enrollment.models import Portfolio
from vpp.enrollment.ownership import owned_at
from vpp.enrollment.queries import DeviceTable, device_table
from vpp.lib.periods import DeliveryDay
from vpp.settlement.kernels.contracts import Owners
from vpp.settlement.kernels.reactive import ReactiveDay, share_kvar
from vpp.settlement.models import BaselineProfile


@dataclass(frozen=True)
class ReactiveInputs:
    """The devices that were asked for reactive power on the day, whose they are, and the orders by key of the award.
    They are apart from the nominated devices: whose real power nobody moved has no part in what others delivered."""

    devices: DeviceTable
    profiles: list[BaselineProfile]
    owners: Owners
    days: dict[str, ReactiveDay]


def reactive_days(
    portfolio: Portfolio, awards: Sequence[Award], day: DeliveryDay, as_of: datetime
) -> tuple[DeviceTable, dict[str, ReactiveDay]] | None:
    """The devices asked, and the orders. None where nothing was ordered or nobody was asked: nothing is known then."""
    key_of = {award.pk: award.source_reference for award in awards}
    by_feeder: dict[str, list[ReactiveCommitment]] = defaultdict(list)
    for one in reactive_commitments(portfolio.pk, day.date):
        if one.award_id in key_of:
            by_feeder[one.feeder_code].append(one)
    if not by_feeder:
        return None
    given = given_kvar(portfolio.pk, day, as_of)
    if not given.device_id.size:
        return None
    devices = owned_at(device_table(at=day.start, device_ids=given.device_id.tolist()), day.start, known_at=as_of)
    feeder = np.array(devices.feeder_code, dtype=np.str_)
    found: dict[str, ReactiveDay] = {}
    for code, orders in by_feeder.items():
        here = np.where((feeder == code)[:, None], given.kvar, 0.0)
        shared = share_kvar([one.kvar for one in orders], here)
        found |= {key_of[one.award_id]: part for one, part in zip(orders, shared, strict=True)}
    return devices, found
