"""FlexSettlement: whole or not at all, each order accepted or disputed; Metering and prognosis after the day."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from shapeshifter_uftp.uftp import (
    AcceptedDisputed,
    AcceptedRejected,
    ContractSettlement,
    ContractSettlementISP,
    ContractSettlementPeriod,
    FlexOrderSettlement,
    FlexOrderSettlementISP,
    FlexSettlement,
)
from xsdata.models.datatype import XmlDate

from bidding.models import Award
from tests.apps.uftp.desk import Desk
from vpp.lib import clock
from vpp.settlement.models import Dispute, Performance, SettlementRun, UtilityStatement
from vpp.uftp import codec, reports
from vpp.uftp.models import Counterparty


def item(desk: Desk, order: Any, delivered: int = -10_000, **fields: Any) -> FlexOrderSettlement:
    defaults: dict[str, Any] = {
        "order_reference": order.order_reference,
        "period": XmlDate.from_date(desk.world.day.date),
        "congestion_point": desk.world.point.code,
        "price": order.price,
        "penalty": Decimal(0),
        "net_settlement": order.price,
        "isps": [
            FlexOrderSettlementISP(
                start=73,
                duration=4,
                baseline_power=0,
                ordered_flex_power=-10_000,
                actual_power=delivered,
                delivered_flex_power=delivered,
                power_deficiency=10_000 + delivered,
            )
        ],
    }
    return FlexOrderSettlement(**(defaults | fields))


def settlement(desk: Desk, *items: FlexOrderSettlement, **fields: Any) -> FlexSettlement:
    day = XmlDate.from_date(desk.world.day.date)
    isps = [ContractSettlementISP(start=1, reserved_power=0)]
    period = ContractSettlementPeriod(period=day, isps=isps)
    defaults: dict[str, Any] = {
        "period_start": XmlDate(2016, 7, 1),
        "period_end": XmlDate(2016, 7, 31),
        "currency": "EUR",
        "flex_order_settlements": list(items),
        "contract_settlements": [ContractSettlement(periods=[period], contract_id="C-1")],
    }
    return FlexSettlement(**(defaults | fields))


@pytest.fixture
def order(desk: Desk) -> Any:
    made = desk.order(desk.offered())
    desk.send(made)
    return made


def settled(delivered_kw: float) -> Performance:
    """Our own settlement of the day found this much delivered in the ordered intervals."""
    award = Award.objects.select_related("bid__portfolio").get()
    nothing = dict.fromkeys(("revenue", "penalty", "payouts", "fees", "margin"), Decimal(0))
    run = SettlementRun.objects.create(
        portfolio=award.bid.portfolio, delivery_date=award.bid.delivery_date, version=1, as_of=award.bid.created_at,
        state="OK", currency="EUR", checksum="0" * 64, **nothing,
    )  # fmt: skip
    power = {"committed_kw": 10.0, "delivered_kw": delivered_kw, "baseline_kw": 0.0, "metered_kw": -delivered_kw}
    series = {name: [0.0] * 72 + [kw] * 4 + [0.0] * 20 for name, kw in power.items()}
    return Performance.objects.create(
        run=run, award=award, product_kind="ASK", committed_kwh=10, delivered_kwh=Decimal(delivered_kw),
        revenue=Decimal(0), penalty=Decimal(0), currency="EUR", **series,
    )  # fmt: skip


def statuses(desk: Desk) -> list[tuple[str, str]]:
    answer = desk.last("FlexSettlementResponse")
    return [(one.disposition, one.dispute_reason or "") for one in answer.flex_order_settlement_statuses]


def test_what_agrees_with_ours_is_accepted(desk: Desk, order):
    settled(10.0)
    desk.send(settlement(desk, item(desk, order)))
    assert desk.last("FlexSettlementResponse").result == AcceptedRejected.ACCEPTED
    assert statuses(desk) == [(AcceptedDisputed.ACCEPTED, "")]
    (dispute,) = Dispute.objects.all()  # our own run of this test paid nothing, which the books notice
    assert [one["field"] for one in dispute.evidence["differences"]] == ["net_amount"]


@pytest.mark.parametrize(
    ("fields", "delivered", "word"),
    [
        ({"price": Decimal(9), "net_settlement": Decimal(9)}, -10_000, "price"),
        ({"penalty": Decimal(1)}, -10_000, "NetSettlement"),
        ({"congestion_point": "ean.871234567890123456"}, -10_000, "congestion point"),
        ({}, -6_000, "we measured 10000 W"),
    ],
)
def test_what_differs_is_disputed_with_the_reason(desk: Desk, order, fields, delivered, word):
    settled(10.0)
    desk.send(settlement(desk, item(desk, order, delivered, **fields)))
    assert desk.last("FlexSettlementResponse").result == AcceptedRejected.ACCEPTED
    ((disposition, reason),) = statuses(desk)
    assert (disposition, word in reason) == (AcceptedDisputed.DISPUTED, True)


def test_delivery_that_does_not_follow_from_their_own_figures_is_disputed(desk: Desk, order):
    settled(10.0)
    isps = [
        FlexOrderSettlementISP(
            start=73, duration=4, baseline_power=0, ordered_flex_power=-10_000, actual_power=-10_000,
            delivered_flex_power=-4_000, power_deficiency=6_000,
        )
    ]  # fmt: skip
    desk.send(settlement(desk, item(desk, order, isps=isps)))
    assert "DeliveredFlexPower" in statuses(desk)[0][1]


def test_before_our_own_settlement_nothing_is_accepted(desk: Desk, order):
    desk.send(settlement(desk, item(desk, order)))
    statement = UtilityStatement.objects.get()
    assert (statement.form, statement.lines.count(), statement.findings) == ("UFTP", 4, [])
    assert [line.delivered_kw for line in statement.lines.all()] == [10.0] * 4
    dispute = Dispute.objects.get(statement=statement)
    assert [one["field"] for one in dispute.evidence["differences"]] == ["not_settled_here"]
    assert statuses(desk) == [(AcceptedDisputed.DISPUTED, "the day is not settled on our side yet")]


def test_a_settlement_without_one_of_our_orders_is_rejected_as_a_whole(desk: Desk, order):
    other = item(desk, order, order_reference="unknown")
    desk.send(settlement(desk, other))
    answer = desk.last("FlexSettlementResponse")
    assert answer.result == AcceptedRejected.REJECTED
    assert "is missing" in answer.rejection_reason
    desk.send(settlement(desk, item(desk, order), other))
    assert statuses(desk)[1] == (AcceptedDisputed.DISPUTED, "the order is unknown")
    assert UtilityStatement.objects.get().findings == [{"finding": "unknown_order", "order": "unknown"}]


def test_an_item_outside_the_period_is_out_of_bounds(desk: Desk, order):
    desk.send(settlement(desk, item(desk, order), period_end=XmlDate(2016, 7, 10)))
    assert desk.last("FlexSettlementResponse").rejection_reason == "Period out of bounds"


def test_a_settlement_without_contracts_is_read_as_the_prose_allows(desk: Desk, order):
    settled(10.0)
    message = settlement(desk, item(desk, order))
    message.contract_settlements = []
    assert desk.send(message) == 200
    assert statuses(desk) == [(AcceptedDisputed.ACCEPTED, "")]


def test_metered_values_go_out_under_the_points_ean(desk: Desk, monkeypatch):
    from telemetry import queries as telemetry

    kw = np.full((1, 96), 2.5)
    kw[0, 3] = np.nan
    monkeypatch.setattr(telemetry, "interval_power_kw", lambda *given, **named: kw)
    desk.counterparty.eans = {desk.world.point.code: "E" + "1" * 16}
    Counterparty.objects.update(eans=desk.counterparty.eans)
    clock.set_simulated(clock.now() + timedelta(days=2))
    day = desk.world.day.date
    row = reports.send_metering(desk.counterparty, desk.world.point, day, at=clock.now())
    assert row == reports.send_metering(desk.counterparty, desk.world.point, day, at=clock.now())
    message = codec.read_message(row.xml.encode())
    assert (message.ean, len(message.profiles[0].isps)) == ("E" + "1" * 16, 95)
    desk.work()
    assert desk.count("Metering") == 1


def test_the_prognosis_has_what_was_ordered_in_it(desk: Desk, order):
    isps = desk.last("DPrognosis").isps
    assert [one.start for one in isps] == list(range(1, 97))
    assert sum(one.power for one in isps) == -40_000
    assert Award.objects.get().uftp_order.order_reference == order.order_reference
