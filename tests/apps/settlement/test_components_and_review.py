"""Components by the dated rule; findings in the review queue; contracts of several kinds in one settled day."""

import json
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from tests.apps.settlement.makers import SUMMER, after, at_intervals, make_award, make_bid, make_plan, meter
from tests.apps.settlement.test_edges import client_of
from tests.apps.settlement.test_settle_day import EVENING, settle
from tests.factories import make_contract, make_device, make_participant, make_portfolio, make_site
from vpp.enrollment.models import Device
from vpp.jobs import operations as jobs
from vpp.lib import clock
from vpp.settlement import operations
from vpp.settlement.kernels.pain001 import Party
from vpp.settlement.models import BankAccount, ComponentRule, JournalLine, Payout, Performance, ReviewFinding

pytestmark = pytest.mark.django_db
DEBTOR = Party("Aggregator", "DE89370400440532013000")


def deviation(day: str = "2016-07-14", **more: object) -> dict[str, object]:
    return {
        "kind": "UNINSTRUCTED_DEVIATION", "date": day, "actual_kw": [110_000], "setpoint_kw": [100_000],
        "price_per_mwh": [50], "interval_minutes": 60, **more,
    }  # fmt: skip


def test_a_component_is_computed_by_the_version_in_force_on_its_date(tmp_path):
    client = client_of(make_participant(kind="AGGREGATOR"))
    answer = client.post("/api/v1/components", deviation(), format="json").json()
    assert (answer["amount"], answer["rule"]) == ("-250.00", "UNINSTRUCTED_DEVIATION v1")  # 10 MW less the 5 MW band
    ComponentRule.objects.create(
        kind="UNINSTRUCTED_DEVIATION", version=2, valid_from=date(2017, 1, 1), parameters={"band_kw": 0, "band_pu": 0}
    )
    later = client.post("/api/v1/components", deviation("2017-01-01"), format="json").json()
    assert (later["amount"], later["rule"]) == ("-500.00", "UNINSTRUCTED_DEVIATION v2")
    assert client.post("/api/v1/components", deviation(), format="json").json() == answer
    bad = client.post("/api/v1/components", deviation(price_per_mwh=[None]), format="json")
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_component_question")
    assert client.post("/api/v1/components", {"kind": "NOPE", "date": "2016-07-14"}, format="json").status_code == 409
    file = tmp_path / "component.json"
    file.write_text(json.dumps(deviation()))
    out = StringIO()
    call_command("component", str(file), stdout=out)
    assert json.loads(out.getvalue()) == answer
    file.write_text("[]")
    with pytest.raises(CommandError, match="JSON object"):
        call_command("component", str(file))


def loads(levels: dict[int, float], *, devices: int = 1, one_owner: bool = False):
    """Steady loads of 100 kW for 40 days, sold 20 kW up in the evening; on the day kW by interval as given."""
    owner = make_participant() if one_owner else None
    rng = np.random.default_rng(5)
    made: list[Device] = []
    for _ in range(devices):
        device = make_device(kind="LOAD", max_consumption_kw=500.0, site=make_site(owner=owner or make_participant()))
        if owner is None or not made:
            make_contract(device.site.owner)
        for back in range(1, 40):
            meter(device, SUMMER - timedelta(days=back), 100.0 + rng.normal(0, 2))
        made.append(device)
    portfolio = make_portfolio(devices=made)
    make_award(portfolio, up=dict.fromkeys(EVENING, 20.0), awarded_at=after(SUMMER - timedelta(days=1)))
    make_plan(
        portfolio, {device: dict.fromkeys(EVENING, 80.0) for device in made}, baselines=dict.fromkeys(made, 100.0)
    )
    return portfolio, made


def test_a_raised_window_goes_to_the_review_queue_once_and_says_how_far():
    portfolio, (device,) = loads({})
    window = dict.fromkeys(range(56, 68), 140.0)  # 14:00-17:00, four hours before the event at 18:00
    meter(device, SUMMER, at_intervals({**window, **dict.fromkeys(EVENING, 80.0)}, elsewhere=100.0))
    run = settle(portfolio)
    found = operations.review_run(run, at=after(SUMMER))
    kinds = {finding.kind for finding in found}
    assert ReviewFinding.Kind.WINDOW_RAISED in kinds
    assert found[0].evidence["z"] > 3
    assert operations.review_run(run, at=after(SUMMER)) == []
    clock.set_simulated(after(SUMMER))
    out = StringIO()
    call_command("review", "--date", str(SUMMER), stdout=out)
    assert "0 findings" in out.getvalue()


def test_an_ordinary_day_leaves_the_queue_empty():
    portfolio, (device,) = loads({})
    meter(device, SUMMER, at_intervals(dict.fromkeys(EVENING, 80.0), elsewhere=100.5))
    assert operations.review_run(settle(portfolio), at=after(SUMMER)) == []


def test_two_sites_of_one_owner_that_shift_load_between_them_are_found():
    portfolio, (low, high) = loads({}, devices=2, one_owner=True)
    meter(low, SUMMER, at_intervals(dict.fromkeys(EVENING, 60.0), elsewhere=100.0))
    meter(high, SUMMER, at_intervals(dict.fromkeys(EVENING, 140.0), elsewhere=100.0))
    found = operations.review_run(settle(portfolio), at=after(SUMMER))
    (pair,) = [finding for finding in found if finding.kind == ReviewFinding.Kind.PAIRED_SITES]
    assert pair.device == low
    assert pair.evidence["other"] == high.code


def test_load_that_is_raised_on_offered_days_without_dispatch_is_found():
    portfolio, (device,) = loads({})
    lifted = [SUMMER - timedelta(days=back) for back in (7, 8, 9, 10, 13)]
    for day in lifted:
        make_bid(portfolio, day=day, up=dict.fromkeys(EVENING, 20.0))  # an offer that nobody took
        power = at_intervals(dict.fromkeys(EVENING, 130.0), day=day, elsewhere=100.0)
        meter(device, day, power, at=after(day) + timedelta(hours=1), correction=True)
    meter(device, SUMMER, at_intervals(dict.fromkeys(EVENING, 80.0), elsewhere=100.0))
    found = operations.review_run(settle(portfolio), at=after(SUMMER))
    (near,) = [one for one in found if one.kind == ReviewFinding.Kind.RAISED_NEAR_OFFERS]
    assert near.evidence["offered_days"] == [day.isoformat() for day in lifted]
    assert near.evidence["z"] > 3


def test_an_adjustment_that_always_points_up_is_found_at_the_fourth_event():
    portfolio, (device,) = loads({})
    kinds: list[set[str]] = []
    for back in (9, 7, 2, 0):  # Tuesday, Thursday, Tuesday, Thursday
        day = SUMMER - timedelta(days=back)
        if back:
            make_award(portfolio, day=day, up=dict.fromkeys(EVENING, 20.0), awarded_at=after(day - timedelta(days=1)))
            make_plan(portfolio, {device: dict.fromkeys(EVENING, 80.0)}, day=day, baselines={device: 100.0})
        window = dict.fromkeys(range(56, 68), 112.0)
        power = at_intervals({**window, **dict.fromkeys(EVENING, 90.0)}, day=day, elsewhere=100.0)
        meter(device, day, power, at=after(day), correction=bool(back))
        found = operations.review_run(settle(portfolio, day=day), at=after(day))
        kinds.append({one.kind for one in found})
    assert ["REPEATED_OFFSET" in one for one in kinds] == [False, False, False, True]


def test_the_guards_run_after_a_settlement_and_a_payout_waits_for_them_and_then_for_a_person():
    portfolio, (device,) = loads({})
    window = dict.fromkeys(range(56, 68), 140.0)
    meter(device, SUMMER, at_intervals({**window, **dict.fromkeys(EVENING, 80.0)}, elsewhere=100.0))
    settle(portfolio)
    (statement,) = operations.make_statements(first=SUMMER, last=SUMMER, at=after(SUMMER))
    operations.finalise(statement, at=after(SUMMER))
    operations.step_statement(statement, "ACCEPTED", at=after(SUMMER), actor="owner")
    BankAccount.objects.create(owner=statement.owner, holder="Owner", iban="DE89370400440532013000")

    def paid() -> list[str]:
        run = operations.pay_accepted(at=after(SUMMER), execution_date=SUMMER, debtor=DEBTOR)
        return [reason for _, reason in run.left_out]

    assert paid() == ["the guards have not looked at it yet"]
    clock.set_simulated(after(SUMMER))
    jobs.run_pending()
    assert paid() == ["held for review"]
    finding = ReviewFinding.objects.get(kind="WINDOW_RAISED")
    with pytest.raises(operations.ReasonMissing):
        operations.release_payout(finding, reason=" ", at=after(SUMMER), actor="staff")
    for one in ReviewFinding.objects.exclude(pk=finding.pk):
        operations.release_payout(one, reason="seen", at=after(SUMMER), actor="staff")
    assert paid() == ["held for review"]
    operations.release_payout(finding, reason="a heat wave, see the neighbours", at=after(SUMMER), actor="staff")
    with pytest.raises(operations.AlreadyDecided):
        operations.deny_payout(finding, reason="no", at=after(SUMMER), actor="staff")
    assert paid() == []
    statement.refresh_from_db()
    assert statement.state == "PAID"


def test_contracts_of_several_kinds_settle_one_day_to_the_cent():
    terms = [
        {"split_rule": "PRO_RATA_DELIVERED", "owner_share_pu": "0.5"},
        {"split_rule": "FLOOR_PLUS_SHARE", "owner_share_pu": "0.5", "floor_per_event": "1.00"},
        {"split_rule": "TARIFF", "owner_share_pu": "0", "tariff_per_kwh": "0.02"},
        {"split_rule": "SHAPLEY", "owner_share_pu": "1"},
        {"split_rule": "MARGINAL", "owner_share_pu": "1"},
    ]
    devices = []
    for fields in terms:
        owner = make_participant()
        make_contract(owner, **fields)
        devices.append(make_device(site=make_site(owner=owner), max_production_kw=400.0))
    portfolio = make_portfolio(devices=devices)
    make_award(portfolio, up=dict.fromkeys(EVENING, 500.0), price=40.0)
    make_plan(portfolio, {device: {72: -10.0} for device in devices})
    for device in devices:
        meter(device, SUMMER, at_intervals(dict.fromkeys(EVENING, -100.0)))
    run = settle(portfolio)
    # 0.5 MWh x 40 = 20.00: 4.00 each; 2.00, 1 + 0.5 x 3 = 2.50, 100 x 0.02 = 2.00, 4.00, 4.00
    paid = [Payout.objects.get(run=run, owner=device.site.owner).amount for device in devices]
    assert paid == [Decimal(text) for text in ("2.00", "2.50", "2.00", "4.00", "4.00")]
    assert (run.revenue, run.payouts, run.margin) == (Decimal("20.00"), Decimal("14.50"), Decimal("5.50"))


def test_what_the_portfolio_earns_beyond_its_devices_has_its_own_account():
    # Alone: factor 0.5 capped to 0.8 (80 kW) and 1.3 to 1.2 (120), less 80 and 80: 0 and 40 kW. Together: 180 / 200, so
    # 180 less 160: 20 kW. The market pays 20 kWh x 40 = 0.80, the devices' 40 kWh are worth 0.80 + 20 x 30 = 1.40.
    portfolio, (first, second) = loads({}, devices=2)
    for device, level in ((first, 50.0), (second, 130.0)):
        window = dict.fromkeys(range(56, 68), level)
        meter(device, SUMMER, at_intervals({**window, **dict.fromkeys(EVENING, 80.0)}, elsewhere=100.0))
    run = settle(portfolio)
    performance = Performance.objects.get(run=run)
    pool = Decimal(performance.explanation["owners_pool"])
    effect = Decimal(performance.explanation["portfolio_effect"])
    assert float(pool) == pytest.approx(1.40, abs=0.06)  # the like days are noisy by 2 kW
    assert float(effect) == pytest.approx(-0.60, abs=0.06)
    assert performance.revenue == pool + effect
    booked = JournalLine.objects.get(journal__run=run, account__code="PORTFOLIO_EFFECT").amount
    assert booked == -effect
    assert run.revenue == run.payouts + run.fees + run.margin
