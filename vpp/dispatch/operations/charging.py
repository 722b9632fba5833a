"""What charging stations tell: who they are, their status, their sessions, their meters."""

from __future__ import annotations

import hmac
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction

from telemetry import operations as telemetry
from telemetry.kernels.batch import batch_of, index_codes
from vpp.dispatch.models import ChargingStation, ChargingTransaction, Link
from vpp.dispatch.operations.links import hash_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Boot:
    """What a station says of itself when it starts."""

    vendor: str
    model: str
    firmware: str = ""


@dataclass(frozen=True)
class Sample:
    """One metered power of one device; consumption positive. stored_kwh: NaN without a store."""

    device: str
    at: datetime
    power_kw: float
    stored_kwh: float = float("nan")


def devices_of_station(code: str, secret: str) -> dict[int, str] | None:
    """Device code by EVSE, for the right password; None for a station that may not connect."""
    station = ChargingStation.objects.filter(code=code).first()
    if station is None or not hmac.compare_digest(station.secret_hash, hash_of(secret)):
        return None
    links = Link.objects.filter(protocol=Link.Protocol.OCPP, address__startswith=f"{code}/")
    found = links.values_list("address", "device__code")
    return {int(address.rpartition("/")[2]): device for address, device in found if address.rpartition("/")[0] == code}


def station_connected(code: str, protocol: str, at: datetime) -> None:
    ChargingStation.objects.filter(code=code).update(protocol=protocol, heard_at=at)


def station_booted(code: str, boot: Boot, at: datetime) -> None:
    ChargingStation.objects.filter(code=code).update(
        vendor=boot.vendor[:50], model=boot.model[:50], firmware=boot.firmware[:50], booted_at=at, heard_at=at
    )


@transaction.atomic
def station_status(code: str, evse: int, status: str, at: datetime) -> None:
    """The newest status of an EVSE (0: of the whole station)."""
    station = ChargingStation.objects.select_for_update().get(code=code)
    station.status[str(evse)] = {"status": status, "at": at.isoformat()}
    station.heard_at = at
    station.save(update_fields=["status", "heard_at"])


def transaction_started(
    code: str, evse: int, *, reference: str, id_token: str, meter_kwh: float | None, at: datetime
) -> int:
    """The number of the transaction. reference: the station's own id; with "" (1.6) a running one of the same EVSE,
    moment and card is the same transaction, told again."""
    station = ChargingStation.objects.get(code=code)
    reference = reference or f"{evse}@{at:%Y%m%dT%H%M%SZ}"
    found, _ = ChargingTransaction.objects.get_or_create(
        station=station,
        reference=reference[:36],
        defaults={"evse": evse, "id_token": id_token[:36], "started_at": at, "meter_start_kwh": meter_kwh},
    )
    return found.pk


def transaction_ended(
    code: str, *, number: int | None = None, reference: str = "", meter_kwh: float | None, reason: str, at: datetime
) -> bool:
    """True if it was running; a repeat changes nothing."""
    running = ChargingTransaction.objects.filter(station__code=code, ended_at=None, started_at__lte=at)
    mine = running.filter(pk=number) if number is not None else running.filter(reference=reference[:36])
    return bool(mine.update(ended_at=at, meter_stop_kwh=meter_kwh, stop_reason=reason[:40]))


def store_samples(samples: Sequence[Sample], at: datetime) -> int:
    """Metered powers become readings of their devices, on whole seconds; returns how many were kept."""
    if not samples:
        return 0
    codes, device = index_codes([one.device for one in samples])
    batch = batch_of(
        codes=codes,
        device=device,
        time_us=np.array([int(one.at.timestamp()) * 1_000_000 for one in samples], dtype=np.int64),
        power_kw=np.array([one.power_kw for one in samples]),
        soc_kwh=np.array([one.stored_kwh for one in samples]),
    )
    answer = telemetry.ingest(batch, at=at, principal=None)
    if answer.refused:
        logger.warning("readings of charging stations were refused: %s", Counter(why for _, why in answer.refused))
    return answer.accepted
