"""A day to settle, of any size: sites of many owners, awards, a plan, and their packed readings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np

DAY = date(2016, 7, 14)
ZONE = "UTC"
EVENING = range(64, 76)
BEGINNING = datetime(2015, 1, 1, tzinfo=UTC)


class World:
    """Rows in the database. Loads of 3 kW with noise; a third of the devices are batteries that deliver.

    metered : every day has readings of its own, which can be corrected. Else the day before is metered and its rollup
    copied to the days before it: as much to read, and ties for every ranking, in a fraction of the time to make.
    """

    def __init__(self, *, devices: int, owners: int, history_days: int, metered: bool = False, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        self.codes = [f"site-{place:06d}" for place in range(devices)]
        self._enroll(owners)
        for back in range(history_days if metered else 1, -1, -1):
            self._meter(DAY - timedelta(days=back))
        if not metered:
            self._copy_history(history_days)

    def _copy_history(self, history_days: int) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("""SELECT string_agg(column_name, ', ') FROM information_schema.columns
                WHERE table_name = 'telemetry_rollupday'
                AND column_name NOT IN ('day', 'first_available_at', 'available_at')""")
            ((others,),) = cursor.fetchall()
            cursor.execute(
                f"""INSERT INTO telemetry_rollupday (day, first_available_at, available_at, {others})
                SELECT day - back, first_available_at - back * interval '1 day',
                    available_at - back * interval '1 day', {others}
                FROM telemetry_rollupday, generate_series(1, %s) AS back WHERE day = %s""",  # noqa: S608
                [history_days - 1, DAY - timedelta(days=1)],
            )
            cursor.execute("ANALYZE telemetry_rollupday")

    def _enroll(self, owners: int) -> None:
        from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

        from vpp.accounts.models import Participant
        from vpp.enrollment.models import Contract, Device, Enrollment, Portfolio, Site

        always = DateTimeTZRange(BEGINNING, None)
        people = Participant.objects.bulk_create(
            Participant(code=f"owner-{number:06d}", name=f"owner {number}", kind="OWNER") for number in range(owners)
        )
        Contract.objects.bulk_create(
            Contract(code=f"contract-{one.code}", owner=one, period=always, owner_share_pu="0.7") for one in people
        )
        sites = Site.objects.bulk_create(
            Site(code=code, name=code, owner=people[place % owners], time_zone=ZONE, zone_code="DE",
                 import_limit_kw=10, export_limit_kw=10)
            for place, code in enumerate(self.codes)
        )  # fmt: skip
        self.devices = Device.objects.bulk_create(
            [
                Device(code=site.code, site=site, kind="BATTERY" if place % 3 == 0 else "LOAD", controllable=True,
                       max_consumption_kw=10, max_production_kw=10 if place % 3 == 0 else 0,
                       **({"energy_capacity_kwh": 20, "charge_efficiency": 0.95, "discharge_efficiency": 0.95}
                          if place % 3 == 0 else {}))
                for place, site in enumerate(sites)
            ],
            batch_size=5000,
        )  # fmt: skip
        self.portfolio = Portfolio.objects.create(code="bench", name="bench", zone_code="DE", time_zone=ZONE)
        Enrollment.objects.bulk_create(
            (Enrollment(device=device, portfolio=self.portfolio, period=always) for device in self.devices),
            batch_size=5000,
        )

    def _meter(self, day: date) -> None:
        from telemetry import operations
        from telemetry.kernels.batch import batch_of

        start_us = round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1e6)
        size = 1000
        battery = np.arange(len(self.codes)) % 3 == 0
        for first in range(0, len(self.codes), size):
            part = slice(first, first + size)
            codes = self.codes[part]
            power = 3.0 + self.rng.normal(0, 0.3, (len(codes), 96))
            power[battery[part]] = 0.0
            if day == DAY:
                power[:, EVENING.start : EVENING.stop] -= 1.0
            batch = batch_of(
                codes=codes,
                device=np.repeat(np.arange(len(codes)), 96),
                time_us=np.tile(start_us + np.arange(96) * 900_000_000, len(codes)),
                power_kw=power.round(3).reshape(-1),
            )
            end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
            operations.ingest(batch, at=end, principal=None, max_age_days=None)

    def sell(self, awards: int, *, on: date = DAY) -> None:
        """Awards of a day's evening that together call for about 1 kW a device, and their plan."""
        from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

        from bidding.models import Award, Bid, Market, Product
        from vpp.dispatch.models import Plan, PlanDevice

        market, _ = Market.objects.get_or_create(
            code="DA",
            defaults={"name": "market", "kind": "WHOLESALE", "zone_code": "DE", "time_zone": ZONE, "mtu_minutes": 60,
                      "gate_local_time": "12:00"},
        )  # fmt: skip
        products = [
            Product.objects.get_or_create(
                market=market, code=f"E{number}",
                defaults={"name": "energy", "kind": "ENERGY", "min_quantity_kw": 1, "lot_kw": 1, "tick": "0.01",
                          "price_floor": -500, "price_cap": 4000, "block_minutes": 60,
                          "period": DateTimeTZRange(BEGINNING, None)},
            )[0]
            for number in range(awards)
        ]  # fmt: skip
        share_kw = len(self.codes) / awards
        up = [share_kw if place in EVENING else 0.0 for place in range(96)]
        zeros = [0.0] * 96
        target = [-1.0 if place in EVENING else 0.0 for place in range(96)]
        moment = datetime(on.year, on.month, on.day, tzinfo=UTC) - timedelta(hours=12)
        bids = Bid.objects.bulk_create(
            Bid(natural_key=f"{on}-{number}", portfolio=self.portfolio, product=products[number], delivery_date=on,
                state="CLEARED", up_kw=up, down_kw=zeros, price_per_mwh=[40.0 + number] * 96, created_at=moment,
                submitted_at=moment)
            for number in range(awards)
        )  # fmt: skip
        Award.objects.bulk_create(
            Award(bid=bid, up_kw=up, down_kw=zeros, price_per_mwh=bid.price_per_mwh, source_reference=bid.natural_key,
                  awarded_at=moment)
            for bid in bids
        )  # fmt: skip
        plan = Plan.objects.create(
            portfolio=self.portfolio, delivery_date=on, baseline_kw=zeros, committed_up_kw=zeros, target_kw=zeros,
            residual_kw=zeros, least_stored_kwh=zeros, most_stored_kwh=zeros, state="OK", created_at=moment,
        )  # fmt: skip
        PlanDevice.objects.bulk_create(
            (PlanDevice(plan=plan, device=device, baseline_kw=zeros, target_kw=target) for device in self.devices),
            batch_size=2000,
        )

    def correct(self, readings: int, at: datetime) -> None:
        """Correct single readings of many devices over the history."""
        from telemetry import operations
        from telemetry.kernels.batch import batch_of
        from vpp.enrollment.models import Device

        loads = list(Device.objects.filter(kind="LOAD").order_by("code").values_list("code", flat=True)[:readings])
        days = np.arange(readings) % 90
        start_us = round(datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp() * 1e6)
        batch = batch_of(
            codes=loads,
            device=np.arange(readings) % len(loads),
            time_us=start_us - days * 86_400_000_000 + 66 * 900_000_000,
            power_kw=np.full(readings, 4.0),
            correction=True,
        )
        operations.ingest(batch, at=at, principal=None, max_age_days=None)

    def correct_one(self, day: date, at: datetime) -> None:
        """Correct one reading of one device in a day's event."""
        from telemetry import operations
        from telemetry.kernels.batch import batch_of

        start_us = round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1e6)
        batch = batch_of(
            codes=[self.codes[1]], device=np.zeros(1, dtype=np.int64), power_kw=np.array([3.5]), correction=True,
            time_us=np.array([start_us + EVENING.start * 900_000_000]),
        )  # fmt: skip
        operations.ingest(batch, at=at, principal=None, max_age_days=None)
