"""Stages of the day before: enrolment, readings, prices, forecast, asks, bids and awards."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

import numpy as np

from bidding.actors import enqueue_nightly
from forecasting.actors import enqueue_forecast
from vpp.lib import clock
from vpp.lib.periods import DeliveryDay, as_datetime64
from vpp.network.kernels.document import NetworkDocument
from vpp.simulation.client import HttpRefused
from vpp.simulation.demo import operator as operators
from vpp.simulation.demo.play import Advance, Play
from vpp.simulation.demo.scenario import ZONE_CODE
from vpp.simulation.demo.service import UTILITY, DemoFailed, run_command
from vpp.simulation.demo.world import World
from vpp.simulation.grids.utility_flow import load_network
from vpp.simulation.market_runner import MarketRunner
from vpp.simulation.price_files import BadPriceFile, PriceSeries
from vpp.simulation.utility_runner import Congestion, UtilityRunner

CEILING_EUR_PER_MWH = 400.0
RESERVE_EUR_PER_MW_H = 5.0
ASK_PARTICIPATION_PU = 0.4  # of the feeder's flexible power: a utility asks for what its feeder can be hoped to give
MARKETS_FILE = Path("bidding/data/demo_markets.json")
PRICE_HISTORY_DAYS = 14


def enroll(play: Play, advance: Advance) -> None:
    """Network, markets and the whole portfolio come in through the service's own imports."""
    folder = play.world.folder
    clock.set_simulated(play.scenario.the_day_before_at(8))
    run_command("import_network", str(folder / "network.json"), "--utility", UTILITY)
    run_command("import_markets", str(Path(__file__).resolve().parents[3] / MARKETS_FILE))
    run_command("import_sites", str(folder))


def load_history(play: Play, advance: Advance) -> None:
    """Weeks of readings until the morning of the day before, as a meter operator would hand them over."""
    _import_readings(play, play.scenario.history_start, play.scenario.the_day_before_at(9))


def publish_past_prices(play: Play, advance: Advance) -> None:
    clock.set_simulated(play.scenario.the_day_before_at(9))
    with play.service.client("market") as client:
        market = MarketRunner(client)
        for back in range(PRICE_HISTORY_DAYS, 0, -1):
            day = play.day.shifted(-back)
            market.publish_prices(day, _prices_of(play, day))
            for kind in ("RESERVE_UP", "RESERVE_DOWN"):
                market.publish_prices(day, _reserve_prices(day), kind=kind)
            advance(PRICE_HISTORY_DAYS - back + 1, PRICE_HISTORY_DAYS)


def forecast(play: Play, advance: Advance) -> None:
    at = play.scenario.the_day_before_at(9, 15)
    clock.set_simulated(at)
    result = play.service.run_job(
        lambda: enqueue_forecast(zone_code=ZONE_CODE, delivery_date=play.scenario.delivery_date, at=at)
    )
    play.facts["forecast_runs"] = result.get("runs")


def ask(play: Play, advance: Advance) -> None:
    """The utility studies its low-voltage feeders on the forecast and asks for relief at the worst one."""
    clock.set_simulated(play.scenario.the_day_before_at(9, 45))
    with play.service.client("utility") as client:
        utility = UtilityRunner(client, _network(play))
        congestion = utility.find_congestion(
            low_voltage_feeders(play.world), play.scenario.delivery_date, most_kw=_most_to_ask_kw(play.world)
        )
        try:
            utility.ask(
                congestion,
                play.scenario.delivery_date,
                reference=play.ask_reference,
                ceiling_price_per_mwh=CEILING_EUR_PER_MWH,
                gate_at=play.scenario.the_day_before_at(11),
                expires_at=play.scenario.the_day_before_at(14),
            )
        except HttpRefused as refused:
            if refused.code != "duplicate_reference":
                raise
            play.notes.append("the ask of an earlier demo, made with other figures, stands")
    play.congestion = congestion
    play.notes.append(f"ask {play.ask_reference}: {congestion}")
    _ask_over_uftp(play, congestion)


def _ask_over_uftp(play: Play, congestion: Congestion) -> None:
    """A second ask, from a grid operator's own process, at another feeder where there is one."""
    able_kw = play.world.controllable_kw_by_feeder()
    feeders = [code for code in low_voltage_feeders(play.world) if able_kw.get(code, 0.0) > 0]
    feeder = max(feeders or [congestion.feeder], key=lambda code: (code != congestion.feeder, able_kw.get(code, 0.0)))
    with play.service.client("utility") as client:
        points = client.get_all("/api/v1/congestion-points")
    code = next(point["code"] for point in points if point["feeder"] == feeder)
    power_kw = max(round(operators.SHARE_PU * able_kw.get(feeder, 0.0)), 1.0)
    at = play.scenario.the_day_before_at(9, 45)
    asked_before = _asked_before(play)
    try:
        play.operator = operators.start_operator(play.service.url)
    except DemoFailed as failed:
        play.notes.append(f"no ask over UFTP: {failed}")
        return
    play.operator.send(operators.flex_request(play.day, code, power_kw, at, expiry=play.scenario.the_day_before_at(11)))
    play.operator.wait("sent" if asked_before else "FlexRequestResponse")
    play.notes.append(f"FlexRequest {operators.message_id(play.day)}: {power_kw:.0f} kW less at {feeder} from 6 to 7")


def _asked_before(play: Play) -> bool:
    with play.service.client("utility") as client:
        return bool(client.get_all("/api/v1/asks", {"reference": operators.message_id(play.day)}))


def bid(play: Play, advance: Advance) -> None:
    """The nightly job: one optimisation per portfolio over energy, reserve and the open asks."""
    at = play.scenario.the_day_before_at(10, 30)
    clock.set_simulated(at)
    play.facts["nightly"] = play.service.run_job(
        lambda: enqueue_nightly(zone_code=ZONE_CODE, delivery_date=play.scenario.delivery_date, at=at)
    )


def award(play: Play, advance: Advance) -> None:
    """The utility accepts our answer to its ask; the market clears at noon."""
    clock.set_simulated(play.scenario.the_day_before_at(11, 30))
    with play.service.client("utility") as client:
        commits = UtilityRunner(client, _network(play)).accept_bids(play.ask_reference)
        if play.operator is not None:
            how = operators.ordered(client, play.operator, play.day)
            play.operator.stop()
            play.notes.append(f"FlexRequest {operators.message_id(play.day)}: {how}")
    if not commits:
        raise DemoFailed(f"no bid was made on ask {play.ask_reference}, so there is nothing to commit")
    clock.set_simulated(play.scenario.the_day_before_at(12, 30))
    with play.service.client("market") as client:
        MarketRunner(client).clear_day(
            play.scenario.delivery_date, play.prices, reserve_price=RESERVE_EUR_PER_MW_H, seed=play.scenario.seed
        )


def load_rest_of_day_before(play: Play, advance: Advance) -> None:
    _import_readings(play, play.scenario.the_day_before_at(9), play.day.start)


def low_voltage_feeders(world: World) -> list[str]:
    """Feeders that a portfolio of their own can help; a utility asks where it may hope for an answer."""
    return sorted({row["feeder"] for row in world.table("portfolios") if row["feeder"]})


def _prices_of(play: Play, day: DeliveryDay) -> PriceSeries:
    """The scenario's prices; for days before a price file begins, the modelled ones, labelled so."""
    try:
        play.prices.at(day.starts64())
    except BadPriceFile:
        return play.world.modelled_prices()
    return play.prices


def _reserve_prices(day: DeliveryDay) -> PriceSeries:
    """What reserve capacity earned before: a modelled level, EUR/MW/h."""
    starts64 = day.starts64()
    return PriceSeries(starts64, np.full(starts64.size, RESERVE_EUR_PER_MW_H), "modelled reserve price")


def _import_readings(play: Play, start: datetime, end: datetime) -> None:
    clock.set_simulated(end)
    with tempfile.TemporaryDirectory(prefix="vpp-demo-") as folder:
        path = Path(folder) / f"readings-{as_datetime64(end)}.npz"
        play.facts["history_readings"] = play.facts.get("history_readings", 0) + play.world.write_history(
            path, start, end
        )
        run_command("import_readings", str(path), "--quiet")


def _network(play: Play) -> NetworkDocument:
    return load_network(play.world.folder / "network.json")


def _most_to_ask_kw(world: World) -> float:
    """A share of the smallest feeder portfolio's controllable power."""
    flexible_kw = world.controllable_kw_by_feeder()
    return ASK_PARTICIPATION_PU * min(flexible_kw[feeder] for feeder in low_voltage_feeders(world))
