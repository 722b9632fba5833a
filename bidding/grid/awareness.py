"""Situational awareness: what a feeder carries, forecast and measured, interval by interval.

Net load is what the head's meter shows. Hidden load is consumption that it does not show, because generation behind it
serves it: load - max(net, 0). All in kW, non-negative but net (consumption positive).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from bidding.grid.injections import FeederDay, feeder_day
from forecasting.queries import device_baselines_kw, latest_run
from telemetry import queries as telemetry
from vpp.enrollment.models import Portfolio
from vpp.enrollment.queries import DeviceTable, device_table
from vpp.lib.periods import DeliveryDay
from vpp.network import operations as network

FloatArray = NDArray[np.float64]
INTERVAL_US = 900_000_000


@dataclass(frozen=True)
class PowerSplit:
    """(H,) each; NaN where nothing is known."""

    load_kw: FloatArray
    generation_kw: FloatArray
    net_kw: FloatArray

    @property
    def hidden_load_kw(self) -> FloatArray:
        return np.maximum(self.load_kw - np.maximum(self.net_kw, 0.0), 0.0)


@dataclass(frozen=True)
class Awareness:
    """A feeder's day. `screening` is the forecast after an AC power flow: voltage, loading, violations.

    measured_voltage_pu : node -> (H,) mean of what its devices reported, NaN without.
    up_kw, down_kw      : (H,) flexibility of the enrolled devices around the forecast.
    """

    known: FeederDay
    table: DeviceTable
    forecast: PowerSplit
    measured: PowerSplit
    up_kw: FloatArray
    down_kw: FloatArray
    screening: network.ScreeningResult
    measured_voltage_pu: dict[str, FloatArray]

    @property
    def highest_loading_pu(self) -> FloatArray:
        loading = np.hstack([self.screening.branch_loading_pu, self.screening.transformer_loading_pu])
        return np.asarray(np.where(np.isfinite(loading), loading, 0.0).max(axis=1, initial=0.0))

    @property
    def lowest_voltage_pu(self) -> FloatArray:
        voltage_pu = self.screening.voltage_pu
        return np.asarray(np.where(np.isfinite(voltage_pu), voltage_pu, np.inf).min(axis=1))

    @property
    def highest_voltage_pu(self) -> FloatArray:
        voltage_pu = self.screening.voltage_pu
        return np.asarray(np.where(np.isfinite(voltage_pu), voltage_pu, 0.0).max(axis=1))


def feeder_awareness(feeder_code: str, day: DeliveryDay, at: datetime) -> Awareness:
    """Everything that is known of the feeder's day at that moment. Raises UnknownFeeder, NoForecast."""
    return awareness_of(feeder_day(feeder_code, day, at), at)


def awareness_of(known: FeederDay, at: datetime) -> Awareness:
    """`feeder_awareness` of a day that is read already."""
    day = known.day
    table = device_table(at=at, feeder_code=known.feeder.code)
    baseline_kw = device_forecasts(table, day, at)
    meters = table.of_kind("METER")
    up_kw, down_kw = flexibility_kw(table, baseline_kw)
    return Awareness(
        known=known,
        table=table,
        forecast=_forecast_split(known, baseline_kw[~meters]),
        measured=_measured_split(table, day, at),
        up_kw=up_kw.sum(axis=0),
        down_kw=down_kw.sum(axis=0),
        screening=network.screen_grid(known.grid, known.p_kw, day.starts64(), at, q_kvar=known.q_kvar),
        measured_voltage_pu=_measured_voltage(table, day, at),
    )


def flexibility_kw(table: DeviceTable, baseline_kw: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(D, H) twice: how far each device could go up (less consumption) and down from its forecast."""
    usable = table.usable()[:, None]
    around = np.nan_to_num(baseline_kw)
    up_kw = np.where(usable, np.maximum(around + table.max_production_kw[:, None], 0.0), 0.0)
    down_kw = np.where(usable, np.maximum(table.max_consumption_kw[:, None] - around, 0.0), 0.0)
    generating = table.of_kind("PV", "WIND", "HYDRO")[:, None]
    # Weather-bound generation can only be curtailed.
    return np.where(generating, 0.0, up_kw), np.where(generating & usable, np.maximum(-around, 0.0), down_kw)


def device_forecasts(table: DeviceTable, day: DeliveryDay, at: datetime) -> FloatArray:
    """(D, H) newest forecast of each device, 0 where there is none."""
    found = np.zeros((len(table), day.n_intervals))
    row_of = {int(device): row for row, device in enumerate(table.device_id)}
    portfolios = Portfolio.objects.filter(enrollments__device_id__in=list(row_of)).distinct().order_by("pk")
    for portfolio_id in portfolios.values_list("pk", flat=True):
        run = latest_run(portfolio_id, day.date, at)
        ids, series = device_baselines_kw(run) if run is not None else (np.zeros(0, dtype=np.int64), np.zeros((0, 0)))
        for device, values in zip(ids.tolist(), series, strict=True):
            if device in row_of and values.size == day.n_intervals:
                found[row_of[device]] = values
    return found


def _forecast_split(known: FeederDay, device_kw: FloatArray) -> PowerSplit:
    """Forecast of the nodes, split by what the devices are expected to produce."""
    net_kw = known.p_kw.sum(axis=1)
    generation_kw = np.maximum(np.maximum(-device_kw, 0.0).sum(axis=0), np.maximum(-known.p_kw, 0.0).sum(axis=1))
    return PowerSplit(net_kw + generation_kw, generation_kw, net_kw)


def _measured_split(table: DeviceTable, day: DeliveryDay, at: datetime) -> PowerSplit:
    """Site meters give the net; devices without one in front of them count themselves. Production comes from the
    devices, and from the sites whose meter shows more of it."""
    nothing = np.full(day.n_intervals, np.nan)
    if not len(table):
        return PowerSplit(nothing, nothing, nothing)
    power_kw = telemetry.interval_power_kw(table.device_id, day.start, day.end, at)
    meters, counts = table.of_kind("METER"), counting(table)
    known = np.isfinite(power_kw[counts]).any(axis=0)
    net_kw = np.nan_to_num(power_kw[counts]).sum(axis=0)
    produced = np.maximum(-np.nan_to_num(power_kw), 0.0)
    generation_kw = np.maximum(produced[~meters].sum(axis=0), produced[counts].sum(axis=0))

    def shown(values: FloatArray) -> FloatArray:
        return np.where(known, values, np.nan)

    return PowerSplit(shown(net_kw + generation_kw), shown(generation_kw), shown(net_kw))


def counting(table: DeviceTable) -> NDArray[np.bool_]:
    """(D,) the devices whose powers add up to the feeder's net load: site meters, and devices without one."""
    meters = table.of_kind("METER")
    metered = set(table.site_id[meters].tolist())
    alone = np.array([site not in metered for site in table.site_id.tolist()], dtype=bool)
    return np.asarray(meters | alone, dtype=np.bool_)


def measured_screening(found: Awareness, at: datetime) -> network.ScreeningResult | None:
    """The day again with what was metered in place of the forecast, where a node's meters all reported the interval.

    Consumption has the feeder's power factor. Intervals without any reading have no value; None without one at all.
    """
    known, table, day = found.known, found.table, found.known.day
    if not len(table):
        return None
    rows = np.flatnonzero(counting(table))
    power_kw = telemetry.interval_power_kw(table.device_id[rows], day.start, day.end, at)
    told = np.asarray(np.isfinite(power_kw).any(axis=0), dtype=np.bool_)
    if not told.any():
        return None
    index = known.model.node_index
    metered_kw: dict[int, FloatArray] = {}
    for row, series in zip(rows.tolist(), power_kw, strict=True):
        node = index.get(table.node_code[row])
        if node is not None:
            metered_kw[node] = metered_kw.get(node, np.zeros(day.n_intervals)) + series
    p_kw = known.forecast_kw.copy()
    for node, series in metered_kw.items():
        p_kw[:, node] = np.where(np.isfinite(series), series, p_kw[:, node])
    result = network.screen_grid(known.grid, p_kw, day.starts64(), at)
    for values in (result.voltage_pu, result.branch_loading_pu, result.transformer_loading_pu):
        values[~told] = np.nan
    return replace(result, violations=[item for item in result.violations if told[item.interval]])


def _measured_voltage(table: DeviceTable, day: DeliveryDay, at: datetime) -> dict[str, FloatArray]:
    """Per node the mean voltage that its devices' readings of each interval carry."""
    readings = telemetry.readings(table.device_id, day.start, day.end, at)
    told = np.isfinite(readings.voltage_pu)
    node_of = dict(zip(table.device_id.tolist(), table.node_code, strict=True))
    codes = sorted(set(table.node_code))
    row_of = {code: row for row, code in enumerate(codes)}
    row = np.array([row_of[node_of[device]] for device in readings.device_id[told].tolist()], dtype=np.int64)
    start_us = round(day.start.timestamp() * 1e6)
    place = (readings.time_us[told] - start_us) // INTERVAL_US
    sums, counts = np.zeros((len(codes), day.n_intervals)), np.zeros((len(codes), day.n_intervals))
    np.add.at(sums, (row, place), readings.voltage_pu[told])
    np.add.at(counts, (row, place), 1)
    mean = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return {code: mean[row_of[code]] for code in codes if counts[row_of[code]].any()}
