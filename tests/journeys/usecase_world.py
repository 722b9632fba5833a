"""A SimBench low-voltage feeder with a fleet, a forecast and a utility, in which the use cases are walked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from forecasting.models import Forecast, ForecastRun
from tests.apps.bidding.world import client_of, import_demo_markets, make_forecast, post_price_history
from tests.factories import make_device, make_participant, make_portfolio, make_site
from vpp.accounts.models import Participant
from vpp.enrollment.models import Portfolio
from vpp.lib import clock
from vpp.lib.periods import DeliveryDay
from vpp.network import operations as network
from vpp.network.kernels.document import BranchRow, NetworkDocument, as_json
from vpp.network.models import Node

FEEDER = "LV1.101"
AT = datetime(2016, 7, 13, 9, 0, tzinfo=UTC)
DAY = DeliveryDay(date(2016, 7, 14), "Europe/Berlin")
EVENING, NOON = slice(72, 76), slice(48, 52)
Floats = NDArray[np.float64]


@lru_cache(maxsize=1)
def grid() -> NetworkDocument:
    """SimBench's rural feeder (15 nodes, 160 kVA) and one open tie between the ends of its two longest streets."""
    pytest.importorskip("simbench")
    from vpp.simulation.grids.simbench_network import network_document
    from vpp.simulation.grids.simbench_tables import read_grid

    document = network_document(read_grid("1-LV-rural1--2-sw"))
    ends = street_ends(document)
    like = document.branches[0]
    tie = BranchRow("TIE", FEEDER, ends[0], ends[1], like.r_ohm, like.x_ohm, like.c_nf, like.rating_a, True, False)
    points = [replace(point, limit_kw=155.0) for point in document.congestion_points]
    return replace(document, branches=[*document.branches, tie], congestion_points=points)


def street_ends(document: NetworkDocument) -> list[str]:
    """Nodes without anything behind them, the farthest by resistance first."""
    from vpp.network.kernels.document import feeder_model
    from vpp.network.kernels.sensitivities import radial_sensitivities

    model = feeder_model(document)
    far = radial_sensitivities(model).path_resistance_pu()
    met = Counter(code for row in document.branches for code in (row.from_node, row.to_node))
    leaves = [code for code in model.nodes.codes if met[code] == 1]
    return sorted(leaves, key=lambda code: -far[model.node_index[code]])


@dataclass
class FeederWorld:
    utility: Participant
    portfolio: Portfolio
    headers: dict[str, str]
    nodes: list[str]
    point: str

    def forecast(self, by_node: dict[str, Floats], *, version: int = 1) -> ForecastRun:
        """Publish the feeder's forecast: node -> (96,) net kW."""
        run = ForecastRun.objects.create(
            natural_key=f"feeder:{FEEDER}:{version}", feeder_code=FEEDER, zone_code="DE", time_zone=DAY.zone,
            delivery_date=DAY.date, version=version, issue_time=AT - timedelta(minutes=30), data_as_of=AT - timedelta(hours=1),
            history_start=AT - timedelta(days=30), seed=1, state=ForecastRun.State.OK, duration_s=0.0,
        )  # fmt: skip
        Forecast.objects.bulk_create(
            Forecast(
                run=run, scope=Forecast.Scope.NODE, feeder_code=FEEDER, node_code=code, rung="test", mean_kw=series,
                quantiles_kw=np.zeros(0), available_at=AT - timedelta(minutes=30),
            )
            for code, series in by_node.items()
        )  # fmt: skip
        return run

    def flat(self, kw: float, **windows: tuple[slice, float]) -> dict[str, Floats]:
        """The same series at every node: `kw`, and other values within windows."""
        series = np.full(96, kw)
        for window, value in windows.values():
            series[window] = value
        return {code: series.copy() for code in self.nodes}

    def narrow_band(self, low_pu: float = 0.9, high_pu: float = 1.1) -> None:
        Node.objects.filter(feeder__code=FEEDER, nominal_kv__lt=1).update(v_min_pu=low_pu, v_max_pu=high_pu)


def make_feeder_world(*, batteries: int = 3, pv: bool = True) -> FeederWorld:
    """Batteries of 10 kW / 20 kWh and PV of 15 kW at every node with low voltage, all in one portfolio."""
    utility = make_participant(kind=Participant.Kind.UTILITY, code="dso.example")
    network.import_network(as_json(grid()), utility=utility, at=AT - timedelta(days=1))
    nodes = sorted(Node.objects.filter(feeder__code=FEEDER, nominal_kv__lt=1).values_list("code", flat=True))
    import_demo_markets(AT - timedelta(days=1))
    devices: list[Any] = []
    owner = make_participant()
    for code in nodes[1:]:
        site = make_site(feeder_code=FEEDER, node_code=code, owner=owner)
        devices += [make_device(site=site, cost_per_kwh="0.005") for _ in range(batteries)]
        if pv:
            devices.append(
                make_device(kind="PV", site=site, max_consumption_kw=0.0, max_production_kw=15.0, controllable=True)
            )
    portfolio = make_portfolio(devices=devices, feeder_code=FEEDER)
    make_forecast(portfolio, DAY, AT - timedelta(hours=1))
    from bidding.models import Product

    Product.objects.filter(code="ENERGY-60").update(min_quantity_kw=1.0, lot_kw=1.0)  # a fleet of one street
    energy = Product.objects.select_related("market").get(code="ENERGY-60")
    post_price_history(energy, DAY, AT - timedelta(hours=2))
    _, headers = client_of(utility, "read", "asks:write")
    clock.set_simulated(AT)
    return FeederWorld(utility, portfolio, headers, nodes[1:], grid().congestion_points[0].code)
