"""A feeder's day as injections per node: the forecast, with everything that is firm already on top."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bidding.models import Award, Bid, BidOption, Product
from forecasting.queries import NoForecast, latest_feeder_run, node_injections_kw
from vpp.enrollment.queries import DeviceTable, device_table
from vpp.lib.inverters import INVERTER_KINDS
from vpp.lib.periods import DeliveryDay
from vpp.network import operations as network
from vpp.network.feeder_grid import FeederGrid, Spans, feeder_grid
from vpp.network.models import Feeder, TopologyVersion

if TYPE_CHECKING:
    from vpp.network.kernels.feeder import FeederModel
    from vpp.network.kernels.screening import PowerLimit

FloatArray = NDArray[np.float64]
NodeWeights = tuple[NDArray[np.int64], FloatArray]


@dataclass(frozen=True)
class FeederDay:
    """A feeder's day, each interval in its own switching state.

    grid         : the feeder as imported and its states; `model` is its model as imported.
    spans        : the stretches of intervals with one state each.
    p_kw, q_kvar : (H, N) forecast plus what is firm. forecast_kw: (H, N) the forecast alone.
    run_key      : natural key of the forecast it came from.
    """

    grid: FeederGrid
    day: DeliveryDay
    model: FeederModel
    spans: Spans
    p_kw: FloatArray
    q_kvar: FloatArray
    forecast_kw: FloatArray
    run_key: str

    @property
    def feeder(self) -> Feeder:
        return self.grid.feeder

    @property
    def states(self) -> list[tuple[slice, FeederModel]]:
        """Each stretch with the model as switched then."""
        return [(span, self.grid.switched(state)) for span, state in self.spans]

    @property
    def topologies(self) -> list[TopologyVersion]:
        """The states that the day passes through, in order; none where none is recorded."""
        return [state for _, state in self.spans if state is not None]

    @property
    def power_limits(self) -> list[PowerLimit]:
        return list(self.grid.power_limits)


def feeder_day(feeder_code: str, day: DeliveryDay, known_at: datetime, *, with_firm: bool = True) -> FeederDay:
    """The feeder's day as known then. Raises UnknownFeeder, NoForecast, UnknownNode."""
    grid = feeder_grid(feeder_code)
    run = latest_feeder_run(feeder_code, day.date, known_at)
    if run is None:
        raise NoForecast(f"there is no forecast of feeder {feeder_code!r} for {day.date}", feeder=feeder_code)
    model = grid.model
    forecast_kw = network.injection_matrix(model, node_injections_kw(feeder_code, day.date, known_at), day.n_intervals)
    q_kvar = np.maximum(forecast_kw, 0) * np.tan(np.arccos(grid.feeder.power_factor))
    p_kw = forecast_kw.copy()
    if with_firm:
        for portfolio_id, net_up_kw, up_kvar in firm(feeder_code, day):
            table = device_table(at=known_at, portfolio_id=portfolio_id)
            nodes, weights = node_weights(table, feeder_code, model)
            p_kw[:, nodes] -= net_up_kw[:, None] * weights
            if up_kvar.any():
                nodes, weights = inverter_weights(table, feeder_code, model)
                q_kvar[:, nodes] -= up_kvar[:, None] * weights
    return FeederDay(grid, day, model, grid.spans(day.starts64()), p_kw, q_kvar, forecast_kw, run.natural_key)


def version_names(states: Sequence[TopologyVersion]) -> str:
    """As an ask names the switching states it was computed on: `LV1.101@3`, or `LV1.101@3+4` where there are two."""
    later = "".join(f"+{state.version}" for state in states[1:])
    return f"{states[0]}{later}" if states else ""


def firm(feeder_code: str, day: DeliveryDay) -> Iterator[tuple[int, FloatArray, FloatArray]]:
    """(portfolio, net kW up, kvar injected) of awards that move devices of the feeder: wholesale energy and asks.

    A portfolio that spans several feeders moves each in proportion to its devices there, which `node_weights` gives;
    reactive power comes from the inverters on the feeder that it was asked for.
    """
    awards = Award.objects.standing().filter(bid__delivery_date=day.date, bid__portfolio__in=portfolios_on(feeder_code))
    reserves = (Product.Kind.RESERVE_UP, Product.Kind.RESERVE_DOWN)
    awards = awards.exclude(bid__product__kind__in=reserves).select_related(
        "bid__ask__congestion_point__feeder", "ordered_option__option"
    )
    for award in awards.order_by("pk"):
        net_up_kw = np.asarray(award.up_kw, dtype=np.float64) - np.asarray(award.down_kw, dtype=np.float64)
        ordered = getattr(award, "ordered_option", None)
        up_kvar = np.zeros(day.n_intervals)
        point = award.bid.ask.congestion_point if award.bid.ask else None
        if ordered is not None and ordered.option.kvar is not None and point and point.feeder.code == feeder_code:
            up_kvar = np.asarray(ordered.option.kvar, dtype=np.float64) * float(ordered.activation_pu)
        yield award.bid.portfolio_id, net_up_kw, up_kvar


def portfolios_on(feeder_code: str) -> list[int]:
    """Portfolios with a device on the feeder."""
    from vpp.enrollment.models import Enrollment

    rows = Enrollment.objects.filter(device__site__feeder_code=feeder_code)
    return sorted(set(rows.values_list("portfolio_id", flat=True)))


def node_weights(table: DeviceTable, feeder_code: str, model: FeederModel) -> NodeWeights:
    """Where a portfolio's movement shows on the feeder: nodes and their shares of all its usable power; what lies on
    other feeders is left out, so the shares may sum to less than 1."""
    power_kw = np.where(table.usable(), table.max_consumption_kw + table.max_production_kw, 0.0)
    nodes, at_node_kw = _at_nodes(table, power_kw, feeder_code, model)
    total = float(power_kw.sum())
    return nodes, at_node_kw / total if total else np.zeros(0)


def inverter_weights(table: DeviceTable, feeder_code: str, model: FeederModel) -> NodeWeights:
    """Where reactive power that is ordered of a portfolio on the feeder shows: nodes and their shares of the rated
    power of its inverters there, as dispatch splits it; they sum to 1."""
    able = table.usable() & table.of_kind(*INVERTER_KINDS)
    rated_kw = np.where(able, np.maximum(table.max_consumption_kw, table.max_production_kw), 0.0)
    nodes, at_node_kw = _at_nodes(table, rated_kw, feeder_code, model)
    return nodes, at_node_kw / at_node_kw.sum() if nodes.size else np.zeros(0)


def _at_nodes(table: DeviceTable, power_kw: FloatArray, feeder_code: str, model: FeederModel) -> NodeWeights:
    """The nodes of the feeder that have some of the devices' power (N,), and how much."""
    index = model.node_index
    by_node: dict[int, float] = {}
    for row, code in enumerate(table.node_code):
        if power_kw[row] > 0 and table.feeder_code[row] == feeder_code and code in index:
            by_node[index[code]] = by_node.get(index[code], 0.0) + float(power_kw[row])
    nodes = np.array(sorted(by_node), dtype=np.int64)
    return nodes, np.array([by_node[node] for node in nodes], dtype=np.float64)


def open_options(feeder_code: str, day: DeliveryDay) -> Iterable[tuple[Bid, list[BidOption]]]:
    """Our bids on asks of the feeder that the utility may still order, with their options."""
    states = (Bid.State.SUBMITTED, Bid.State.ACKNOWLEDGED)
    rows = Bid.objects.filter(ask__congestion_point__feeder__code=feeder_code, delivery_date=day.date, state__in=states)
    rows = rows.select_related("ask__congestion_point__feeder", "portfolio").prefetch_related("options").order_by("pk")
    return [(bid, sorted(bid.options.all(), key=lambda option: option.pk)) for bid in rows]
