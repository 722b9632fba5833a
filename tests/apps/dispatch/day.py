"""A portfolio of batteries with an award, and gateways played by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np

from telemetry import operations as telemetry
from telemetry.kernels.batch import batch_of, index_codes
from tests.apps.settlement.makers import SUMMER, make_award
from tests.factories import make_device, make_portfolio
from vpp.accounts.models import ApiClient
from vpp.dispatch import operations, setpoint_rows
from vpp.dispatch.setpoint_rows import SetpointColumns
from vpp.enrollment.models import Device, Portfolio
from vpp.lib.periods import DeliveryDay

STEP = timedelta(minutes=15)


class PlayedDay:
    """n batteries of 10 kW / 20 kWh with an UP award of `up_kw` from interval 40 on."""

    def __init__(self, n: int, up_kw: float, day: date = SUMMER, until: int = 48) -> None:
        self.devices = [make_device() for _ in range(n)]
        self.portfolio: Portfolio = make_portfolio(devices=self.devices)
        self.award = make_award(self.portfolio, day=day, up=dict.fromkeys(range(40, until), up_kw))
        self.day = DeliveryDay(day, self.portfolio.time_zone)

    def start(self, index: int) -> datetime:
        return self.day.start + STEP * index

    def report(self, index: int, power_kw: dict[Device, float], soc_kwh: float = 10.0) -> None:
        """Readings of interval `index`; a device that is not in the mapping says nothing."""
        codes, device = index_codes([one.code for one in power_kw])
        batch = batch_of(
            codes=codes,
            device=device,
            time_us=np.full(len(power_kw), round(self.start(index).timestamp() * 1e6)),
            power_kw=np.array(list(power_kw.values())),
            soc_kwh=np.full(len(power_kw), soc_kwh),
        )
        answer = telemetry.ingest(batch, at=self.start(index + 1), principal=None)
        assert answer.refused == []

    def idle(self, index: int) -> None:
        self.report(index, dict.fromkeys(self.devices, 0.0))

    def in_force(self, index: int) -> SetpointColumns:
        return setpoint_rows.in_force([self.portfolio.pk], self.start(index))

    def targets(self, index: int) -> dict[Device, float]:
        found = self.in_force(index)
        by_id = {device.pk: device for device in self.devices}
        rows = zip(found.device_id.tolist(), found.target_kw.tolist(), found.released, strict=True)
        return {by_id[device_id]: target for device_id, target, released in rows if not released}

    def cycle(self, index: int, revision: int = 0):
        return operations.control_cycle(self.portfolio.pk, self.start(index), self.start(index), revision)

    def fetch_and_accept(self, index: int, gateway: ApiClient, silent: tuple[Device, ...] = ()) -> None:
        found = operations.fetch_setpoints(gateway, self.start(index), self.start(index), everything=False).setpoints
        quiet = {device.pk for device in silent}
        ids = [
            pk for pk, device in zip(found.id.tolist(), found.device_id.tolist(), strict=True) if device not in quiet
        ]
        operations.answer_setpoints(gateway, ids, {}, self.start(index))
