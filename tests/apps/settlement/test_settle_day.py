"""A closed day becomes shares, money and journals, once, and comes out the same again."""

import threading
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.db.models import Sum

from tests.apps.settlement.makers import (
    SUMMER,
    activate,
    after,
    at_intervals,
    make_award,
    make_plan,
    make_price,
    meter,
)
from tests.factories import ALWAYS, make_contract, make_device, make_participant, make_portfolio, make_site
from vpp.accounts.models import AuditEvent
from vpp.dispatch.models import ControlCycle, PlanDevice
from vpp.enrollment.models import Device, Enrollment
from vpp.lib.periods import DeliveryDay
from vpp.settlement import operations, queries
from vpp.settlement.models import (
    DeviceMethod,
    DevicePerformance,
    Holiday,
    Journal,
    JournalLine,
    PaymentRule,
    Payout,
    Performance,
    SettlementRun,
)
from vpp.settlement.operations import settle as settling

pytestmark = pytest.mark.django_db

EVENING = range(72, 76)  # 18:00-19:00


def settle(portfolio, day=SUMMER, version=1, at=None):
    return operations.settle_day(portfolio_id=portfolio.pk, delivery_date=day, version=version, at=at or after(day))


def two_owners(shares=("0.7", "0.5"), fees=("0", "0")):
    """Two batteries of two owners with contracts."""
    devices = []
    for share, fee in zip(shares, fees, strict=True):
        owner = make_participant()
        make_contract(owner, owner_share_pu=share, fee_per_event=fee)
        devices.append(make_device(site=make_site(owner=owner), max_production_kw=400.0))
    return devices


def sold_evening(kw=400.0, price=40.0, delivered=(300.0, 100.0), fees=("0", "0"), day=SUMMER):
    """A portfolio of two batteries that sold an hour in the evening and delivered with the given powers."""
    devices = two_owners(fees=fees)
    portfolio = make_portfolio(devices=devices)
    award = make_award(portfolio, up=dict.fromkeys(EVENING, kw), price=price, day=day)
    make_plan(portfolio, {device: {72: -10.0} for device in devices}, day=day)
    for device, power in zip(devices, delivered, strict=True):
        meter(device, day, at_intervals(dict.fromkeys(EVENING, -power), day=day))
    return portfolio, award, devices


def test_a_fully_delivered_hour_pays_its_price_split_by_delivered_energy():
    portfolio, award, devices = sold_evening(fees=("0.10", "0"))
    run = settle(portfolio)
    performance = Performance.objects.get(run=run, award=award)
    # 0.4 MWh x 40 EUR/MWh = 16.00; owners 12.00 and 4.00 gross; 70 % - 0.10 fee and 50 %
    assert run.state == SettlementRun.State.OK, run.findings
    assert performance.revenue == Decimal("16.00")
    assert performance.share == pytest.approx(1.0)
    assert performance.delivered_kwh == Decimal("400")
    payouts = {payout.owner_id: payout for payout in Payout.objects.filter(run=run)}
    first, second = (payouts[device.site.owner_id] for device in devices)
    assert (first.gross, first.fee, first.amount) == (Decimal("12.00"), Decimal("0.10"), Decimal("8.30"))
    assert (second.gross, second.amount) == (Decimal("4.00"), Decimal("2.00"))
    assert (run.payouts, run.fees, run.margin) == (Decimal("10.30"), Decimal("0.10"), Decimal("5.60"))
    assert queries.trial_balance() == {"EUR": 0}


def test_every_row_names_the_rows_it_came_from():
    portfolio, award, devices = sold_evening()
    run = settle(portfolio)
    part = DevicePerformance.objects.get(run=run, device=devices[0])
    assert part.award == award
    assert part.profile.name == "SCHEDULE_IDLE"
    assert part.delivered_kwh == Decimal("300")
    assert len(part.reading_checksum) == 64
    payout = Payout.objects.get(run=run, owner=devices[0].site.owner)
    assert payout.performance.award == award
    assert payout.contract is not None and payout.contract.owner == payout.owner
    assert payout.journal is not None
    assert payout.journal.performance == payout.performance
    line = payout.journal.lines.get(account__participant=payout.owner)
    assert line.amount == -payout.amount


def test_a_repeat_finds_the_first_run_and_changes_nothing():
    portfolio, _, _ = sold_evening()
    run = settle(portfolio)
    again = settle(portfolio, at=after(SUMMER) + timedelta(days=3))
    assert again == run
    assert (Journal.objects.count(), Payout.objects.count(), SettlementRun.objects.count()) == (1, 2, 1)
    assert AuditEvent.objects.filter(action="settlement.settled").count() == 1


def test_an_old_run_comes_out_the_same_after_later_corrections():
    portfolio, _, devices = sold_evening()
    run = settle(portfolio)
    meter(
        devices[0],
        SUMMER,
        at_intervals(dict.fromkeys(EVENING, -200.0)),
        at=after(SUMMER) + timedelta(days=1),
        correction=True,
    )
    assert operations.verify_run(run) == run.checksum


def test_a_correction_is_seen_by_a_later_version_only_and_posts_the_difference():
    portfolio, award, devices = sold_evening()
    first = settle(portfolio)
    later = after(SUMMER) + timedelta(days=2)
    corrected = at_intervals(dict.fromkeys(EVENING, -200.0))
    meter(devices[0], SUMMER, corrected, at=after(SUMMER) + timedelta(days=1), correction=True)
    second = operations.restate_day(portfolio_id=portfolio.pk, delivery_date=SUMMER, at=later)
    assert second.version == 2
    assert first.revenue == Decimal("16.00")
    assert second.revenue == Decimal("11.00")  # 16 - 0.1 MWh x 50 EUR/MWh
    delta = Payout.objects.get(run=second, owner=devices[0].site.owner)
    before = Payout.objects.get(run=first, owner=devices[0].site.owner)
    assert delta.total == Decimal("5.13")  # 70 % of 7.33, half-even
    assert delta.amount == delta.total - before.amount
    posted = Journal.objects.get(run=second).lines.aggregate(rest=Sum("amount"))["rest"]
    assert posted == 0
    receivable = JournalLine.objects.filter(account__kind="MARKET_RECEIVABLE").aggregate(sum=Sum("amount"))["sum"]
    assert receivable == second.revenue
    assert operations.verify_run(first) == first.checksum
    assert operations.verify_run(second) == second.checksum


def test_a_restatement_without_news_posts_nothing():
    portfolio, _, _ = sold_evening()
    settle(portfolio)
    second = operations.restate_day(portfolio_id=portfolio.pk, delivery_date=SUMMER, at=after(SUMMER))
    assert not Journal.objects.filter(run=second).exists()
    assert set(Payout.objects.filter(run=second).values_list("amount", flat=True)) == {Decimal("0.00")}


def test_a_day_whose_energy_price_is_corrected_after_the_payout_is_restated_and_no_other():
    devices = two_owners()
    portfolio, starts = make_portfolio(devices=devices), DeliveryDay(SUMMER, "Europe/Berlin").starts()
    reserve = make_award(portfolio, kind="RESERVE_UP", up=dict.fromkeys(EVENING, 400.0), price=10.0)
    energy = make_award(portfolio, up={0: 1.0}, price=40.0)
    make_plan(portfolio, {device: {72: -10.0} for device in devices})
    activate(reserve, starts[73], 0.5)
    make_price(energy.bid.product, starts[72], 80.0, known_at=starts[0])
    for device in devices:
        meter(device, SUMMER, at_intervals({73: -100.0}))
    neighbour, _, _ = sold_evening(day=SUMMER - timedelta(days=1))
    first = settle(portfolio)
    settle(neighbour, day=SUMMER - timedelta(days=1), at=after(SUMMER))
    later = after(SUMMER) + timedelta(days=2)
    assert operations.restate_changed(at=later) == []
    make_price(energy.bid.product, starts[72], 160.0, known_at=later - timedelta(hours=1))
    (second,) = operations.restate_changed(at=later)
    assert (second.portfolio, second.version) == (portfolio, 2)
    assert second.revenue == first.revenue + Decimal("4.00"), "50 kWh at 80 EUR/MWh more"
    assert operations.restate_changed(at=later) == [] and queries.trial_balance() == {"EUR": 0}


def test_only_runs_that_read_a_changed_day_are_restated():
    pump = make_device(kind=Device.Kind.HEAT_PUMP)
    make_contract(pump.site.owner)
    portfolio = make_portfolio(devices=[pump])
    for back in range(1, 25):
        meter(pump, SUMMER - timedelta(days=back), 4.0)
    make_award(portfolio, up=dict.fromkeys(EVENING, 3.0), price=100.0)
    make_plan(portfolio, {pump: {72: 1.0}}, baselines={pump: 4.0})
    meter(pump, SUMMER, at_intervals(dict.fromkeys(EVENING, 1.0), elsewhere=4.0))
    other, _, _ = sold_evening()
    first = settle(portfolio)
    settle(other)
    later = after(SUMMER) + timedelta(days=1)
    meter(pump, SUMMER - timedelta(days=20), 9.0, at=later, correction=True)  # older than the ten days that were used
    assert operations.restate_changed(at=later) == []
    # the evening only: a change of the window as well would be taken back by the same-day adjustment
    corrected = at_intervals(dict.fromkeys(EVENING, 2.0), elsewhere=4.0)
    meter(pump, SUMMER - timedelta(days=6), corrected, at=later, correction=True)
    (second,) = operations.restate_changed(at=later)
    assert (second.portfolio, second.version) == (portfolio, 2)
    assert second.revenue < first.revenue
    assert operations.restate_changed(at=later) == []
    assert first.reference_days.filter(date=SUMMER - timedelta(days=1)).exists()
    assert not first.reference_days.filter(date=SUMMER - timedelta(days=4)).exists()  # a Sunday


def test_versions_come_in_order_and_a_running_day_is_refused():
    portfolio, _, _ = sold_evening()
    with pytest.raises(operations.VersionOutOfOrder):
        settle(portfolio, version=2)
    with pytest.raises(operations.DayNotClosed):
        settle(portfolio, at=DeliveryDay(SUMMER, "Europe/Berlin").end - timedelta(minutes=1))


def test_an_empty_portfolio_settles_to_nothing():
    run = settle(make_portfolio())
    assert (run.state, run.revenue, run.payouts) == ("OK", 0, 0)
    assert run.findings == []


def test_an_award_that_nobody_was_nominated_for_pays_nothing_and_is_flagged():
    portfolio = make_portfolio(devices=two_owners())
    make_award(portfolio, up=dict.fromkeys(EVENING, 100.0))
    run = settle(portfolio)
    assert run.state == SettlementRun.State.DEGRADED
    assert run.revenue == 0
    assert {finding["finding"] for finding in run.findings} == {"no_nominated_devices", "insufficient_baseline"}


def test_a_device_with_missing_readings_proves_nothing_and_is_named():
    portfolio, award, devices = sold_evening(delivered=(300.0, 100.0))
    silent = make_device(site=make_site(owner=devices[0].site.owner), max_production_kw=400.0)
    Enrollment.objects.create(device=silent, portfolio=portfolio, period=ALWAYS)
    PlanDevice.objects.create(plan=portfolio.plans.get(), device=silent, baseline_kw=[0.0] * 96, target_kw=[-5.0] * 96)
    power = at_intervals(dict.fromkeys(EVENING, -50.0))
    power[73] = np.nan
    meter(silent, SUMMER, power)
    run = settle(portfolio)
    assert {"finding": "missing_readings", "devices": [silent.code]} in run.findings
    part = DevicePerformance.objects.get(run=run, award=award, device=silent)
    assert (part.status, part.delivered_kwh) == ("missing_readings", 0)
    assert Performance.objects.get(run=run, award=award).delivered_kwh == Decimal("400")


def test_a_sale_at_a_negative_price_costs_the_platform_not_the_owners():
    portfolio, _, _ = sold_evening(price=-30.0)
    run = settle(portfolio)
    assert run.revenue == Decimal("-12.00")
    assert run.payouts == 0
    assert run.margin == Decimal("-12.00")
    assert queries.trial_balance() == {"EUR": 0}


def test_an_owner_without_a_contract_is_paid_nothing_and_named():
    device = make_device(max_production_kw=400.0)
    portfolio = make_portfolio(devices=[device])
    make_award(portfolio, up=dict.fromkeys(EVENING, 100.0))
    make_plan(portfolio, {device: {72: -100.0}})
    meter(device, SUMMER, at_intervals(dict.fromkeys(EVENING, -100.0)))
    run = settle(portfolio)
    assert run.payouts == 0
    assert run.findings == [{"finding": "owner_without_contract", "owners": [device.site.owner_id]}]


def test_reserve_pays_capacity_by_performance_and_activated_energy():
    devices = two_owners()
    portfolio = make_portfolio(devices=devices)
    reserve = make_award(portfolio, kind="RESERVE_UP", up=dict.fromkeys(EVENING, 400.0), price=10.0)
    energy = make_award(portfolio, up={0: 1.0}, price=40.0)
    make_plan(portfolio, {device: {72: -10.0} for device in devices})
    delivery = DeliveryDay(SUMMER, "Europe/Berlin")
    activate(reserve, delivery.starts()[73], 0.5)
    make_price(energy.bid.product, delivery.starts()[72], 80.0, known_at=delivery.start)
    for device in devices:
        meter(device, SUMMER, at_intervals({73: -75.0}))
    run = settle(portfolio)
    performance = Performance.objects.get(run=run, award=reserve)
    # 0.4 MW x 1 h x 10 = 4.00; called 200 kW, delivered 150: factor 0.75; 37.5 kWh at 80 = 3.00
    assert performance.components == {
        "availability": "4.00",
        "performance_adjustment": "-1.00",
        "activated_energy": "3.00",
    }
    assert performance.share == pytest.approx(0.75)


def test_day_matching_settles_flexible_load_at_portfolio_level_with_its_explanation():
    owner = make_participant()
    make_contract(owner, owner_share_pu="0.5")
    pumps = [make_device(kind=Device.Kind.HEAT_PUMP, site=make_site(owner=owner)) for _ in range(3)]
    portfolio = make_portfolio(devices=pumps)
    for back in range(1, 20):
        for pump in pumps:
            meter(pump, SUMMER - timedelta(days=back), 4.0)
    award = make_award(portfolio, up=dict.fromkeys(EVENING, 9.0), price=100.0)
    make_plan(portfolio, {pump: {72: 1.0} for pump in pumps}, baselines=dict.fromkeys(pumps, 4.0))
    for pump in pumps:
        meter(pump, SUMMER, at_intervals(dict.fromkeys(EVENING, 1.0), elsewhere=4.0))
    run = settle(portfolio)
    performance = Performance.objects.get(run=run, award=award)
    assert performance.share == pytest.approx(1.0)
    assert performance.baseline_kw[72] == pytest.approx(12.0)
    assert performance.baseline_kw[0] is None
    (explanation,) = performance.explanation["baselines"]
    assert (explanation["rule"], explanation["devices"], explanation["status"]) == ("CAISO_10_IN_10", 3, "ok")
    assert len(explanation["selected_days"]) == 10
    assert explanation["adjustment"]["status"] == "applied"


def test_a_new_asset_without_history_is_insufficient_and_pays_nothing():
    pump = make_device(kind=Device.Kind.HEAT_PUMP)
    make_contract(pump.site.owner)
    portfolio = make_portfolio(devices=[pump])
    make_award(portfolio, up=dict.fromkeys(EVENING, 3.0))
    make_plan(portfolio, {pump: {72: 1.0}}, baselines={pump: 4.0})
    meter(pump, SUMMER, 1.0)
    run = settle(portfolio)
    assert run.revenue == 0
    assert {"finding": "insufficient", "devices": [pump.code]} in run.findings
    assert any(finding["finding"] == "insufficient_baseline" for finding in run.findings)


def test_generation_is_settled_against_what_was_nominated_before_the_day():
    pv = make_device(kind=Device.Kind.PV, max_consumption_kw=0.0, max_production_kw=10.0, controllable=True)
    make_contract(pv.site.owner)
    portfolio = make_portfolio(devices=[pv])
    award = make_award(portfolio, down={50: 6.0}, price=-20.0)
    make_plan(portfolio, {pv: {50: -2.0}}, baselines={pv: -8.0})
    meter(pv, SUMMER, at_intervals({50: -2.0}, elsewhere=-8.0))
    run = settle(portfolio)
    performance = Performance.objects.get(run=run, award=award)
    assert performance.share == pytest.approx(1.0)
    assert performance.revenue == Decimal("0.03")  # bought 1.5 kWh at -20 EUR/MWh


@pytest.mark.parametrize(("day", "size"), [(date(2016, 3, 27), 92), (date(2016, 10, 30), 100)])
def test_clock_change_days_are_settled_whole(day, size):
    devices = two_owners()
    portfolio = make_portfolio(devices=devices)
    make_award(portfolio, up=dict.fromkeys(range(size), 100.0), day=day)
    make_plan(portfolio, {device: {8: -10.0} for device in devices}, day=day)
    for device in devices:
        meter(device, day, -50.0)
    run = settle(portfolio, day=day)
    performance = Performance.objects.get(run=run)
    assert len(performance.delivered_kw) == size
    assert performance.delivered_kwh == Decimal(size) * 25
    assert run.revenue == Decimal(size) * 1  # 25 kWh x 40 EUR/MWh an interval
    assert operations.verify_run(run) == run.checksum


def test_a_rerun_keeps_its_rules_when_younger_ones_come_into_force():
    portfolio, _, devices = sold_evening()
    run = settle(portfolio)
    DeviceMethod.objects.create(kind="BATTERY", valid_from=date(2016, 1, 1), profile_name="CAISO_10_IN_10")
    PaymentRule.objects.create(product_kind="ENERGY", valid_from=date(2016, 1, 1), imbalance_spread_pu="0.9")
    Holiday.objects.create(zone_code="DE", date=SUMMER - timedelta(days=1), name="new")
    assert operations.verify_run(run) == run.checksum
    second = operations.restate_day(portfolio_id=portfolio.pk, delivery_date=SUMMER, at=after(SUMMER))
    assert second.revenue == run.revenue
    parts = DevicePerformance.objects.filter(run=second, device__in=devices)
    assert {part.profile.name for part in parts} == {"SCHEDULE_IDLE"}


def test_what_became_known_later_is_not_part_of_the_rerun():
    portfolio, _, _ = sold_evening()
    run = settle(portfolio)
    make_award(portfolio, up={10: 5.0}, awarded_at=after(SUMMER) + timedelta(hours=1))
    assert operations.verify_run(run) == run.checksum


def test_the_daily_job_queues_every_portfolio_of_the_day_before():
    from vpp.jobs import operations as jobs
    from vpp.jobs.handlers import SCHEDULES
    from vpp.lib import clock

    portfolio, _, _ = sold_evening()
    make_portfolio()
    clock.set_simulated(after(SUMMER))
    schedule = SCHEDULES["settlement.close_day"]
    payload = schedule.payload((SUMMER + timedelta(days=1)).isoformat())
    jobs.enqueue(kind=schedule.kind, natural_key="close:x", payload=payload, at=after(SUMMER))
    jobs.run_pending()
    assert SettlementRun.objects.filter(delivery_date=SUMMER).count() == 2  # the day before: nothing was sold
    assert SettlementRun.objects.get(portfolio=portfolio, delivery_date=SUMMER).revenue == Decimal("16.00")


def test_the_job_settles_once():
    from vpp.jobs import operations as jobs
    from vpp.jobs.models import Job
    from vpp.lib import clock

    portfolio, _, _ = sold_evening()
    clock.set_simulated(after(SUMMER))
    payload = {"portfolio_id": portfolio.pk, "delivery_date": SUMMER.isoformat(), "version": 1}
    for _ in range(2):
        jobs.enqueue(kind="settlement.settle_day", natural_key="settle:x", payload=payload, at=after(SUMMER))
        jobs.run_pending()
    job = Job.objects.get(natural_key="settle:x")
    assert (job.state, SettlementRun.objects.count()) == (Job.State.DONE, 1)


@pytest.mark.django_db(transaction=True)
def test_while_a_day_is_settled_the_control_cycle_writes_on(monkeypatch):
    portfolio, start = make_portfolio(), after(SUMMER)
    written: list[ControlCycle] = []

    class Stop(Exception):
        pass

    def cycle() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
        powers = dict.fromkeys(("committed_up_kw", "placed_up_kw", "residual_up_kw"), 0.0)
        fields = powers | {"interval_start": start, "revision": 0, "at": start, "written": 0, "unavailable": 0}
        written.append(ControlCycle.objects.create(portfolio=portfolio, **fields))
        connection.close()

    def meanwhile(**inputs):
        thread = threading.Thread(target=cycle)
        thread.start()
        thread.join(10)
        raise Stop

    monkeypatch.setattr(settling, "day_inputs", meanwhile)
    with pytest.raises(Stop):
        settle(portfolio)
    assert len(written) == 1
