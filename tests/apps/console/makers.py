"""A delivery day as the other rooms leave it: run, forecast, bids, awards, plan, setpoints, readings, settlement."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.db import connection
from django.test import Client

from bidding.models import Ask, AskEvent, Award, Bid, BidEvent, Market, NightlyRun, NightlyStep, Product
from bidding.operations.replay_reports import KIND as REPLAY
from forecasting.models import Forecast, ForecastRun
from telemetry import operations as telemetry
from telemetry.kernels.batch import batch_of, index_codes
from tests.factories import (
    ALWAYS,
    ZONE,
    make_congestion_point,
    make_contract,
    make_device,
    make_feeder,
    make_participant,
    make_portfolio,
    make_site,
)
from vpp.accounts.models import Participant, User
from vpp.accounts.operations import audit
from vpp.dispatch.models import DeviceStatus, Plan, PlanDevice, Setpoint, Shortfall
from vpp.enrollment.bulk_changes import KIND as CHANGE_DEVICES
from vpp.enrollment.models import Device, Portfolio
from vpp.jobs.models import Job
from vpp.lib.periods import DeliveryDay
from vpp.network.models import Feeder
from vpp.settlement.models import Payout, Performance, SettlementRun
from vpp.settlement.operations import settle_day

SUMMER = date(2016, 7, 14)
KINDS = {"BATTERY": 6, "HEAT_PUMP": 4, "PV": 2, "EV_CHARGER": 2}
EVENING = range(18 * 4, 20 * 4)


@dataclass
class World:
    """What a test needs to hold on to."""

    day: DeliveryDay
    portfolio: Portfolio
    devices: list[Device]
    utility: Participant
    ask: Ask
    after: datetime  # a moment after the day was settled
    run: SettlementRun | None = None


def make_user(name: str, kind: str | None, *, participant: Participant | None = None, admin: bool = False) -> User:
    """A user of a participant of this kind (None: of nobody)."""
    if participant is None and kind is not None:
        participant = make_participant(kind=kind)
    return User.objects.create(username=name, participant=participant, is_staff=admin, is_superuser=admin)


def client_for(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def make_markets() -> tuple[Market, Market]:
    fields = {"zone_code": "DE", "time_zone": ZONE, "mtu_minutes": 60, "gate_local_time": "12:00"}
    wholesale, _ = Market.objects.get_or_create(
        code="DE-DA", defaults={"name": "Day-ahead DE", "kind": Market.Kind.WHOLESALE, **fields}
    )
    local, _ = Market.objects.get_or_create(
        code="DSO", defaults={"name": "Distribution DE", "kind": Market.Kind.DISTRIBUTION, **fields}
    )
    return wholesale, local


def make_product(market: Market, kind: str, name: str) -> Product:
    fields = {"min_quantity_kw": 1, "lot_kw": 1, "tick": "0.01", "price_floor": -500, "price_cap": 4000}
    product, _ = Product.objects.get_or_create(
        market=market, code=kind, defaults={"name": name, "kind": kind, "block_minutes": 60, "period": ALWAYS, **fields}
    )
    return product


def make_day(delivery_date: date = SUMMER, *, code: str = "PF-LV5.220", settle: bool = True, ask: bool = True) -> World:
    """One portfolio with a full delivery day; the arrays have as many quarter hours as the day."""
    day = DeliveryDay(delivery_date, ZONE)
    utility = make_participant(kind=Participant.Kind.UTILITY)
    feeder_code = f"{code}-feeder"
    feeder = make_feeder(utility=utility, code=feeder_code)
    devices = _devices(feeder_code)
    portfolio = make_portfolio(devices=devices, code=code, feeder_code=feeder_code, name="feeder LV5.220")
    wanted = _ask(utility, feeder, day)
    nightly, forecast = _runs(portfolio, day)
    awards = _awards(portfolio, day, wanted if ask else None, nightly, forecast)
    plan = _plan(portfolio, devices, day, awards, forecast)
    _delivery(portfolio, devices, day, plan)
    world = World(day, portfolio, devices, utility, wanted, day.end + timedelta(hours=3))
    make_reports(devices[0], world.after)
    if settle:
        world.run = settle_day(portfolio_id=portfolio.pk, delivery_date=day.date, at=world.after)
    return world


def _devices(feeder_code: str) -> list[Device]:
    owners = [make_participant(code=f"{feeder_code}-owner-{number}") for number in (1, 2)]
    for owner in owners:
        make_contract(owner)
    devices = []
    for kind, count in KINDS.items():
        for number in range(count):
            site = make_site(owner=owners[number % 2], feeder_code=feeder_code)
            fields = {"max_consumption_kw": 0.0, "max_production_kw": 60.0} if kind == "PV" else {}
            if kind == "BATTERY":
                fields = {"max_consumption_kw": 50.0, "max_production_kw": 50.0, "energy_capacity_kwh": 150.0}
            devices.append(
                make_device(kind=kind, site=site, controllable=True, code=f"{feeder_code}-{kind}-{number}", **fields)
            )
    return devices


def _ask(utility: Participant, feeder: Feeder, day: DeliveryDay) -> Ask:
    point = make_congestion_point(feeder, limit_kw=250.0)
    asked_at = day.start - timedelta(hours=15)
    quantity = [120.0 if index in EVENING else 0.0 for index in range(day.n_intervals)]
    ask = Ask.objects.create(
        reference=f"ASK-{day.date}-{feeder.code}", utility=utility, congestion_point=point, direction="UP",
        delivery_date=day.date, time_zone=ZONE, interval_minutes=15, quantity_kw=quantity, ceiling_price_per_mwh=250.0,
        gate_at=asked_at + timedelta(hours=3), expires_at=asked_at + timedelta(hours=6), state=Ask.State.COMMITTED,
        created_at=asked_at,
    )  # fmt: skip
    for state, hours in ((Ask.State.ASKED, 0), (Ask.State.BID, 1), (Ask.State.COMMITTED, 2)):
        AskEvent.objects.create(ask=ask, at=asked_at + timedelta(hours=hours), state=state)
    audit(at=asked_at, actor="client:dso/planning", action="ask.asked", subject=ask)
    return ask


def _runs(portfolio: Portfolio, day: DeliveryDay) -> tuple[NightlyRun, ForecastRun]:
    started = day.start - timedelta(hours=14, minutes=30)
    nightly, made = NightlyRun.objects.get_or_create(
        natural_key=f"nightly:DE:{day.date}",
        defaults={
            "zone_code": "DE", "delivery_date": day.date, "state": NightlyRun.State.DEGRADED, "data_as_of": started,
            "gate_at": day.start - timedelta(hours=12), "started_at": started,
            "finished_at": started + timedelta(seconds=41),
        },
    )  # fmt: skip
    if made:
        for number, (name, seconds) in enumerate(
            (("data", 0.4), ("forecast", 22.1), ("optimise", 15.0), ("check", 0.9), ("submit", 0.6))
        ):
            at = started + timedelta(seconds=8 * number)
            state = "DEGRADED" if name == "optimise" else "DONE"
            NightlyStep.objects.create(
                run=nightly, name=name, state=state, started_at=at, finished_at=at, duration_s=seconds
            )
    run = ForecastRun.objects.create(
        natural_key=f"forecast:{day.date}:{portfolio.code}", portfolio=portfolio, zone_code="DE", time_zone=ZONE,
        delivery_date=day.date, issue_time=started, data_as_of=started, history_start=started - timedelta(days=40),
        seed=1, state=ForecastRun.State.OK, duration_s=22.1,
    )  # fmt: skip
    mean = baseline_kw(day)
    levels = [0.05, 0.25, 0.5, 0.75, 0.95]
    spread = np.outer(4.0 + 0.08 * np.abs(mean), [-1.6, -0.7, 0.0, 0.7, 1.6])
    Forecast.objects.create(
        run=run, scope=Forecast.Scope.PORTFOLIO, portfolio=portfolio, rung="full", mean_kw=mean, levels=levels,
        quantiles_kw=(mean[:, None] + spread).ravel(), available_at=started,
    )  # fmt: skip
    return nightly, run


def shares_kw(day: DeliveryDay) -> tuple[np.ndarray, np.ndarray]:
    """(H,) consumption of heat pumps and cars, peaks in the morning and evening; (H,) production of the sun."""
    hours = np.arange(day.n_intervals) / 4.0
    sun = 100.0 * np.clip(np.sin((hours - 6.0) / 14.0 * np.pi), 0.0, None)
    return 35.0 + 18.0 * np.cos((hours - 19.0) / 24.0 * 4.0 * np.pi), sun


def baseline_kw(day: DeliveryDay) -> np.ndarray:
    """(H,) sum over the devices."""
    consumption, sun = shares_kw(day)
    return consumption - sun


def own_kw(device: Device, day: DeliveryDay) -> np.ndarray:
    """(H,) what a device does undispatched."""
    consumption, sun = shares_kw(day)
    if device.kind == Device.Kind.BATTERY:
        return np.zeros(day.n_intervals)
    return -sun / KINDS["PV"] if device.kind == Device.Kind.PV else consumption / 6.0


def _awards(
    portfolio: Portfolio, day: DeliveryDay, ask: Ask | None, nightly: NightlyRun, forecast: ForecastRun
) -> list[Award]:
    wholesale, local = make_markets()
    sizes: list[tuple[Product, Ask | None, dict[int, float], float]] = [
        (make_product(wholesale, "ENERGY", "Day-ahead energy"), None, {**dict.fromkeys(range(48, 56), -60.0)}, 31.5),
        (make_product(wholesale, "RESERVE_UP", "Reserve up"), None, dict.fromkeys(range(24, 40), 40.0), 9.2),
    ]
    if ask is not None:
        sizes.append((make_product(local, "ASK", "Flexibility on ask"), ask, dict.fromkeys(EVENING, 110.0), 210.0))
    awards = []
    for product, answered, moves, price in sizes:
        signed = np.array([moves.get(index, 0.0) for index in range(day.n_intervals)])
        sent = day.start - timedelta(hours=14)
        bid = Bid.objects.create(
            natural_key=f"{portfolio.code}:{product.code}:{day.date}:v1", portfolio=portfolio, product=product,
            ask=answered, delivery_date=day.date, state=Bid.State.CLEARED, up_kw=list(np.maximum(signed, 0.0)),
            down_kw=list(np.maximum(-signed, 0.0)), price_per_mwh=[price] * day.n_intervals, gap=0.004,
            nightly_run=nightly, forecast_run=forecast, created_at=sent, submitted_at=sent,
        )  # fmt: skip
        for state, minutes in (("CHECKED", 0), ("SUBMITTED", 1), ("CLEARED", 90)):
            at = sent + timedelta(minutes=minutes)
            BidEvent.objects.create(bid=bid, at=at, state=state)
            audit(at=at, actor="service", action=f"bid.{state.lower()}", subject=bid)
        awards.append(
            Award.objects.create(
                bid=bid, up_kw=bid.up_kw, down_kw=bid.down_kw, price_per_mwh=bid.price_per_mwh,
                source_reference=f"award:{bid.natural_key}", awarded_at=sent + timedelta(hours=2),
            )
        )  # fmt: skip
    return awards


def _plan(
    portfolio: Portfolio, devices: list[Device], day: DeliveryDay, awards: list[Award], forecast: ForecastRun
) -> Plan:
    """The batteries carry the whole commitment, the other devices follow their baseline."""
    net = np.zeros(day.n_intervals)
    for award in awards:
        if award.bid.product.kind != Product.Kind.RESERVE_UP:
            net += np.asarray(award.up_kw) - np.asarray(award.down_kw)
    baseline, zeros = baseline_kw(day), [0.0] * day.n_intervals
    plan = Plan.objects.create(
        portfolio=portfolio, delivery_date=day.date, forecast_run_id=forecast.pk, award_ids=[a.pk for a in awards],
        baseline_kw=list(baseline), committed_up_kw=list(net), target_kw=list(baseline - net), residual_kw=zeros,
        least_stored_kwh=zeros, most_stored_kwh=zeros, state=Plan.State.OK, created_at=day.start - timedelta(hours=2),
    )  # fmt: skip
    batteries = [device for device in devices if device.kind == Device.Kind.BATTERY]
    for device in devices:
        own = own_kw(device, day)
        move = net / len(batteries) if device in batteries else np.zeros(day.n_intervals)
        PlanDevice.objects.create(plan=plan, device=device, baseline_kw=list(own), target_kw=list(own - move))
    return plan


def _delivery(portfolio: Portfolio, devices: list[Device], day: DeliveryDay, plan: Plan) -> None:
    """Setpoints of the evening, two devices that went astray, and the readings of all."""
    noise = np.random.default_rng(7)
    lost, deaf = devices[0], devices[7]
    starts = day.starts()
    DeviceStatus.objects.create(device=deaf, state="DISOBEYED", since=starts[40], failures=3)
    DeviceStatus.objects.create(device=lost, state="SILENT", since=starts[70], retry_at=starts[90], failures=1)
    for device in devices[1:5]:
        DeviceStatus.objects.create(device=device, state="ONLINE", since=starts[0])
    rows, powers = [], {}
    for part in plan.devices.select_related("device"):
        target = np.asarray(part.target_kw)
        power = np.where(target == 0.0, 0.0, target * (1.0 + noise.normal(0.0, 0.03, day.n_intervals)))
        if part.device == lost:
            power[70:90] = np.nan
        powers[part.device.code] = power
        if part.device.kind == Device.Kind.BATTERY:
            rows += [_setpoint(part.device, portfolio, day, index, float(target[index])) for index in EVENING]
    _meter(powers, day)
    Setpoint.objects.bulk_create(rows)
    Shortfall.objects.create(
        portfolio=portfolio, plan=plan, device=lost, interval_start=starts[73], limit="POWER", shortfall_kw=18.3,
        reason="device silent",
    )  # fmt: skip


def _setpoint(device: Device, portfolio: Portfolio, day: DeliveryDay, index: int, target_kw: float) -> Setpoint:
    start = day.starts()[index]
    return Setpoint(
        device=device, portfolio=portfolio, interval_start=start, target_kw=target_kw, baseline_kw=0.0,
        issued_at=start, expires_at=start + timedelta(hours=1), state="FOLLOWED" if index % 8 else "MISSED",
    )  # fmt: skip


def _meter(powers: dict[str, np.ndarray], day: DeliveryDay) -> None:
    """Readings of devices by code, (H,) kW each, NaN where a device said nothing; one batch."""
    starts = day.starts64().astype("datetime64[us]").astype(np.int64)
    known = {code: ~np.isnan(power) for code, power in powers.items()}
    codes, index = index_codes([code for code in powers for _ in range(int(known[code].sum()))])
    batch = batch_of(
        codes=codes,
        device=index,
        time_us=np.concatenate([starts[known[code]] for code in powers]),
        power_kw=np.concatenate([powers[code][known[code]] for code in powers]),
    )
    answer = telemetry.ingest(batch, at=day.end, principal=None, max_age_days=None)
    assert not answer.refused, answer.refused


def make_dead_job(at: datetime) -> Job:
    return Job.objects.create(
        kind="forecasting.run", natural_key="forecast:broken", state=Job.State.DEAD, created_at=at, run_after=at,
        attempts=5, error="ValueError: no history",
    )  # fmt: skip


def day_url(world: World) -> str:
    return f"/day/{world.portfolio.code}/{world.day.date}/"


def page(client: Client, url: str, status: int = 200) -> str:
    response = client.get(url, follow=True)
    assert response.status_code == status, f"{url}: {response.status_code}"
    return response.content.decode()


#: Pages of jobs, and the kind of job they show.
REPORTS = {"bids/replays": REPLAY, "fleet/changes": CHANGE_DEVICES}


def make_reports(device: Device, at: datetime) -> None:
    """A replay of two days and a change that one device refused, both done."""
    day = {"perfect": 200.0, "bid": 150.0, "persistence": 120.0, "forecast_tau": 0.5, "persistence_tau": None}
    battery = {"power_kw": 1000.0, "energy_kwh": 2000.0, "wear_per_mwh": 2.0}
    span = {"first": "2016-07-12", "last": "2016-07-13"}
    told = {
        REPLAY: (
            {"source": "Day-ahead energy", "product_id": None, "battery": battery, **span},
            {"days": [{"day": when, **day} for when in span.values()]},
        ),
        CHANGE_DEVICES: (
            {"key": f"change:{device.code}", "change": "suspend", "device_ids": [device.pk], "actor": "user:ada",
             "reason": "storm"},
            {"seen": 1, "changed": 0, "refused": [[device.code, "already_suspended"]]},
        ),
    }  # fmt: skip
    for kind, (payload, result) in told.items():
        Job.objects.create(
            kind=kind, natural_key=f"{kind}:{device.code}", payload=payload, result=result, state=Job.State.DONE,
            created_at=at, run_after=at, finished_at=at,
        )  # fmt: skip


def every_page(world: World) -> list[str]:
    """An address of each of staff's pages."""
    payout, performance = Payout.objects.earliest("pk"), Performance.objects.earliest("pk")
    return [
        "/", day_url(world), "/bids/", f"/bids/{world.portfolio.code}/{world.day.date}/", "/asks/",
        f"/asks/{world.ask.reference}/", "/grid/", f"/grid/{world.portfolio.feeder_code}/", "/reports/", "/fleet/",
        f"/fleet/device/{world.devices[1].code}/", f"/fleet/change/suspend/?device={world.devices[1].code}",
        "/payouts/", f"/payouts/{payout.pk}/", "/settlement/", f"/settlement/{performance.run_id}/",
        f"/settlement/awards/{performance.pk}/", "/ledger/", "/system/", "/system/audit/",
        "/enrollment/", "/enrollment/new/", f"/enrollment/sites/{world.devices[1].site.code}/", "/enrollment/import/",
        "/enrollment/eligibility/", "/settlement/review/", "/settlement/certifications/", "/disputes/", "/statements/",
        "/forecasts/", "/alarms/", "/bids/what-if/", "/bids/replays/", "/fleet/feeders/",
        f"/fleet/feeders/{world.portfolio.feeder_code}/", "/fleet/changes/",
        *(f"/{where}/{Job.objects.filter(kind=kind).earliest('pk').pk}/" for where, kind in REPORTS.items()),
    ]  # fmt: skip


def questions_of(client, url: str) -> list[str]:
    asked: list[str] = []

    def count(execute, sql, params, many, context):
        asked.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        assert client.get(url).status_code == 200
    return asked


def chart_of(body: str, name: str) -> dict:
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', body, re.DOTALL)
    assert found, f"no chart {name}"
    return json.loads(found.group(1))
