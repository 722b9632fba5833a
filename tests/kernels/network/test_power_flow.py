import numpy as np
import pytest

from tests.kernels.network.grids import low_voltage_feeder, two_node_line
from vpp.network.kernels.document import feeder_model
from vpp.network.kernels.feeder import stack_injections
from vpp.network.kernels.power_flow import run_power_flow
from vpp.network.kernels.radial import NotRadial
from vpp.network.kernels.sweep import sweep_voltages_pu


def test_one_line_gives_the_voltage_of_the_quadratic_formula():
    """V^4 + (2(rp + xq) - 1) V^2 + (r^2 + x^2)(p^2 + q^2) = 0 in per unit, with v = 1 at the source."""
    model = feeder_model(two_node_line())
    p_kw, q_kvar = 3000.0, 1000.0
    result = run_power_flow(model, np.array([[0, p_kw]]), np.array([[0, q_kvar]]))
    r, x, p, q = 1 / 100, 2 / 100, 3.0, 1.0  # base 10 kV, 1 MVA: 100 ohm
    b = 2 * (r * p + x * q) - 1
    v = np.sqrt((-b + np.sqrt(b**2 - 4 * (r**2 + x**2) * (p**2 + q**2))) / 2)
    assert result.voltage_pu[0, 1] == pytest.approx(v, abs=1e-8)  # the tolerance asked of the solver
    current_a = np.hypot(p_kw, q_kvar) / (np.sqrt(3) * 10 * v)
    assert result.branch_loading_pu[0, 0] == pytest.approx(current_a / 100, rel=1e-7)
    losses_kw = 3 * current_a**2 * 1.0 / 1e3
    assert result.source_p_kw[0] == pytest.approx(p_kw + losses_kw, rel=1e-7)
    assert result.branch_p_kw[0, 0] == pytest.approx(p_kw + losses_kw, rel=1e-7)


def test_production_raises_the_voltage_and_flows_back():
    model = feeder_model(two_node_line())
    result = run_power_flow(model, np.array([[0, -2000.0]]))
    assert result.voltage_pu[0, 1] > 1
    assert result.source_p_kw[0] < -1900


def test_without_load_a_transformer_draws_its_iron_losses():
    model = feeder_model(low_voltage_feeder())
    result = run_power_flow(model, np.zeros((1, 6)))
    assert result.source_p_kw[0] == pytest.approx(0.6 * 1.02**2, abs=0.005)
    assert result.transformer_p_kw[0, 0] == pytest.approx(result.source_p_kw[0])


def test_a_tap_on_the_high_voltage_side_lowers_the_low_voltage_by_its_step():
    neutral = run_power_flow(feeder_model(low_voltage_feeder()), np.zeros((1, 6))).voltage_pu[0, 1]
    raised = run_power_flow(feeder_model(low_voltage_feeder(tap_position=2)), np.zeros((1, 6))).voltage_pu[0, 1]
    assert raised == pytest.approx(neutral / 1.05, abs=1e-4)
    low_side = feeder_model(low_voltage_feeder(tap_position=2, tap_side="LV"))
    assert run_power_flow(low_side, np.zeros((1, 6))).voltage_pu[0, 1] == pytest.approx(neutral * 1.05, abs=1e-4)


@pytest.mark.parametrize("tap", [{}, {"tap_position": -2}, {"tap_position": 1, "tap_side": "LV"}])
def test_the_sweep_agrees_with_power_grid_model(tap):
    model = feeder_model(low_voltage_feeder(**tap))
    rng = np.random.default_rng(7)
    p_kw = rng.uniform(-40, 50, (96, 6))
    q_kvar = rng.uniform(-5, 15, (96, 6))
    swept = sweep_voltages_pu(model, p_kw, q_kvar)
    assert np.abs(swept - run_power_flow(model, p_kw, q_kvar).voltage_pu).max() < 1e-6


def test_parallel_transformers_share_the_load_and_count_as_one_in_the_tree():
    document = low_voltage_feeder()
    twin = [*document.transformers, type(document.transformers[0])(**{**vars(document.transformers[0]), "code": "T2"})]
    model = feeder_model(type(document)(**{**vars(document), "transformers": twin}))
    p_kw = np.full((4, 6), 30.0)
    result = run_power_flow(model, p_kw)
    assert result.transformer_p_kw[:, 0] == pytest.approx(result.transformer_p_kw[:, 1])
    assert np.abs(sweep_voltages_pu(model, p_kw) - result.voltage_pu).max() < 1e-6


def test_a_loop_is_refused_by_the_tree_but_solved_by_the_power_flow():
    document = low_voltage_feeder()
    closed = [type(row)(**{**vars(row), "to_closed": True}) for row in document.branches]
    model = feeder_model(type(document)(**{**vars(document), "branches": closed}))
    assert run_power_flow(model, np.full((1, 6), 10.0)).converged.all()
    with pytest.raises(NotRadial):
        sweep_voltages_pu(model, np.full((1, 6), 10.0))


def test_an_interval_without_a_solution_is_nan_and_the_others_stand():
    model = feeder_model(two_node_line())
    result = run_power_flow(model, np.array([[0, 1000.0], [0, 1e6], [0, 1000.0]]))
    assert result.converged.tolist() == [True, False, True]
    assert np.isnan(result.voltage_pu[1]).all()
    assert result.voltage_pu[0, 1] == pytest.approx(result.voltage_pu[2, 1])
    assert result.method == "newton_raphson"


def test_a_node_behind_an_open_switch_has_no_voltage():
    model = feeder_model(two_node_line(from_closed=False))
    result = run_power_flow(model, np.array([[0, 100.0]]))
    assert np.isnan(result.voltage_pu[0, 1])
    assert result.source_p_kw[0] == pytest.approx(0, abs=1e-6)


def test_a_nan_injection_is_refused():
    with pytest.raises(ValueError, match="finite"):
        run_power_flow(feeder_model(two_node_line()), np.array([[0, np.nan]]))


def test_it_refuses_injections_of_another_shape():
    with pytest.raises(ValueError, match="want"):
        run_power_flow(feeder_model(two_node_line()), np.zeros((4, 3)))


def test_injections_by_node_code_become_a_matrix():
    model = feeder_model(two_node_line())
    assert stack_injections(model, {"B": np.array([1.0, 2.0])}, 2).tolist() == [[0, 1], [0, 2]]
    with pytest.raises(KeyError):
        stack_injections(model, {"C": np.zeros(2)}, 2)
    with pytest.raises(ValueError, match="want"):
        stack_injections(model, {"B": np.zeros(3)}, 2)
