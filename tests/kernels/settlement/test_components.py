"""Components of the market side, worked out by hand."""

from decimal import Decimal

import numpy as np
import pytest

from vpp.settlement.kernels.components import capacity, imbalance, regulation, reserves
from vpp.settlement.kernels.components.question import COMPONENTS, ComponentError, answer_component
from vpp.settlement.kernels.performance import band_factor, uftp_quantities


def sine(delay_steps: int = 0, scale: float = 1.0, size: int = 90) -> np.ndarray:
    return scale * np.sin(2 * np.pi * (np.arange(size) - delay_steps) / 60)


def test_a_perfect_response_scores_one() -> None:
    score = regulation.pjm_score(sine(), sine())
    assert (score.correlation, score.delay, score.precision, score.total) == pytest.approx((1.0, 1.0, 1.0, 1.0))


def test_a_response_thirty_seconds_late_loses_a_tenth_of_the_delay_score() -> None:
    score = regulation.pjm_score(sine(size=60), sine(3, size=60), window_s=300)
    first = regulation.pjm_score(sine(size=60)[:60], sine(3, size=60)[:60])
    assert first == score
    one = regulation._window_score(sine()[:30], sine(3)[:60], 10, 300)
    assert one.correlation == pytest.approx(1.0) and one.delay == pytest.approx(0.9) and one.delay_s == 30


def test_precision_is_one_less_the_mean_error_over_the_mean_signal() -> None:
    # half the signal everywhere: correlation 1, no delay, precision 1 - 0.5
    score = regulation.pjm_score(sine(), 0.5 * sine())
    assert score.precision == pytest.approx(0.5) and score.total == pytest.approx((1 + 1 + 0.5) / 3)


def test_no_response_and_a_contrary_response_score_nothing_in_correlation() -> None:
    assert regulation.pjm_score(sine(), np.full(90, np.nan)).correlation == 0.0
    assert regulation._window_score(sine()[:30], -sine()[:30], 10, 300).correlation == 0.0


def test_caiso_accuracy_and_mileage() -> None:
    setpoint, telemetry = np.array([10.0, -10.0, 20.0]), np.array([8.0, -10.0, 16.0])
    assert regulation.caiso_accuracy(setpoint, telemetry) == pytest.approx(1 - 6 / 40)
    assert regulation.mileage(setpoint) == 50.0
    assert regulation.caiso_accuracy(setpoint, -10 * setpoint) == 0.0
    assert regulation.caiso_accuracy(np.zeros(3), np.zeros(3)) == 1.0


def test_undelivered_reserve_gives_its_capacity_payment_back_but_never_more() -> None:
    # 1 MW, 0.4 MW missing over an hour at 8 EUR/MW/h: 3.20; missing readings are missing reserve
    awarded, prices = np.full(4, 1000.0), [Decimal(8)] * 4
    assert reserves.rescission(awarded, np.full(4, 400.0), prices, 15) == Decimal("3.2")
    assert reserves.rescission(awarded, np.full(4, 5000.0), prices, 15) == Decimal(8)
    assert reserves.rescission(awarded, np.full(4, np.nan), prices, 15) == Decimal(8)
    assert reserves.rescission(awarded, np.full(4, 400.0), [Decimal(-8)] * 4, 15) == 0


def test_a_synchronized_shortfall_is_refunded_over_the_days_since_the_last_event() -> None:
    assert reserves.synchronized_response_mw(np.array([10.0, 9.0, 11.0]), np.array([4.0, 5.0, 3.0])) == 4.0
    owed = reserves.synchronized_refund(10.0, 6.0, [Decimal(100), Decimal(50), Decimal(80)], [10.0, 2.0, 8.0], 2)
    assert owed == Decimal(40) + Decimal(50)  # 4 of 10 MW; all of the 2 MW; the third day is beyond the mean gap


def test_capacity_is_paid_by_its_factors() -> None:
    band = [(0.0, 0.0), (1.0, 1.0)]
    assert capacity.capacity_payment(2.0, Decimal(100), 30, [0.5, 1.2], band) == Decimal("4500.0")
    assert capacity.best_hours_factor(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 4.0) == pytest.approx(3.5 / 4)
    assert capacity.drop_to_delivered_mw(10.0, np.array([6.0]), 1.05).tolist() == pytest.approx([3.7])


def test_a_shortfall_charge_stops_at_the_years_limit() -> None:
    # 2 MW short in one interval: 2 x 360 x 365 / 30 / 12 = 730
    kwargs = {"committed_mw": Decimal(1), "charged_before": Decimal(0)}
    assert capacity.shortfall_charge(np.array([2.0, -1.0]), Decimal(360), **kwargs) == pytest.approx(Decimal(730))
    late = capacity.shortfall_charge(
        np.array([2.0]), Decimal(360), committed_mw=Decimal(1), charged_before=Decimal(197000)
    )
    assert late == Decimal(100)  # 1.5 x 360 x 365 = 197 100


def test_pay_for_performance_may_be_negative() -> None:
    paid = capacity.performance_score_payment(np.full(12, 3.0), np.full(12, 0.8), 5.0, Decimal(2000), 5)
    assert paid == Decimal("-2000.0")  # (3 - 4) MW over one hour


def test_imbalance_at_one_price_and_at_two() -> None:
    metered, planned = np.array([100.0, 60.0]), np.array([80.0, 100.0])
    prices = [Decimal(40), Decimal(-10)]
    # + 5 kWh x 40 - 10 kWh x (-10) = 0.2 + 0.1
    assert imbalance.imbalance_single(metered, planned, prices, 15) == Decimal("0.3")
    dual = imbalance.imbalance_dual(metered, planned, [Decimal(30)] * 2, [Decimal(70)] * 2, 15)
    assert dual == Decimal("0.15") - Decimal("0.7")
    with pytest.raises(ValueError, match="every reading"):
        imbalance.imbalance_single(np.array([np.nan]), np.array([1.0]), [Decimal(1)], 15)


def test_only_what_lies_outside_the_band_is_a_deviation() -> None:
    # setpoint 200 MW: band max(5, 6) = 6 MW; 10 MW off: 4 MW x 0.25 h x 50
    charge = imbalance.uninstructed_deviation(np.array([210_000.0]), np.array([200_000.0]), [Decimal(50)], 15)
    assert charge == Decimal(50)
    assert imbalance.uninstructed_deviation(np.array([104_000.0]), np.array([100_000.0]), [Decimal(50)], 15) == 0


def test_energy_is_paid_in_full_from_the_threshold_on() -> None:
    kwh, prices = [Decimal(1000)] * 3, [Decimal(30), Decimal("29.99"), Decimal(50)]
    assert imbalance.net_benefits_energy(kwh, prices, Decimal(30), loss_factor=Decimal("0.05")) == Decimal(84)
    assert imbalance.supplier_compensation(kwh, Decimal(60)) == Decimal(180)


def test_the_uftp_test_vector() -> None:
    # settlement rules, section 4: base 10, ordered 2, price 7, penalty 11 -> 14, 14, -4, -22, -33
    actual = np.array([7.0, 8.0, 9.0, 10.0, 11.0])
    delivered, deficiency = uftp_quantities(np.full(5, 2.0), 10.0 - actual)
    assert (7 * delivered - 11 * deficiency).tolist() == [14.0, 14.0, -4.0, -22.0, -33.0]


@pytest.mark.parametrize(
    ("share", "factor"), [(1.2, 1.0), (0.95, 1.0), (0.9, 0.85), (0.8, 0.55), (0.63, 0.04), (0.6299, 0.0), (0.0, 0.0)]
)
def test_the_three_to_one_band(share: float, factor: float) -> None:
    # 1 - 3 (0.95 - x) between 63 % and 95 %
    assert band_factor(share, [(0.0, 0.0), (0.63, 0.0), (0.63, 0.04), (0.95, 1.0)]) == pytest.approx(factor)


def test_a_component_is_asked_for_as_data_and_rounded_once() -> None:
    answer = answer_component(
        "UNINSTRUCTED_DEVIATION",
        {"band_kw": 0, "band_pu": 0},
        {"actual_kw": [100, 101], "setpoint_kw": [100, 100], "price_per_mwh": [50, 33], "interval_minutes": 60},
    )
    assert answer["amount"] == "-0.03"
    with pytest.raises(ComponentError, match="price_per_mwh"):
        answer_component("IMBALANCE_SINGLE", {}, {"position_kw": [1], "scheduled_kw": [1]})
    with pytest.raises(ComponentError, match="unknown"):
        answer_component("NOPE", {}, {})
    with pytest.raises(ComponentError, match="interval 0 has a quantity and no price"):
        answer_component("IMBALANCE_SINGLE", {}, {"position_kw": [2], "scheduled_kw": [1], "price_per_mwh": [None]})
    assert len(COMPONENTS) == 10


def test_regulation_and_capacity_as_data() -> None:
    data = {
        "signal": sine().tolist(),
        "response": (0.5 * sine()).tolist(),
        "capacity_mw": 3,
        "capability_price": 20,
        "performance_price": 2,
        "mileage_ratio": 2.5,
    }
    answer = answer_component("REGULATION_PJM", {"least_score": 0.4}, data)
    assert answer["amount"] == "62.50" and answer["detail"]["eligible"]  # 3 x 2.5 / 3 x (20 + 5)
    data = {"setpoint": [0, 10, 0], "telemetry": [0, 5, 0], "mileage_price": 2, "capacity_payment": 7}
    assert answer_component("REGULATION_CAISO", {}, data)["amount"] == "27.00"  # 7 + 20 x 2 x 0.5
    data = {"committed_mw": 1, "price_per_mw_day": 100, "days": 2, "delivered_pu": [0.5]}
    assert answer_component("CAPACITY_FACTOR", {"band": [[0, 0], [1, 1]]}, data)["amount"] == "100.00"
    data = {"awarded_kw": [1000] * 4, "undelivered_kw": [400] * 4, "price_per_mwh": [8] * 4}
    assert answer_component("RESERVE_RESCISSION", {}, data)["amount"] == "-3.20"
    data = {"instructed_kw": [100] * 4, "delivered_kw": [90] * 4, "price_per_mwh": [300] * 4}
    band = {"band": [[0, 0], [0.63, 0], [0.63, 0.04], [0.95, 1]]}
    assert answer_component("UTILISATION_BANDS", band, data)["amount"] == "22.95"  # 90 kWh x 0.3 x 0.85
