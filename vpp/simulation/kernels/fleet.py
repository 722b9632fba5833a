"""A whole fleet, stepped 15 minutes at a time, vectorised over all devices of a kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vpp.simulation.kernels import battery, ev_charger, generation, heat_pump, loads
from vpp.simulation.kernels.faults import Fault
from vpp.simulation.kernels.fleet_spec import (
    DEFAULT_HALF_BAND_K,
    DEFAULT_STORE_HOURS,
    DEFAULT_TIME_CONSTANT_H,
    FleetSpec,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

DRIFT_PU_PER_HOUR = 0.2  # of what is asked, lost by a drifting device for each hour of the day so far

CURTAILABLE = ("PV", "WIND", "HYDRO")
RAMPED = ("BIOMASS", "GENSET")
THERMAL = ("HEAT_PUMP", "WATER_HEATER")


@dataclass(frozen=True)
class FleetState:
    """power_kw, soc_kwh, previous_target_kw: (N,); soc_kwh of batteries only. index: the next interval to step."""

    index: int
    power_kw: Floats
    soc_kwh: Floats
    previous_target_kw: Floats
    thermal: heat_pump.ThermalState
    chargers: ev_charger.ChargerState


class Fleet:
    """Physics and bookkeeping of one simulated day. `fault` is (N, H) of faults.Fault codes.

    steps_a_column: how many steps of step_hours live in one column of profile and faults (1: a step is a column).
    """

    def __init__(
        self, spec: FleetSpec, fault: NDArray[np.uint8], step_hours: float = 0.25, steps_a_column: int = 1
    ) -> None:
        self.spec, self.fault, self.step_hours, self.steps_a_column = spec, fault, step_hours, steps_a_column
        self._batteries = np.flatnonzero(spec.kind == "BATTERY")
        self._curtailable = np.flatnonzero(np.isin(spec.kind, CURTAILABLE))
        self._ramped = np.flatnonzero(np.isin(spec.kind, RAMPED))
        self._thermal = np.flatnonzero(np.isin(spec.kind, THERMAL))
        self._chargers = np.flatnonzero(spec.kind == "EV_CHARGER")
        self._flexible = np.flatnonzero(spec.kind == "FLEXIBLE_LOAD")
        self._meters = np.flatnonzero(spec.kind == "METER")
        self._behind = np.flatnonzero(spec.kind != "METER")
        _, site = np.unique(np.array(spec.site_code, dtype=np.str_), return_inverse=True)
        self._site = site.astype(np.int64)
        self._battery_parameters = _battery_parameters(spec, self._batteries)
        self._thermal_parameters = _thermal_parameters(spec, self._thermal)
        charging_kw = np.repeat(spec.profile_kw[self._chargers], steps_a_column, axis=1)
        slack = ev_charger.DEFAULT_SLACK_INTERVALS * steps_a_column
        self._sessions = ev_charger.sessions_from_profile(charging_kw, step_hours, slack)
        first_kw = spec.profile_kw[:, 0].copy() if spec.n_intervals else np.zeros(spec.n_devices)
        self.state = FleetState(
            0,
            first_kw,
            spec.start_soc_kwh.copy(),
            np.full(spec.n_devices, np.nan),
            heat_pump.rested(self._thermal.size),
            ev_charger.no_session(self._chargers.size),
        )

    def refusals(self, target_kw: Floats) -> Bools:
        """(N,) devices whose comfort band or departure stands against the setpoint for the next interval."""
        state, refused = self.state, np.zeros(self.spec.n_devices, dtype=bool)
        profile_kw = self._profile_kw(state.index)
        t, c = self._thermal, self._chargers
        refused[t] = heat_pump.refuses(profile_kw[t], target_kw[t], state.thermal, self._thermal_parameters)
        least_kw, most_kw, _ = self._charger_limits(state.index, state.chargers)
        tolerance_kw = 0.05 * self.spec.max_consumption_kw[c]
        with np.errstate(invalid="ignore"):
            refused[c] = (target_kw[c] < least_kw - tolerance_kw) | (target_kw[c] > most_kw + tolerance_kw)
        return refused

    def step(self, target_kw: Floats) -> Floats:
        """Power (N,) in kW over the next interval, every device's own answer to its setpoint (NaN: none)."""
        state, spec, index = self.state, self.spec, self.state.index
        wanted_kw = self._after_faults(target_kw)
        profile_kw, power_kw = self._profile_kw(index), self._profile_kw(index).copy()
        soc_kwh = state.soc_kwh.copy()
        b, w, t, c, f = self._batteries, self._curtailable, self._thermal, self._chargers, self._flexible
        power_kw[b], soc_kwh[b] = battery.step_batteries(
            soc_kwh[b], wanted_kw[b], self._battery_parameters, self.step_hours
        )
        power_kw[w] = generation.step_curtailable(profile_kw[w], wanted_kw[w])
        power_kw[self._ramped] = self._step_ramped(wanted_kw)
        power_kw[t], thermal = heat_pump.step_heat_pumps(
            profile_kw[t], wanted_kw[t], state.thermal, self._thermal_parameters, self.step_hours
        )
        power_kw[c], chargers = ev_charger.step_chargers(
            index, wanted_kw[c], state.chargers, self._sessions, spec.max_consumption_kw[c], self.step_hours
        )
        power_kw[f] = loads.step_flexible_loads(profile_kw[f], wanted_kw[f], spec.max_consumption_kw[f])
        power_kw[self._meters] = self._metered_kw(power_kw)
        self.state = FleetState(index + 1, power_kw, soc_kwh, target_kw.copy(), thermal, chargers)
        return power_kw

    def stored_kwh(self) -> Floats:
        """What each device reports as its store after the last step, (N,) kWh; NaN without one.

        Batteries: state of charge. Heat pumps: electric energy above the comfort band's lower end. EV chargers:
        energy by which the next interval may stay below the charger's own choice.
        """
        stored = np.full(self.spec.n_devices, np.nan)
        stored[self._batteries] = self.state.soc_kwh[self._batteries]
        stored[self._thermal] = heat_pump.stored_kwh(self.state.thermal, self._thermal_parameters)
        next_index = min(self.state.index, self.n_steps - 1)
        stored[self._chargers] = ev_charger.postponable_kwh(
            next_index,
            self.state.chargers,
            self._sessions,
            self.spec.max_consumption_kw[self._chargers],
            self.step_hours,
        )
        return stored

    def reachable(self, index: int) -> Bools:
        """(N,) devices that hear, answer and report in interval `index`."""
        return self.fault[:, index // self.steps_a_column] != Fault.DROP_OUT

    @property
    def n_steps(self) -> int:
        return self.spec.n_intervals * self.steps_a_column

    def _profile_kw(self, index: int) -> Floats:
        return self.spec.profile_kw[:, index // self.steps_a_column]

    def _after_faults(self, target_kw: Floats) -> Floats:
        code = self.fault[:, self.state.index // self.steps_a_column]
        wanted_kw = np.where(code == Fault.IGNORE, np.nan, target_kw)
        left_pu = max(1.0 - DRIFT_PU_PER_HOUR * self.state.index * self.step_hours, 0.0)
        wanted_kw = np.where(code == Fault.DRIFT, wanted_kw * left_pu, wanted_kw)
        return np.where(code == Fault.SLOW, self.state.previous_target_kw, wanted_kw)

    def _charger_limits(self, index: int, chargers: ev_charger.ChargerState) -> tuple[Floats, Floats, Floats]:
        most_kw = self.spec.max_consumption_kw[self._chargers]
        return ev_charger.limits_kw(index, chargers, self._sessions, most_kw, self.step_hours)

    def _step_ramped(self, wanted_kw: Floats) -> Floats:
        r, spec, index = self._ramped, self.spec, self.state.index
        return generation.step_ramped(
            self._profile_kw(index)[r],
            self._profile_kw(max(index - 1, 0))[r],
            self.state.power_kw[r],
            wanted_kw[r],
            spec.max_production_kw[r],
            spec.ramp_kw_per_minute[r],
            self.step_hours * 60.0,
        )

    def _metered_kw(self, power_kw: Floats) -> Floats:
        return loads.site_meters_kw(self._site[self._meters], self._site[self._behind], power_kw[self._behind])


def _battery_parameters(spec: FleetSpec, rows: Ints) -> battery.BatteryParameters:
    return battery.BatteryParameters(
        max_charge_kw=spec.max_consumption_kw[rows],
        max_discharge_kw=spec.max_production_kw[rows],
        energy_capacity_kwh=spec.energy_capacity_kwh[rows],
        floor_kwh=spec.floor_kwh[rows],
        charge_efficiency=spec.charge_efficiency[rows],
        discharge_efficiency=spec.discharge_efficiency[rows],
        self_discharge_pu_per_day=spec.self_discharge_pu_per_day[rows],
    )


def _thermal_parameters(spec: FleetSpec, rows: Ints) -> heat_pump.ThermalParameters:
    rated_kw = spec.max_consumption_kw[rows]
    stated_kwh = spec.energy_capacity_kwh[rows]
    store_kwh = np.where(stated_kwh > 0.0, stated_kwh, np.maximum(DEFAULT_STORE_HOURS * rated_kw, 0.01))
    return heat_pump.ThermalParameters(
        max_consumption_kw=rated_kw,
        capacity_kwh_per_k=store_kwh / (2.0 * DEFAULT_HALF_BAND_K),
        half_band_k=np.full(rows.size, DEFAULT_HALF_BAND_K),
        time_constant_h=np.full(rows.size, DEFAULT_TIME_CONSTANT_H),
    )
