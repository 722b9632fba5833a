"""A gateway of an owner with three devices, and short ways to send and to look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pytest

from telemetry import operations
from telemetry.kernels.batch import ReadingBatch, batch_of, index_codes
from telemetry.models import Latest, Reading, ReadingCorrection, ReadingDay, Rollup15, RollupDay, TouchedBucket
from tests.factories import make_client, make_device, make_site
from vpp.accounts.models import Participant
from vpp.enrollment.models import Device


def rows(*readings: tuple[str, datetime, float], correction: bool = False) -> ReadingBatch:
    """A batch of (device code, moment, kW)."""
    codes, device = index_codes([code for code, _, _ in readings])
    return batch_of(
        codes=codes,
        device=device,
        time_us=np.array([round(moment.timestamp() * 1e6) for _, moment, _ in readings], dtype=np.int64),
        power_kw=np.array([power_kw for _, _, power_kw in readings], dtype=np.float64),
        correction=correction,
    )


def send(*readings: tuple[str, datetime, float], at: datetime, correction: bool = False) -> operations.IngestAnswer:
    """Ingest as the service's own staff."""
    return operations.ingest(rows(*readings, correction=correction), at=at, principal=None)


def day_of_readings(codes: list[str], start: datetime, power_kw: np.ndarray) -> ReadingBatch:
    """A batch of 96 quarter hours a device; power_kw (N, 96)."""
    start_us = round(start.timestamp() * 1e6)
    return batch_of(
        codes=codes,
        device=np.repeat(np.arange(len(codes)), 96),
        time_us=np.tile(start_us + np.arange(96) * 900_000_000, len(codes)),
        power_kw=power_kw.ravel(),
    )


def tables() -> dict[str, list]:
    """All that is stored, row for row."""
    return {
        model.__name__: sorted(map(str, model.objects.values_list()))
        for model in (Reading, ReadingCorrection, ReadingDay, Rollup15, RollupDay, TouchedBucket, Latest)
    }


@dataclass
class Fleet:
    devices: list[Device]
    client: object
    token: str

    @property
    def ids(self) -> list[int]:
        return [device.pk for device in self.devices]

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


@pytest.fixture
def fleet(db) -> Fleet:
    client, token = make_client(kind=Participant.Kind.OWNER, scopes=("read", "telemetry:write"))
    site = make_site(owner=client.participant)
    kinds = (Device.Kind.BATTERY, Device.Kind.PV, Device.Kind.LOAD)
    ratings = ((10.0, 10.0), (0.0, 10.0), (10.0, 0.0))
    devices = [
        make_device(kind=kind, code=kind.lower(), site=site, max_consumption_kw=draw, max_production_kw=feed)
        for kind, (draw, feed) in zip(kinds, ratings, strict=True)
    ]
    return Fleet(devices, client, token)
