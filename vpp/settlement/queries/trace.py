"""The chain of one payout, back to the readings it came from. Every step names its row."""

from __future__ import annotations

from typing import Any

from bidding.models import Award, Bid
from telemetry.queries import ReadingKey, traced_readings
from vpp.accounts.models import Principal
from vpp.dispatch.models import Plan, Setpoint
from vpp.enrollment.ownership import sites_owned
from vpp.lib.errors import NotFound
from vpp.lib.periods import DeliveryDay
from vpp.settlement.models import DevicePerformance, Payout, SettlementRun

KEYS_SHOWN = 100  # devices of an owner whose reading keys are listed; all have their checksum


def trace_payout(principal: Principal, payout_id: int) -> dict[str, Any]:
    """Payout, journal, performance, award, bid, ask or product, nightly run, forecast run, plan, setpoints, readings.

    Raises NotFound for a payout the caller may not see.
    """
    payout = (
        Payout.objects.visible_to(principal)
        .select_related("owner", "contract", "journal", "run__portfolio", "performance__award__bid__product__market")
        .select_related("performance__award__bid__ask__congestion_point", "performance__award__bid__nightly_run")
        .filter(pk=payout_id)
        .first()
    )
    if payout is None:
        raise NotFound(f"there is no payout {payout_id}, or it is not yours", payout=payout_id)
    award = payout.performance.award
    chain = {
        "payout": _payout(payout),
        "journal": _journal(payout),
        "settlement_run": _run(payout),
        "performance": _performance(payout),
        "award": _award(award),
        "bid": _bid(award.bid),
        "product": {"market": award.bid.product.market.code, "code": award.bid.product.code},
        "ask": _ask(award.bid),
        "nightly_run": _nightly_run(award.bid),
        "forecast_run": _forecast_run(award.bid),
    }
    return {**chain, **_deliveries(payout, award)}


def _payout(payout: Payout) -> dict[str, Any]:
    return {
        "id": payout.pk,
        "owner": payout.owner.code,
        "contract": payout.contract.code if payout.contract else None,
        "gross": str(payout.gross),
        "fee": str(payout.fee),
        "total": str(payout.total),
        "amount": str(payout.amount),
        "currency": payout.currency,
    }


def _journal(payout: Payout) -> dict[str, Any] | None:
    """The journal with the owner's own line; other owners' lines are theirs."""
    if payout.journal is None:
        return None
    lines = payout.journal.lines.filter(account__participant=payout.owner).select_related("account")
    return {
        "id": payout.journal.pk,
        "natural_key": payout.journal.natural_key,
        "booked_at": payout.journal.booked_at.isoformat(),
        "line_count": payout.journal.line_count,
        "lines": [
            {"number": line.number, "account": line.account.code, "amount": str(line.amount), "currency": line.currency}
            for line in lines
        ],
    }


def _run(payout: Payout) -> dict[str, Any]:
    run = payout.run
    return {
        "id": run.pk,
        "portfolio": run.portfolio.code,
        "delivery_date": run.delivery_date.isoformat(),
        "version": run.version,
        "as_of": run.as_of.isoformat(),
        "state": run.state,
        "rules": run.rules,
        "checksum": run.checksum,
    }


def _performance(payout: Payout) -> dict[str, Any]:
    performance = payout.performance
    return {
        "id": performance.pk,
        "product_kind": performance.product_kind,
        "committed_kwh": str(performance.committed_kwh),
        "delivered_kwh": str(performance.delivered_kwh),
        "share": performance.share,
        "raw_share": performance.raw_share,
        "revenue": str(performance.revenue),
        "penalty": str(performance.penalty),
        "components": performance.components,
        "explanation": performance.explanation,
    }


def _award(award: Award) -> dict[str, Any]:
    before = award.corrects
    return {
        "id": award.pk,
        "source_reference": award.own_reference,
        "awarded_at": award.awarded_at.isoformat(),
        "corrects": None if before is None else before.own_reference,
    }


def _bid(bid: Bid) -> dict[str, Any]:
    return {"id": bid.pk, "natural_key": bid.natural_key, "version": bid.version, "state": bid.state, "gap": bid.gap}


def _ask(bid: Bid) -> dict[str, Any] | None:
    if bid.ask is None:
        return None
    return {
        "id": bid.ask.pk,
        "reference": bid.ask.reference,
        "congestion_point": bid.ask.congestion_point.code,
        "state": bid.ask.state,
    }


def _nightly_run(bid: Bid) -> dict[str, Any] | None:
    run = bid.nightly_run
    return None if run is None else {"id": run.pk, "natural_key": run.natural_key, "state": run.state}


def _forecast_run(bid: Bid) -> dict[str, Any] | None:
    run = bid.forecast_run
    if run is None:
        return None
    return {"id": run.pk, "natural_key": run.natural_key, "data_as_of": run.data_as_of.isoformat()}


def _deliveries(payout: Payout, award: Award) -> dict[str, Any]:
    """The owner's devices with their part, their setpoints and their readings, and the plan they followed."""
    run = payout.run
    day = DeliveryDay(run.delivery_date, run.portfolio.time_zone)
    sites = sites_owned(payout.owner_id, day.start, known_at=run.as_of)  # whose they were on the day that was paid
    parts = list(
        DevicePerformance.objects.filter(run=run, award=award, device__site__in=sites)
        .select_related("device", "profile")
        .order_by("device__code")
    )
    device_ids = [part.device_id for part in parts]
    checksums, keys = traced_readings(device_ids, day.start, day.end, as_of=run.as_of, most_listed=KEYS_SHOWN)
    now, of_device = dict(zip(device_ids, checksums, strict=True)), _by_device(keys)
    setpoints: dict[int, list[dict[str, Any]]] = {}
    rows = Setpoint.objects.filter(device__in=device_ids, interval_start__gte=day.start, interval_start__lt=day.end)
    for setpoint in rows.order_by("interval_start", "sequence"):
        asked = {name: getattr(setpoint, name) for name in ("state", "target_kw", "target_kvar", "applied_kvar")}
        entry = {"id": setpoint.pk, "interval_start": setpoint.interval_start.isoformat(), **asked}
        setpoints.setdefault(setpoint.device_id, []).append(entry)
    plans = Plan.objects.filter(portfolio=run.portfolio, delivery_date=run.delivery_date).order_by("version")
    return {
        "plans": [{"id": plan.pk, "version": plan.version, "forecast_run": plan.forecast_run_id} for plan in plans],
        "devices": [
            {
                "device": part.device.code,
                "profile": str(part.profile),
                "status": part.status,
                "delivered_kwh": str(part.delivered_kwh),
                "weight": str(part.weight),
                "credit": str(part.credit),
                "setpoints": setpoints.get(part.device_id, []),
                "readings": _readings(part, day, run, now[part.device_id], of_device.get(part.device_id, [])),
            }
            for part in parts
        ],
    }


def _by_device(keys: list[ReadingKey]) -> dict[int, list[list[Any]]]:
    """[instant, available at, kW] of every reading."""
    found: dict[int, list[list[Any]]] = {}
    for key in keys:
        found.setdefault(key.device_id, []).append([key.ts.isoformat(), key.available_at.isoformat(), key.power_kw])
    return found


def _readings(
    part: DevicePerformance, day: DeliveryDay, run: SettlementRun, checksum_now: str, keys: list[list[Any]]
) -> dict[str, Any]:
    """The readings as of the run: their keys, the checksum that was settled on and whether it still holds."""
    return {
        "start": day.start.isoformat(),
        "end": day.end.isoformat(),
        "as_of": run.as_of.isoformat(),
        "checksum": part.reading_checksum,
        "checksum_holds": part.reading_checksum == checksum_now,
        "keys": keys,
    }
