"""What a standing contract reserves is kept from being sold elsewhere: power, and its energy in the storages."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from bidding.distribution.answering import answer_feeder
from bidding.distribution.contracts import reserved_kw, update_reservation
from bidding.kernels.co_optimise import co_optimise
from bidding.kernels.solver import SolverOptions, available_engine
from bidding.models import FlexContract
from bidding.operations.gather import gather
from bidding.wholesale.queries import open_product
from tests.apps.bidding.world import World


def test_a_contract_with_an_energy_limit_keeps_its_energy_in_the_storages(world: World):
    """800 kWh of batteries: of what a contract may still order, nothing is sold over the day's peak."""
    contract = FlexContract.objects.create(
        contract_id="C", utility=world.utility, congestion_point=world.point, direction="UP", power_kw=50.0,
        price_per_mwh=100.0, first_date=date(2016, 1, 1), energy_limit_kwh=None,
    )  # fmt: skip
    offer = open_product(world.energy, world.day.date, world.at)
    assert offer is not None

    def least_stored_kwh() -> float:
        gathered = gather(
            portfolio=world.portfolio, day=world.day, products=[offer], asks={}, ask_lot_kw=1.0, ask_min_kw=1.0,
            known_at=world.at,
        )  # fmt: skip
        problem = gathered.problem
        plan = co_optimise(problem, SolverOptions(engine=available_engine(), node_limit=1), gap_target=0.3)
        held = [
            stored_kwh - group.energy_min_kwh
            for group, stored_kwh in zip(problem.groups, plan.group_energy_kwh, strict=True)
            if group.has_energy
        ]
        return float(np.min(sum(held)))

    power_only = least_stored_kwh()
    FlexContract.objects.filter(pk=contract.pk).update(energy_limit_kwh=300.0)
    assert power_only < 200.0
    assert least_stored_kwh() >= 300.0 - 1.0


def test_what_a_contract_reserves_is_not_sold_elsewhere(world: World):
    contract = FlexContract.objects.create(
        contract_id="C", utility=world.utility, congestion_point=world.point, direction="UP", power_kw=50.0,
        price_per_mwh=100.0, first_date=date(2016, 1, 1),
    )  # fmt: skip

    def free(asks=()) -> float:
        given = {ask.pk: (ask, np.array(ask.quantity_kw)) for ask in asks}
        gathered = gather(
            portfolio=world.portfolio, day=world.day, products=[], asks=given, ask_lot_kw=1.0, ask_min_kw=1.0,
            known_at=world.at,
        )  # fmt: skip
        return float(gathered.problem.book_up_kw[73])

    before = free()
    lowered = [None] * 72 + [20.0] * 4 + [None] * 20
    update_reservation(contract=contract, day=world.day, wanted_kw=lowered, reference="r", at=world.at, actor="t")
    assert reserved_kw(contract, world.day)[71:73] == [50.0, 20.0]
    assert free() == pytest.approx(before + 30.0)
    ask = world.ask(contract=contract, quantity_kw=[0.0] * 72 + [20.0] * 4 + [0.0] * 20)
    assert free([ask]) == pytest.approx(before + 50.0)
    (bid,) = answer_feeder(feeder_code=world.point.feeder.code, delivery_date=world.day.date, at=world.at).bids
    assert (bid.up_kw[73], bid.price_per_mwh[73]) == (20.0, 400.0)
