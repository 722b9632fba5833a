"""The utility's statement beside ours: what differs becomes a dispute with its evidence."""

from dataclasses import replace
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from tests.apps.settlement.makers import SUMMER, after, at_intervals, make_award, make_plan, meter, utility
from tests.apps.settlement.test_edges import committed_ask
from tests.apps.settlement.test_settle_day import EVENING, settle
from tests.factories import make_contract, make_device, make_portfolio
from vpp.accounts import operations as accounts
from vpp.lib import clock
from vpp.settlement import operations
from vpp.settlement.kernels.utility_differences import differences
from vpp.settlement.kernels.utility_statement import (
    StatementUnreadable,
    TheirInterval,
    read_csv,
    read_flex_settlement,
)
from vpp.settlement.models import Dispute, UtilityStatement

pytestmark = pytest.mark.django_db


def uftp(order: str, *, delivered_w: int = -95_000, net: str = "18.00") -> str:
    """Ordered 100 kW less load in ISPs 73 to 76; the sign of a reduction is negative."""
    return f"""<FlexSettlement Version="3.0.0" SenderDomain="dso.example" RecipientDomain="agr.example"
      PeriodStart="2016-07-14" PeriodEnd="2016-07-14" Currency="EUR">
      <FlexOrderSettlement OrderReference="{order}" Period="2016-07-14" Price="19.00" Penalty="1.00" NetSettlement="{net}">
        <ISP Start="73" Duration="4" BaselinePower="0" OrderedFlexPower="-100000" ActualPower="{delivered_w}"
             DeliveredFlexPower="{delivered_w}" PowerDeficiency="{100_000 + delivered_w}"/>
      </FlexOrderSettlement></FlexSettlement>"""


def take(utility_, content: str, *, reference: str = "July", form: str = "UFTP") -> UtilityStatement:
    return operations.take_utility_statement(
        utility=utility_, reference=reference, form=form, content=content, at=after(SUMMER)
    )


def settled_ask():
    mine = utility()
    portfolio, ask = committed_ask(mine)
    settle(portfolio)
    return mine, ask


def test_a_statement_that_agrees_opens_no_dispute_and_is_taken_once():
    mine, ask = settled_ask()
    statement = take(mine, uftp(ask.reference))
    assert statement.lines.count() == 4
    assert not statement.disputes.exists()
    assert take(mine, uftp(ask.reference)) == statement
    with pytest.raises(operations.UtilityStatementDiffers):
        take(mine, uftp(ask.reference, delivered_w=-90_000))


def test_differences_over_the_tolerance_become_a_dispute_with_both_sides():
    mine, ask = settled_ask()
    (dispute,) = take(mine, uftp(ask.reference, delivered_w=-80_000, net="12.00")).disputes.all()
    rows = dispute.evidence["differences"]
    assert {(row["isp"], row["field"], row["ours"], row["theirs"]) for row in rows if row["isp"] == 73} == {
        (73, "delivered_kw", 95.0, 80.0),
        (73, "deficiency_kw", 5.0, 20.0),
    }
    assert rows[-1] == {"isp": 0, "field": "net_amount", "ours": 18.0, "theirs": 12.0, "difference": -6.0}
    assert len(dispute.evidence["ours"]["run_checksum"]) == 64
    assert dispute.evidence["ours"]["devices"][0]["readings"]
    operations.step_dispute(dispute, "ANSWERED", text="the meter says so", at=after(SUMMER), actor="us")
    operations.step_dispute(dispute, "RESOLVED", text="agreed", at=after(SUMMER), actor="them")
    with pytest.raises(operations.DisputeStepRefused):
        operations.step_dispute(dispute, "OPEN", text="again", at=after(SUMMER), actor="them")
    assert [event.state for event in dispute.events.order_by("pk")] == ["OPEN", "ANSWERED", "RESOLVED"]


def test_an_order_we_did_not_settle_and_one_nobody_knows():
    mine = utility()
    _, ask = committed_ask(mine)
    statement = take(
        mine,
        uftp(ask.reference).replace(
            "</FlexSettlement>", '<FlexOrderSettlement OrderReference="x" Period="2016-07-14"/></FlexSettlement>'
        ),
    )
    assert statement.findings == []  # an order without any value has nothing to compare
    assert statement.disputes.get().evidence["differences"][0]["field"] == "not_settled_here"
    other = take(mine, uftp("nobody"), reference="August")
    assert other.findings == [{"finding": "unknown_order", "order": "nobody"}]


def test_a_utility_sends_its_own_statement_and_follows_its_disputes():
    mine, ask = settled_ask()
    stranger = utility()

    def client_of(participant) -> APIClient:
        _, token = accounts.create_client(
            participant=participant, name="tests", scopes=["read", "asks:write"], at=after(SUMMER)
        )
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return client

    body = {
        "reference": "July",
        "form": "CSV",
        "content": f"order,date,isp,ordered_kw,delivered_kw\n{ask.reference},2016-07-14,73,100,60\n",
    }
    sent = client_of(mine).post("/api/v1/utility-statements", body, format="json")
    assert sent.status_code == 201, sent.json()
    (dispute,) = sent.json()["disputes"]
    assert {row["field"] for row in dispute["evidence"]["differences"]} == {"delivered_kw", "ordered_kw"}
    assert client_of(stranger).get("/api/v1/disputes").json()["results"] == []
    assert (
        client_of(stranger)
        .post(f"/api/v1/disputes/{dispute['id']}", {"state": "RESOLVED", "text": "x"}, format="json")
        .status_code
        == 404
    )
    stepped = client_of(mine).post(
        f"/api/v1/disputes/{dispute['id']}", {"state": "RESOLVED", "text": "our error"}, format="json"
    )
    assert stepped.json()["state"] == "RESOLVED"
    # a stranger's statement on an ask that is not theirs finds nothing
    foreign = client_of(stranger).post("/api/v1/utility-statements", body, format="json").json()
    assert foreign["findings"] == [{"finding": "unknown_order", "order": ask.reference}]
    bad = client_of(mine).post(
        "/api/v1/utility-statements", {**body, "reference": "x", "content": "a,b\n"}, format="json"
    )
    assert bad.json()["code"] == "bad_utility_statement"


def test_the_command_lists_what_differs(tmp_path):
    mine, ask = settled_ask()
    clock.set_simulated(after(SUMMER))
    file = tmp_path / "statement.xml"
    file.write_text(uftp(ask.reference, delivered_w=-80_000))
    out = StringIO()
    call_command("utility_statement", str(file), "--utility", mine.code, "--reference", "July", stdout=out)
    assert "73 delivered_kw: ours 95.0, theirs 80.0" in out.getvalue()
    with pytest.raises(CommandError, match="no utility"):
        call_command("utility_statement", str(file), "--utility", "x", "--reference", "July")
    assert Dispute.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("order,date\nx,2016-07-14\n", "isp"),
        ("order,date,isp,volts\n", "volts"),
        ("order,date,isp\nx,2016-07-14,101\n", "interval 101"),
        ("order,date,isp,ordered_kw\nx,2016-07-14,1,much\n", "line 2"),
        ("order,date,isp\nx,2016-07-14,1\nx,2016-07-14,1\n", "twice"),
        ("order,date,isp,delivered_kw\nx,2016-07-14,1,nan\n", "'nan' is no number"),
        ("order,date,isp,net_amount\nx,2016-07-14,1,Infinity\n", "'Infinity' is no number"),
        ("order,date,isp,net_amount\nx,2016-07-14,1,1e9\n", "line 2: '1e9' is no number"),
        (f"order,date,isp\n{'x' * 200_000},2016-07-14,1\n", "line 1: field larger than field limit"),
    ],
)
def test_a_csv_that_cannot_be_read_says_where(text, match):
    with pytest.raises(StatementUnreadable, match=match):
        read_csv(text)


@pytest.mark.parametrize(
    "text", ["<a", "<FlexOrder/>", "<!DOCTYPE x><FlexSettlement/>", uftp("x").replace('Start="73"', "")]
)
def test_xml_that_cannot_be_read_is_refused(text):
    with pytest.raises(StatementUnreadable):
        read_flex_settlement(text)


def test_intervals_they_leave_out_count_as_nothing_ordered():
    found = differences([], [0.0, 10.0], [0.0, 10.0])
    assert [(one.isp, one.field, one.ours, one.theirs) for one in found] == [(2, "ordered_kw", 10.0, 0.0)]


def test_a_statement_that_was_read_elsewhere_is_imported_once_under_the_callers_own_order_names():
    mine, ask = settled_ask()
    day = [TheirInterval("ORDER-1", SUMMER, isp, ordered_kw=100.0, delivered_kw=95.0) for isp in range(73, 77)]

    def bring(intervals, reference="July", **more):
        return operations.import_utility_statement(
            utility=mine, reference=reference, intervals=intervals, net_by_order={"ORDER-1": Decimal("18.00")},
            asks={"ORDER-1": ask}, at=after(SUMMER), **more,
        )  # fmt: skip

    statement = bring(day)
    assert (statement.form, statement.lines.count(), statement.disputes.count()) == ("UFTP", 4, 0)
    assert bring(list(reversed(day))) == statement  # the order of the rows says nothing
    less = [replace(one, delivered_kw=90.0) for one in day]
    with pytest.raises(operations.UtilityStatementDiffers, match="new reference"):
        bring(less)
    assert bring(less, "July-2", tolerance=operations.Tolerance(kw=6.0)).disputes.count() == 0
    (dispute,) = bring(less, "July-3").disputes.all()
    assert dispute.ask == ask
    assert {row["field"] for row in dispute.evidence["differences"]} == {"delivered_kw"}


def test_an_ask_that_two_portfolios_answered_is_compared_with_both_awards():
    mine, ask = settled_ask()
    battery = make_device(max_production_kw=200.0)
    make_contract(battery.site.owner)
    other = make_portfolio(devices=[battery])
    make_award(other, kind="ASK", up=dict.fromkeys(EVENING, 40.0), price=200.0, ask=ask)
    make_plan(other, {battery: {72: -40.0}})
    meter(battery, SUMMER, at_intervals(dict.fromkeys(EVENING, -50.0)))  # 10 kW beyond its order are not the other's
    settle(other)

    def bring(reference, second_kw):
        said = {"ORDER-1": (100.0, 95.0), "ORDER-2": (40.0, second_kw)}
        return operations.import_utility_statement(
            utility=mine, reference=reference, at=after(SUMMER), asks=dict.fromkeys(said, ask),
            intervals=[TheirInterval(order, SUMMER, isp, *kw) for order, kw in said.items() for isp in range(73, 77)],
            net_by_order={"ORDER-1": Decimal("18.00"), "ORDER-2": Decimal("8.00")},
        )  # fmt: skip

    agreed = bring("July", 40.0)
    assert (agreed.lines.count(), agreed.disputes.count(), agreed.lines.get(isp=73).ordered_kw) == (4, 0, 140.0)
    (dispute,) = bring("July-2", 30.0).disputes.all()
    assert {(row["field"], row["ours"], row["theirs"]) for row in dispute.evidence["differences"]} == {
        ("delivered_kw", 135.0, 125.0)
    }
    assert len(dispute.evidence["ours"]["awards"]) == 2
