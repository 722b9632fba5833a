import numpy as np
import pytest

from tests.kernels.network.grids import low_voltage_feeder, two_node_line
from vpp.network.kernels.document import feeder_model
from vpp.network.kernels.feeder import stack_injections
from vpp.network.kernels.power_flow import run_power_flow
from vpp.network.kernels.screening import PowerLimit, find_violations
from vpp.network.kernels.sensitivities import radial_sensitivities


def screened(document, injections, limits=()):
    model = feeder_model(document)
    n_intervals = len(next(iter(injections.values())))
    p_kw = stack_injections(model, injections, n_intervals)
    result = run_power_flow(model, p_kw)
    return model, p_kw, find_violations(model, result, power_limits=limits)


def test_a_quiet_feeder_has_no_violation():
    assert screened(low_voltage_feeder(), {"N2": np.full(4, 5.0)})[2] == []


def test_shedding_the_excess_cures_an_overloaded_transformer():
    document = low_voltage_feeder()
    model, p_kw, violations = screened(document, {"BB": np.array([100.0, 290.0])})
    (found,) = [item for item in violations if item.kind == "transformer_overload"]
    assert (found.element_code, found.interval, found.up) == ("T1", 1, True)
    assert found.value > 1 == found.limit
    index = model.node_index["BB"]
    p_kw[1, index] -= found.excess_kw * 1.01
    assert run_power_flow(model, p_kw).transformer_loading_pu[1, 0] <= 1
    p_kw[1, index] += found.excess_kw * 0.06
    assert run_power_flow(model, p_kw).transformer_loading_pu[1, 0] > 1


def test_reverse_flow_wants_less_production():
    violations = screened(low_voltage_feeder(), {"BB": np.array([-300.0])})[2]
    (found,) = [item for item in violations if item.kind == "transformer_overload"]
    assert not found.up
    assert found.excess_kw == pytest.approx(300 - 250, abs=15)


def test_a_line_that_points_upstream_still_knows_its_direction():
    violations = screened(low_voltage_feeder(), {"N4": np.array([220.0])})[2]
    overloads = {item.element_code: item for item in violations if item.kind == "branch_overload"}
    assert set(overloads) == {"L3", "L4"}
    assert all(item.up for item in overloads.values())


def test_voltages_outside_the_band_say_what_would_cure_them():
    high = screened(two_node_line(), {"B": np.array([-9000.0])})[2]
    low = screened(two_node_line(), {"B": np.array([9000.0])})[2]
    overvoltage = next(item for item in high if item.kind == "overvoltage")
    undervoltage = next(item for item in low if item.kind == "undervoltage")
    assert (overvoltage.element_code, overvoltage.up) == ("B", False)
    assert (undervoltage.element_code, undervoltage.up) == ("B", True)
    assert overvoltage.excess_kw == pytest.approx((overvoltage.value - 1.05) * 100 * 1000, rel=0.01)


def test_an_agreed_limit_is_checked_at_its_element_and_at_the_head():
    limits = [PowerLimit("cp:T1", 50.0, "T1"), PowerLimit("cp:head", 60.0)]
    violations = screened(low_voltage_feeder(), {"N1": np.array([40.0, 80.0])}, limits)[2]
    assert [(item.element_code, item.interval) for item in violations] == [("T1", 1), ("cp:head", 1)]
    at_transformer, at_head = violations
    assert at_transformer.excess_kw - at_head.excess_kw == pytest.approx(10)
    assert at_transformer.excess_kw == pytest.approx(30, abs=4)


def test_an_interval_without_a_solution_is_a_violation():
    violations = screened(two_node_line(), {"B": np.array([1e6])})[2]
    assert [item.kind for item in violations] == ["no_solution"]


def test_linear_flows_are_sums_and_linear_voltages_come_close():
    model = feeder_model(low_voltage_feeder())
    rows = radial_sensitivities(model)
    rng = np.random.default_rng(3)
    p_kw, q_kvar = rng.uniform(-15, 25, (50, 6)), rng.uniform(0, 8, (50, 6))
    result = run_power_flow(model, p_kw, q_kvar)
    head = int(np.flatnonzero(rows.element == len(model.branches.codes))[0])
    served = np.ones(6)
    served[model.node_index["MV"]] = 0
    assert rows.edge_power_kw(p_kw)[:, head] == pytest.approx(p_kw @ served)
    assert np.abs(rows.voltage_pu(p_kw, q_kvar) - result.voltage_pu).max() < 2e-3


def test_linear_voltages_are_optimistic_under_load():
    """Without losses the drop is understated: that is why every plan ends with an AC check."""
    model = feeder_model(low_voltage_feeder(pfe_kw=0.0, i0_percent=0.0))
    p_kw = np.full((1, 6), 20.0)
    assert (radial_sensitivities(model).voltage_pu(p_kw) >= run_power_flow(model, p_kw).voltage_pu - 1e-9).all()


def test_voltage_per_kw_matches_a_small_step_in_the_power_flow():
    model = feeder_model(low_voltage_feeder())
    slope = radial_sensitivities(model).voltage_per_kw()
    node = model.node_index["N2"]
    p_kw = np.zeros((2, 6))
    p_kw[1, node] = 1.0
    voltage = run_power_flow(model, p_kw).voltage_pu
    assert voltage[1] - voltage[0] == pytest.approx(slope[:, node], rel=0.05, abs=1e-6)
