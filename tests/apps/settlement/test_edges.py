"""The API, the commands and who sees what."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from tests.apps.settlement.makers import SUMMER, after, at_intervals, make_ask, make_award, make_plan, meter, utility
from tests.apps.settlement.test_settle_day import EVENING, settle, sold_evening
from tests.factories import make_contract, make_device, make_portfolio
from vpp.accounts import operations as accounts
from vpp.lib import clock
from vpp.settlement.models import Payout, SettlementRun

pytestmark = pytest.mark.django_db
GOLDEN = Path(__file__).parents[2] / "golden" / "settlement"


def client_of(participant) -> APIClient:
    _, token = accounts.create_client(participant=participant, name="tests", scopes=["read"], at=after(SUMMER))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def aggregator() -> APIClient:
    from tests.factories import make_participant

    return client_of(make_participant(kind="AGGREGATOR"))


def committed_ask(utility_):
    """An ask of 100 kW in the evening, delivered at 95 %."""
    battery = make_device(max_production_kw=200.0)
    make_contract(battery.site.owner)
    portfolio = make_portfolio(devices=[battery])
    ask = make_ask(utility_, up=dict.fromkeys(EVENING, 100.0))
    make_award(portfolio, kind="ASK", up=dict.fromkeys(EVENING, 100.0), price=200.0, ask=ask)
    make_plan(portfolio, {battery: {72: -100.0}})
    meter(battery, SUMMER, at_intervals(dict.fromkeys(EVENING, -95.0)))
    return portfolio, ask


def test_the_utility_gets_the_report_on_its_own_asks_only(aggregator):
    mine, other = utility(), utility()
    portfolio, ask = committed_ask(mine)
    settle(portfolio)
    url = f"/api/v1/performance-reports?date={SUMMER}"
    (row,) = client_of(mine).get(url).json()["results"]
    assert row["ask"] == ask.reference
    assert row["share"] == pytest.approx(0.95)
    assert row["ordered_kw"][72] == 100.0
    assert row["delivered_kw"][72] == pytest.approx(95.0)
    assert (row["revenue"], row["penalty"]) == ("19.00", "1.00")  # 95 kWh and 5 kWh at 200 EUR/MWh
    assert client_of(other).get(url).json()["results"] == []
    assert len(aggregator.get(url).json()["results"]) == 1
    ask.refresh_from_db()
    assert ask.state == "REPORTED"


def test_the_report_on_reactive_power_that_no_device_was_asked_for_tells_what_was_ordered_and_that_nothing_is_due():
    from decimal import Decimal

    from bidding.models import BidOption, OrderedOption

    mine = utility()
    battery = make_device(max_production_kw=200.0)
    make_contract(battery.site.owner)
    portfolio = make_portfolio(devices=[battery])
    ask = make_ask(mine, up={}, power_kind="REACTIVE", quantity_kvar=[40.0] * 96)
    award = make_award(portfolio, kind="ASK", up={}, price=4.0, ask=ask)
    zero = [0.0] * 96
    option = BidOption.objects.create(
        bid=award.bid, reference="A", up_kw=zero, down_kw=zero, kvar=[40.0] * 96, recovery_kw=zero, price_per_mwh=4.0,
        price=Decimal("3.84"),
    )  # fmt: skip
    OrderedOption.objects.create(award=award, option=option, activation_pu=Decimal("0.50"), price=Decimal("1.92"))
    make_plan(portfolio, {battery: {}})
    settle(portfolio)
    client = client_of(mine)
    (row,) = client.get(f"/api/v1/performance-reports/{ask.reference}").json()
    assert (row["power_kind"], row["ordered_kvar"][0], row["revenue"]) == ("REACTIVE", 20.0, "0.00")
    page = client.get(f"/api/v1/performance-reports/{ask.reference}?form=html").content.decode()
    assert "up to 20.0 kvar ordered; no device was asked for it and it is not metered, nothing is due" in page


def test_a_utility_and_an_owner_see_no_settlement_runs(aggregator):
    portfolio, _, devices = sold_evening()
    settle(portfolio)
    url = "/api/v1/settlements"
    assert aggregator.get(url).json()["results"][0]["revenue"] == "16.00"
    assert client_of(utility()).get(url).json()["results"] == []
    assert client_of(devices[0].site.owner).get(url).json()["results"] == []


def test_staff_see_every_award_of_the_day_and_others_do_not(aggregator):
    portfolio, award, devices = sold_evening()
    settle(portfolio)
    url = f"/api/v1/performances?date={SUMMER}"
    (row,) = aggregator.get(url).json()["results"]
    assert (row["award"], row["market"], row["ask"]) == (award.source_reference, "DA", None)
    assert (row["bid_kwh"], row["awarded_kwh"], row["revenue"]) == (400.0, 400.0, "16.00")
    assert client_of(devices[0].site.owner).get(url).json()["results"] == []


def test_the_trace_leads_from_the_payout_to_the_readings(aggregator):
    portfolio, award, devices = sold_evening()
    run = settle(portfolio)
    payout = Payout.objects.get(run=run, owner=devices[0].site.owner)
    trace = aggregator.get(f"/api/v1/trace/{payout.pk}").json()
    assert trace["payout"]["amount"] == "8.40"
    assert trace["journal"]["lines"][0]["amount"] == "-8.40"
    assert trace["award"]["source_reference"] == award.source_reference
    assert trace["bid"]["natural_key"] == award.bid.natural_key
    assert trace["settlement_run"]["rules"]["profiles"] == {"SCHEDULE_IDLE": 1}
    assert [plan["version"] for plan in trace["plans"]] == [1]
    (device,) = trace["devices"]
    assert device["device"] == devices[0].code
    assert device["readings"]["checksum_holds"] is True
    assert len(device["readings"]["keys"]) == 96
    for step in ("performance", "product", "ask", "nightly_run", "forecast_run"):
        assert step in trace


def test_an_owner_traces_own_payouts_and_no_others():
    portfolio, _, devices = sold_evening()
    run = settle(portfolio)
    first, second = (Payout.objects.get(run=run, owner=device.site.owner) for device in devices)
    owner = client_of(devices[0].site.owner)
    assert owner.get(f"/api/v1/trace/{first.pk}").status_code == 200
    refusal = owner.get(f"/api/v1/trace/{second.pk}")
    assert (refusal.status_code, refusal.json()["code"]) == (404, "not_found")
    assert [row["id"] for row in owner.get("/api/v1/payouts").json()["results"]] == [first.pk]


def test_a_report_needs_a_date(aggregator):
    refusal = aggregator.get("/api/v1/performance-reports")
    assert (refusal.status_code, refusal.json()["code"]) == (400, "invalid")


def test_a_stranger_is_refused():
    assert APIClient().get("/api/v1/settlements").status_code == 401


def test_a_baseline_question_over_the_api(aggregator):
    question = json.loads((GOLDEN / "mbma_linear" / "input.json").read_text())
    answer = aggregator.post("/api/v1/baselines", question, format="json").json()
    assert answer["baseline_kwh"] == [7.4, 9.0, 10.6]
    refusal = aggregator.post("/api/v1/baselines", {**question, "method": "guess"}, format="json")
    assert (refusal.status_code, refusal.json()["code"]) == (400, "bad_baseline_question")


def test_the_command_answers_a_baseline_file(tmp_path):
    out = StringIO()
    call_command("baseline", str(GOLDEN / "schedule_idle_battery" / "input.json"), stdout=out)
    assert json.loads(out.getvalue())["total_reduction_kwh"] == 5.0
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(CommandError, match=r"broken\.json"):
        call_command("baseline", str(broken))


def test_the_command_settles_and_verifies_every_portfolio():
    sold_evening()
    clock.set_simulated(after(SUMMER))
    out = StringIO()
    call_command("settle", date=SUMMER, stdout=out)
    call_command("settle", "--date", "2016-07-14", "--version", "1", "--verify", stdout=out)
    assert SettlementRun.objects.count() == 1
    assert out.getvalue().count("revenue 16.00") == 2


def test_the_command_names_a_day_that_is_not_over():
    sold_evening()
    clock.set_simulated(after(SUMMER).replace(day=14))
    with pytest.raises(CommandError, match="day_not_closed"):
        call_command("settle", date=SUMMER)
