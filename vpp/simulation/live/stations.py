"""What a simulated charging station says and does, in OCPP 1.6 and 2.0.1; `charge_points` connects them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint as ChargePoint16
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as ChargePoint201
from ocpp.v201 import call as call201
from ocpp.v201 import call_result as result201

FULL_W = 11_000.0


@dataclass
class Car:
    """One EVSE with a car that takes what it gets; limit_w: of the profile, until it runs out."""

    behaviour: str
    limit_w: float = FULL_W
    until_s: float = float("inf")
    profiles: int = 0

    @property
    def schedule_w(self) -> float:
        held = self.behaviour != "ignores" and time.time() < self.until_s
        return min(self.limit_w, FULL_W) if held else FULL_W

    @property
    def power_w(self) -> float:
        return FULL_W if self.behaviour == "disobeys" else self.schedule_w

    def take(self, schedule: dict[str, Any]) -> str:
        self.profiles += 1
        if self.behaviour == "rejects":
            return "Rejected"
        begins = datetime.fromisoformat(schedule["start_schedule"]).timestamp()
        self.limit_w = float(schedule["charging_schedule_period"][0]["limit"])
        self.until_s = begins + schedule["duration"]
        return "Accepted"

    def clear(self) -> str:
        self.limit_w, self.until_s = FULL_W, float("inf")
        return "Accepted"


def _now() -> str:
    return datetime.now(UTC).isoformat()


class Station16(ChargePoint16):
    car: Car
    transaction = 0

    async def route_message(self, raw_msg: Any) -> None:
        if not (self.car.behaviour == "mute" and "SetChargingProfile" in raw_msg):
            await super().route_message(raw_msg)

    @on("SetChargingProfile")
    async def on_profile(self, connector_id: int, cs_charging_profiles: dict[str, Any]) -> Any:
        return result16.SetChargingProfile(self.car.take(cs_charging_profiles["charging_schedule"]))

    @on("ClearChargingProfile")
    def on_clear(self, **_: Any) -> Any:
        return result16.ClearChargingProfile(self.car.clear())

    @on("GetCompositeSchedule")
    def on_composite(self, connector_id: int, duration: int, **_: Any) -> Any:
        period = [{"startPeriod": 0, "limit": self.car.schedule_w}]
        schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": period}
        return result16.GetCompositeSchedule("Accepted", connector_id, _now(), schedule)

    async def greet(self) -> None:
        await self.call(call16.BootNotification("One-Six", "Simulated", firmware_version="1.0"))
        await self.call(call16.StatusNotification(1, "NoError", "Charging"))
        started = await self.call(call16.StartTransaction(1, "CARD", 1000, _now()))
        self.transaction = started.transaction_id

    async def meter(self) -> None:
        value = {"value": str(self.car.power_w), "measurand": "Power.Active.Import", "unit": "W"}
        await self.call(call16.MeterValues(1, [{"timestamp": _now(), "sampledValue": [value]}], self.transaction))

    async def leave(self) -> None:
        await self.call(call16.StopTransaction(2500, _now(), self.transaction, reason="EVDisconnected"))


class Station201(ChargePoint201):
    car: Car
    sequence = 0

    async def route_message(self, raw_msg: Any) -> None:
        if not (self.car.behaviour == "mute" and "SetChargingProfile" in raw_msg):
            await super().route_message(raw_msg)

    @on("SetChargingProfile")
    async def on_profile(self, evse_id: int, charging_profile: dict[str, Any], **_: Any) -> Any:
        status = self.car.take(charging_profile["charging_schedule"][0])
        info = {"reasonCode": "TooManyProfiles"} if status == "Rejected" else None
        return result201.SetChargingProfile(status, status_info=info)

    @on("ClearChargingProfile")
    def on_clear(self, **_: Any) -> Any:
        return result201.ClearChargingProfile(self.car.clear())

    @on("GetCompositeSchedule")
    def on_composite(self, duration: int, evse_id: int, **_: Any) -> Any:
        period = [{"startPeriod": 0, "limit": self.car.schedule_w}]
        schedule = {
            "evseId": evse_id, "duration": duration, "scheduleStart": _now(), "chargingRateUnit": "W",
            "chargingSchedulePeriod": period,
        }  # fmt: skip
        return result201.GetCompositeSchedule("Accepted", schedule=schedule)

    async def greet(self) -> None:
        station = {"vendorName": "Two-Oh-One", "model": "Simulated", "firmwareVersion": "2.0"}
        await self.call(call201.BootNotification(station, "PowerUp"))
        await self.call(call201.StatusNotification(_now(), "Occupied", 1, 1))
        await self._event("Started", "CablePluggedIn", register_wh=1000.0)

    async def meter(self) -> None:
        await self._event("Updated", "MeterValuePeriodic")

    async def leave(self) -> None:
        await self._event("Ended", "EVDeparted", register_wh=2500.0)

    async def _event(self, kind: str, reason: str, register_wh: float | None = None) -> None:
        values: list[dict[str, Any]] = [
            {
                "value": self.car.power_w / 1000.0, "measurand": "Power.Active.Import",
                "unitOfMeasure": {"unit": "W", "multiplier": 3},
            }
        ]  # fmt: skip
        if register_wh is not None:
            values.append({"value": register_wh, "measurand": "Energy.Active.Import.Register"})
        await self.call(
            call201.TransactionEvent(
                kind,
                _now(),
                reason,
                self.sequence,
                {"transactionId": f"tx-{self.id}"[:36]},
                meter_value=[{"timestamp": _now(), "sampledValue": values}],
                evse={"id": 1, "connectorId": 1},
                id_token={"idToken": "CARD", "type": "ISO14443"} if kind == "Started" else None,
            )  # fmt: skip
        )
        self.sequence += 1


VERSIONS: dict[str, tuple[type[Station16] | type[Station201], str]] = {
    "1.6": (Station16, "ocpp1.6"),
    "2.0.1": (Station201, "ocpp2.0.1"),
}
