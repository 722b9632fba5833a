"""Component lines of an award by its terms, worked out by hand. One interval is an hour, quantities are MW as kW."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from vpp.settlement.kernels.components.facts import Facts, TermsIncomplete, prices_named
from vpp.settlement.kernels.components.lines import LINES, TermsError, check_lines, lines_of
from vpp.settlement.kernels.revenue import AwardTerms, revenue_of


def facts(committed: list[float], delivered: list[float], price: float = 40.0, **more: Any) -> Facts:
    """An award of whole MW over hours at one price; capacity is what was called unless given."""
    called = np.array(committed) * 1000
    real = np.array(delivered) * 1000
    size = np.abs(called)
    along = np.clip(np.sign(called) * real, 0, 1.1 * size)
    share = float(along.sum() / size.sum()) if size.sum() else float("nan")
    series = {"award": [Decimal(str(price))] * len(committed), "energy": [Decimal(50)] * len(committed)}
    return Facts(
        committed_kw=called,
        delivered_kw=real,
        capacity_kw=np.array(more.pop("capacity", np.abs(committed))) * 1000.0,
        share=share,
        step_minutes=60,
        month="2016-07",
        prices=series | {name: [Decimal(str(p)) for p in prices] for name, prices in more.pop("series", {}).items()},
        inputs=more.pop("inputs", {}),
    )


def amounts(component: str, given: Facts, **rule: Any) -> list[float]:
    return [round(float(line.amount), 6) for line in lines_of([{"component": component, **rule}], given)]


def test_availability_pays_what_was_held_and_the_band_takes_some_back() -> None:
    held = facts([0, 10], [0, 8], price=5, capacity=[10, 10])
    assert amounts("AVAILABILITY", held) == [100.0]
    # share 0.8 on the 3:1 profile: 1 - 3 x 0.15 = 0.55
    band = [[0.0, 0.0], [0.63, 0.0], [0.63, 0.04], [0.95, 1.0]]
    assert amounts("AVAILABILITY", held, band=band) == pytest.approx([100.0, -45.0])


def test_utilisation_is_capped_at_what_was_ordered_or_at_the_cap_of_the_rule() -> None:
    over = facts([10], [12])
    assert amounts("UTILISATION", over) == [400.0]
    assert amounts("UTILISATION", over, cap_pu=1.1) == [440.0]
    assert amounts("UTILISATION", facts([-10], [-6])) == [240.0]  # downward works alike


def test_two_settlement_pays_the_deviation_at_the_real_time_price() -> None:
    # 10 MWh x 40, and (8 - 10) x 50; losses of 5 % on both
    assert amounts("TWO_SETTLEMENT", facts([10], [8])) == [400.0, -100.0]
    assert amounts("TWO_SETTLEMENT", facts([10], [8]), loss_factor=0.05) == [420.0, -105.0]
    other = facts([10], [8], series={"RT/DE": [60]})
    assert amounts("TWO_SETTLEMENT", other, real_time_price="RT/DE") == [400.0, -120.0]


def test_energy_below_the_months_threshold_earns_nothing() -> None:
    two = facts([10, 10], [10, 10], series={"LMP/A": [30, 20]})
    rule = {"price": "LMP/A", "threshold_per_mwh": {"2016-07": 25}}
    assert amounts("NET_BENEFITS_ENERGY", two, **rule) == [300.0]
    assert amounts("NET_BENEFITS_ENERGY", two, **rule, less_per_mwh=10, loss_factor=0.1) == [220.0]
    with pytest.raises(TermsIncomplete, match="threshold of 2016-07"):
        amounts("NET_BENEFITS_ENERGY", two, price="LMP/A", threshold_per_mwh={"2016-08": 25})


@pytest.mark.parametrize(("actual", "net"), [(7, 14), (8, 14), (9, -4), (10, -22), (11, -33)])
def test_uftp_items_come_out_as_the_test_vector_says(actual: float, net: float) -> None:
    # base 10, ordered 2, price 7, penalty 11; realized = base - actual
    given = facts([2], [10 - actual], price=7)
    assert sum(amounts("UFTP", given, penalty_price={"per_mwh": 11})) == net


def test_a_penalty_stops_at_its_stop_loss_and_fees_count_events_energy_and_power() -> None:
    short = facts([10], [4])
    assert amounts("DEFICIENCY_PENALTY", short, factor=0.5) == [-120.0]
    assert amounts("DEFICIENCY_PENALTY", short, stop_loss=100) == [-100.0]
    assert amounts("FEE", short, per_event=3, per_mwh=0.5, per_kw=0.001) == [-(3 + 2 + 10)]
    assert amounts("FEE", facts([0], [0]), per_event=3) == [0.0]
    assert amounts("SUPPLIER_COMPENSATION", short, per_mwh=20) == [-80.0]


def test_imbalance_and_uninstructed_deviation_of_an_award() -> None:
    gap = facts([10, 10], [8, 13], series={"IMB/DE": [60, 20], "SELL/DE": [5, 5], "BUY/DE": [80, 80]})
    assert amounts("IMBALANCE_SINGLE", gap, price="IMB/DE") == [-2 * 60 + 3 * 20]
    assert amounts("IMBALANCE_DUAL", gap, sell_price="SELL/DE", buy_price="BUY/DE") == [3 * 5 - 2 * 80]
    assert amounts("UNINSTRUCTED_DEVIATION", gap, band_kw=1000, band_pu=0, factor=0.5) == [-(1 + 2) * 40 * 0.5]


def test_reserve_that_did_not_come_gives_its_capacity_payment_back() -> None:
    held = facts([5], [2], price=8, capacity=[10])
    assert amounts("RESERVE_RESCISSION", held) == [-24.0]


def test_capacity_is_paid_by_its_factor_charged_for_shortfalls_and_rewarded_for_more() -> None:
    held = facts([10], [8], capacity=[10])
    assert amounts("CAPACITY_FACTOR", held, price_per_mw_day=100) == pytest.approx([1000.0, -200.0])
    tested = facts([10], [8], capacity=[10], inputs={"CAPACITY_FACTOR": {"delivered_pu": [1.0, 0.5]}})
    assert amounts("CAPACITY_FACTOR", tested, price_per_mw_day=100) == pytest.approx([1000.0, -250.0])
    # 2 MW short in twelve five-minute intervals x 300 x 365 / 30 / 12
    assert amounts("CAPACITY_SHORTFALL", held, net_cone_per_mw_day=300) == pytest.approx([-7300.0])
    # (8 - 0.7 x 10) MW x 2,000 EUR/MWh
    assert amounts("PAY_FOR_PERFORMANCE", held, rate_per_mwh=2000, balancing_ratio=0.7) == pytest.approx([2000.0])


def test_regulation_is_paid_by_score_and_not_at_all_below_the_least_one() -> None:
    signal = np.sin(np.arange(60) / 5).tolist()
    perfect = {"signal": signal, "response": signal, "mileage_ratio": 2, "performance_price": 3}
    held = facts([1], [1], price=10, capacity=[4], inputs={"REGULATION_PJM": perfect})
    assert amounts("REGULATION_PJM", held) == pytest.approx([4 * (10 + 2 * 3)])
    silent = facts([1], [1], inputs={"REGULATION_PJM": {"signal": signal, "response": [0.0] * 60}})
    (line,) = lines_of([{"component": "REGULATION_PJM"}], silent)
    assert (line.amount, line.detail["eligible"]) == (0, False)
    moves = {"setpoint": [10, -10, 20], "telemetry": [8, -10, 16], "mileage_price": 0.5}
    caiso = facts([1], [1], price=10, capacity=[4], inputs={"REGULATION_CAISO": moves})
    assert amounts("REGULATION_CAISO", caiso) == pytest.approx([40.0, 50 * 0.5 * 0.85])
    with pytest.raises(TermsIncomplete, match="REGULATION_PJM: input signal, response"):
        amounts("REGULATION_PJM", facts([1], [1]))


def test_lines_make_a_revenue_with_penalties_apart_and_what_is_missing_named() -> None:
    def revenue(lines: list[dict[str, Any]], energy: Decimal | None = Decimal(50)) -> Any:
        terms = AwardTerms(
            product_kind="ASK", prices=[Decimal(40)], energy_prices=[energy], imbalance_spread_pu=Decimal(0),
            penalty_pu=Decimal(0), band=[], month="2016-07", lines=lines,
        )  # fmt: skip
        power = np.array([10_000.0])
        return revenue_of(terms, power, 0.8 * power, power, 0.8, True, 60)

    both = revenue([{"component": "UFTP"}, {"component": "FEE", "per_event": 5}, {"component": "UTILISATION"}])
    assert both.components == {"utilisation": Decimal("640.00"), "fee": Decimal("-5.00")}  # twice 8 MWh x 40
    assert (both.amount, both.penalty) == (Decimal("635.00"), Decimal("80.00"))
    assert [line["category"] for line in both.detail["lines"]] == ["utilisation", "penalty", "fee", "utilisation"]
    unpriced = revenue([{"component": "TWO_SETTLEMENT"}], energy=None)
    assert (unpriced.amount, unpriced.findings) == (0, ("price_missing",))
    unknown = revenue([{"component": "UTILISATION", "price": "RT/DE"}])
    assert (unknown.findings, unknown.detail) == (("terms_incomplete",), {"missing": "prices of RT/DE"})


def test_terms_that_cannot_be_computed_are_refused_with_their_line() -> None:
    for lines, why in (
        ([], "at least one"),
        ([{"component": "NOPE"}], "line 1: component 'NOPE' is unknown"),
        ([{"component": "FEE"}, {"component": "AVAILABILITY", "band": [[1, 0], [0, 1]]}], "line 2: band"),
        ([{"component": "FEE"}, {"component": "FEE"}], "two lines have one name"),
    ):
        with pytest.raises(TermsError, match=why):
            check_lines(lines)
    check_lines([{"component": kind} for kind in LINES])
    assert prices_named({"price": "award", "sell_price": "A/B", "buy_price": {"per_mwh": 3}}) == {"A/B"}
